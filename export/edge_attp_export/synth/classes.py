"""The ten classes: their actions and clocks. Knows nothing about drawing."""

from __future__ import annotations

from typing import Dict, NamedTuple, Tuple

import numpy as np

DOOR, WALK, CROUCH, WAVE, DRIVE = ACTIONS = ("door", "walk", "crouch", "wave", "drive")


class Label(NamedTuple):
    """A class. `sign` is the direction of the clock; for a wave, slow (-1) or quick (+1)."""

    action: str
    sign: int


# This order numbers the classes.
LABELS: Dict[str, Label] = {
    "open door": Label(DOOR, 1),
    "close door": Label(DOOR, -1),
    "walk left": Label(WALK, -1),
    "walk right": Label(WALK, 1),
    "crouch": Label(CROUCH, 1),
    "stand up": Label(CROUCH, -1),
    "wave slowly": Label(WAVE, -1),
    "wave quickly": Label(WAVE, 1),
    "drive forward": Label(DRIVE, 1),
    "drive backward": Label(DRIVE, -1),
}
QUICK = 4.0  # rate of a quick wave over that of a slow one


def pairs() -> Dict[str, Tuple[str, str]]:
    """Return the two labels of each action."""
    names = list(LABELS)
    return {LABELS[name].action: (name, names[i + 1]) for i, name in enumerate(names) if i % 2 == 0}


def mirror() -> Dict[str, str]:
    """Return the label of a mirrored clip, for the labels that change."""
    left, right = pairs()[WALK]
    return {left: right, right: left}


def folder(label: str) -> str:
    """Return the name of the class's folder."""
    return label.replace(" ", "_")


def clock(label: str, facing: int, pictures: int) -> np.ndarray:
    """Return the subject's time at each picture, float64 (pictures,), in picture intervals.

    A figure that walks (`facing` -1 left, +1 right) goes where it faces while its clock runs forwards.
    """
    action, sign = LABELS[label]
    time = np.arange(pictures, dtype=np.float64)
    if action == WAVE:
        return time * QUICK if sign > 0 else time
    if action == WALK:
        sign *= facing
    return time if sign > 0 else time[::-1].copy()
