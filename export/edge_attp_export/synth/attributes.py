"""The random traits of a clip. They do not depend on the class: both classes of an action share them."""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Tuple

import numpy as np

from .classes import ACTIONS

Colour = Tuple[float, float, float]  # RGB, 0 to 255
SKINS = ((241, 205, 178), (222, 172, 138), (186, 128, 92), (124, 82, 58), (84, 56, 42))


class Attributes(NamedTuple):
    """The traits of one world. Lengths in pixels of the final picture, angles in radians."""

    scenery: str  # of drawn backgrounds: landscape, street or room
    facing: int  # -1: the figure or vehicle looks left; +1: right
    variant: int  # 0..2: which vehicle, which arms wave, which way the door swings
    height: float  # of the subject
    x: float  # of the subject's centre at half time, from the picture's centre
    ground: float  # of its feet, from the picture's top
    speed: float  # 0..1: slow to fast, within the range of the class
    phase: float  # of gait and wave
    start: float  # of crouching and opening, as a share of the clip
    duration: float  # the same
    reach: float  # 0..1: how far the action goes
    skin: Colour
    shirt: Colour
    trousers: Colour
    accent: Colour
    hair: Colour
    pan: float  # camera travel over the clip
    tilt: float
    zoom: float  # logarithm of the last size over the first
    roll: float
    shake: float  # standard deviation
    ball: bool
    second_walker: bool
    gain: float  # light
    warmth: float
    contrast: float
    noise: float  # standard deviation, in sample values


def clip_seed(seed: int, action: str, index: int) -> int:
    """Return the seed of world `index` of an action, below 2**64."""
    state = np.random.SeedSequence([seed, ACTIONS.index(action), index]).generate_state(
        1, np.uint64
    )
    return int(state[0])


def stream(seed: int, purpose: str) -> np.random.Generator:
    """Return an independent random stream for one purpose of the clip with this seed."""
    return np.random.default_rng([seed, *purpose.encode()])


def draw(seed: int) -> Attributes:
    """Draw the traits of the world with this seed."""
    random = stream(seed, "attributes")
    uniform, chance = random.uniform, random.random

    def maybe(value: float, share: float) -> float:
        return value if chance() < share else 0.0

    return Attributes(
        scenery=("landscape", "street", "room")[random.integers(3)],
        facing=int(random.integers(2)) * 2 - 1,
        variant=int(random.integers(3)),
        height=uniform(115, 165),
        x=uniform(-45, 45),
        ground=uniform(212, 240),
        speed=uniform(0, 1),
        phase=uniform(0, 2 * np.pi),
        start=uniform(0.0, 0.25),
        duration=uniform(0.6, 0.75),
        reach=uniform(0, 1),
        skin=SKINS[random.integers(len(SKINS))],
        shirt=colour(random),
        trousers=colour(random, 0.7),
        accent=colour(random),
        hair=colour(random, 0.4),
        pan=maybe(uniform(-70, 70), 0.7),
        tilt=maybe(uniform(-14, 14), 0.5),
        zoom=maybe(uniform(-0.16, 0.16), 0.5),
        roll=maybe(uniform(-0.03, 0.03), 0.3),
        shake=maybe(uniform(0.2, 1.2), 0.5),
        ball=bool(chance() < 0.3),
        second_walker=bool(chance() < 0.3),
        gain=uniform(0.75, 1.15),
        warmth=uniform(-0.08, 0.08),
        contrast=uniform(0.85, 1.15),
        noise=uniform(0.4, 2.5),
    )


def columns(attributes: Attributes) -> Dict[str, Any]:
    """Return the traits as strings and numbers for a table; colours as #rrggbb."""
    return {name: _cell(value) for name, value in attributes._asdict().items()}


def _cell(value: Any) -> Any:
    if isinstance(value, tuple):
        return "#" + "".join(f"{round(channel):02x}" for channel in value)
    if isinstance(value, bool):
        return int(value)
    return f"{value:.4f}" if isinstance(value, float) else value


def colour(random: np.random.Generator, bright: float = 1.0) -> Colour:
    """Return a colour of clothes or paint: any hue, neither black nor overexposed."""
    hue, grey, light = random.uniform(0, 1), random.uniform(0, 0.8), random.uniform(70, 235)
    channels = [0.5 + 0.5 * np.cos(2 * np.pi * (hue + shift)) for shift in (0, 1 / 3, 2 / 3)]
    red, green, blue = (light * bright * (grey + (1 - grey) * c) for c in channels)
    return (max(red, 18.0), max(green, 18.0), max(blue, 18.0))
