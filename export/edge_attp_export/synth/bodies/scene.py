"""One clip: every random choice, and its pictures."""

from __future__ import annotations

from typing import Any, Dict, Iterator, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ..attributes import stream
from . import clothing, encoding, people, places, sensor
from .captures import Capture
from .motion import RATE
from .people import Placed
from .renderer import Person, Renderer, rendering
from .staging import Staging, stage
from .viewpoint import Look, Viewpoint, backdrop, looks, matrix, windows
from .wardrobe import Wardrobe

_SPARE_S = 0.1  # of motion beyond the last picture
_PANS, _SHAKES, _ZOOMS = 0.15, 0.3, 0.08  # shares of clips
_BLURRED = 0.55
_EXPOSURES = 4  # drawn for a blurred picture at most
_SHARP_PX, _STEP_PX = 0.8, 1.5  # moves that need no blur, and steps of one


class Scene(NamedTuple):
    """All random choices of a clip. shutter: how long it is open, as a share of the interval."""

    staging: Staging
    view: Viewpoint  # with its motion
    kind: str
    occluder: str
    shutter: float
    sensor: sensor.Sensor
    encoding: encoding.Encoding

    def columns(self) -> Dict[str, Any]:
        """Return the choices as strings and numbers for a table."""
        main = self.staging.people[0]
        row: Dict[str, Any] = {
            "capture": main.member.capture.name,
            "performer": main.member.capture.performer,
            "people": len(self.staging.people),
            "others": "|".join(p.member.capture.name for p in self.staging.people[1:]),
            "share": self.staging.share,
            "place": self.kind,
            "occluder": self.occluder,
            "shutter": self.shutter,
        }
        row.update(_person(main))
        row.update({"camera_" + k: v for k, v in self.view._asdict().items()})
        row.update(self.sensor._asdict())
        row.update(self.encoding._asdict())
        row["rate"] = float(self.encoding.rate)
        return {key: _cell(value) for key, value in row.items()}


def compose(
    captures: Sequence[Capture],
    bystanders: Sequence[Capture],
    wardrobe: Wardrobe,
    seconds: float,
    aspect: float,
    has_photograph: bool,
    seed: int,
) -> Scene:
    """Choose everything. captures: of the class; bystanders: whatever else people in the clip may do."""
    random = stream(seed, "cast")
    count = int(random.choice([1, 2, 3, 4], p=[0.4, 0.3, 0.2, 0.1]))
    long = seconds + _SPARE_S
    cast = [people.perform(captures, wardrobe, long, random)]
    cast += [people.perform(bystanders, wardrobe, long, random) for _ in range(count - 1)]
    random = stream(seed, "scene")
    staging = stage(cast, wardrobe, aspect, random)
    drawn = places.KINDS[:-1]
    kind = places.PHOTOGRAPH if has_photograph else drawn[random.integers(len(drawn))]
    occluder = ("post", "block")[random.integers(2)] if random.random() < 0.25 else ""
    return Scene(
        staging=staging,
        view=_moving(staging.view, has_photograph, random),
        kind=kind,
        occluder=occluder,
        shutter=random.uniform(0.15, 0.9) if random.random() < _BLURRED else 0.0,
        sensor=sensor.draw(random),
        encoding=encoding.draw(random),
    )


def pictures(
    scene: Scene,
    wardrobe: Wardrobe,
    photograph: Optional[np.ndarray],
    seconds: float,
    width: int,
    height: int,
    seed: int,
) -> Iterator[np.ndarray]:
    """Draw the clip: yields RGB uint8 (height, width, 3). photograph: as from `backgrounds`."""
    count = scene.encoding.pictures(seconds)
    random = stream(seed, "place")
    place = places.build(scene.kind, photograph, scene.staging, scene.occluder, seed, random)
    exposure = sensor.Exposure(scene.sensor, seed, count, width, height)
    with rendering(width, height) as renderer:
        stand = Stand(renderer, place, scene.staging.people, wardrobe, width / height, scene.kind)
        ends = np.clip(np.arange(count)[:, None] + scene.shutter * np.array([-0.5, 0.5]), 0, None)
        first, last = (looks(scene.view, seed, times, count, height) for times in ends.T)
        interval = 1 / float(scene.encoding.rate)
        for index in range(count):
            start, end = ends[index] * interval
            before, after = (first[index], float(start)), (last[index], float(end))
            yield exposure(_exposed(stand, scene.view, before, after, height))


Moment = Tuple[Look, float]  # the camera, and seconds after the first sample


def _exposed(
    stand: "Stand", view: Viewpoint, before: Moment, after: Moment, rows: int
) -> np.ndarray:
    """Draw what is seen while the shutter is open, as often as what moves farthest needs."""
    way = stand.way(view, before, after) * rows / 2
    exposures = 1 if way < _SHARP_PX else min(1 + int(np.ceil(way / _STEP_PX)), _EXPOSURES)
    if exposures == 1:
        return stand.picture(view, *before)
    seen = []
    for share in np.linspace(0.0, 1.0, exposures):
        axes = before[0].axes * (1 - share) + after[0].axes * share
        fov = before[0].fov * (1 - share) + after[0].fov * share
        seconds = before[1] * (1 - share) + after[1] * share
        seen.append(stand.picture(view, Look(axes, fov), seconds))
    return np.asarray(np.mean(seen, axis=0))


class Stand:
    """Draws a scene at any time. While the camera stands still, only people and their shadows are drawn anew."""

    def __init__(
        self,
        renderer: Renderer,
        place: places.Place,
        people: Sequence[Placed],
        wardrobe: Wardrobe,
        aspect: float,
        kind: str,
    ) -> None:
        self._renderer, self._place, self._people = renderer, place, people
        self._aspect = aspect
        for surface in place.surfaces:
            renderer.add_surface(surface)
        if kind == places.PHOTOGRAPH:
            renderer.set_catcher(place.floor)
        else:
            renderer.add_surface(place.floor, casts_shadow=False)
        if place.backdrop is not None:
            renderer.set_backdrop(place.backdrop)
        self._meshes = [renderer.add_person(_mesh(placed, wardrobe)) for placed in people]
        self._matrices = [placed.matrices(wardrobe) for placed in people]
        self._heads = [placed.moved(placed.member.moves.heads) for placed in people]
        self._empty: Optional[np.ndarray] = None
        self._view = np.zeros((4, 4))

    def way(self, viewpoint: Viewpoint, before: Moment, after: Moment) -> float:
        """Return how far anything moves between two moments, in halves of the picture's height."""
        places = []
        for look, seconds in (before, after):
            points = np.concatenate([_at(each, seconds) for each in self._heads])
            clip = np.concatenate([points, np.ones((len(points), 1))], axis=1)
            clip = clip @ matrix(look, viewpoint.height, self._aspect).T
            places.append(clip[:, :2] / np.maximum(clip[:, 3:], 0.2) * (self._aspect, 1.0))
        return float(np.linalg.norm(places[1] - places[0], axis=1).max())

    def picture(self, viewpoint: Viewpoint, look: Look, seconds: float) -> np.ndarray:
        """Draw what the camera sees at a time after the first sample: RGB uint8 (height, width, 3)."""
        view = matrix(look, viewpoint.height, self._aspect)
        behind = backdrop(look, viewpoint, self._aspect, self._place.horizon)
        cast = [
            Person(mesh, _at(matrices, seconds), placed.member.outfit.weave)
            for mesh, matrices, placed in zip(self._meshes, self._matrices, self._people)
        ]
        light = self._place.light
        if not np.array_equal(view, self._view):
            self._view, self._empty = view, None
            return self._renderer.picture(view, behind, light, cast)
        if self._empty is None:
            self._empty = self._renderer.picture(view, behind, light, [])
        picture: np.ndarray = self._empty.copy()
        heads = [_at(each, seconds) for each in self._heads]
        changed = windows(heads, view, light.sun, picture.shape)
        parts = self._renderer.parts(view, behind, light, cast, changed)
        for (left, top, right, bottom), part in zip(changed, parts):
            picture[top:bottom, left:right] = part
        return picture


def _moving(view: Viewpoint, has_photograph: bool, random: np.random.Generator) -> Viewpoint:
    """The same camera; most stand still, some shake, few pan or zoom."""
    chance, uniform = random.random, random.uniform
    # A photograph ends somewhere.
    furthest = 0.25 if has_photograph else 0.6
    pans = chance() < _PANS
    return view._replace(
        pan=uniform(0.05, furthest) * view.fov * (-1) ** int(random.integers(2)) if pans else 0.0,
        tilt=uniform(-0.1, 0.1) * view.fov if pans and chance() < 0.5 else 0.0,
        zoom=uniform(-0.15, 0.15) if chance() < _ZOOMS else 0.0,
        roll=uniform(-0.02, 0.02) if pans else 0.0,
        shake=float(np.exp(uniform(np.log(0.1), np.log(1.5)))) if chance() < _SHAKES else 0.0,
    )


def _mesh(placed: Placed, wardrobe: Wardrobe) -> Any:
    body = wardrobe.bodies[placed.member.body]
    return clothing.dressed(body, wardrobe.skin, placed.member.outfit)


def _at(samples: np.ndarray, seconds: float) -> np.ndarray:
    """The state at a time after the first sample."""
    place = min(seconds * RATE, len(samples) - 1.001)
    below = int(place)
    share = place - below
    return np.asarray(samples[below] * (1 - share) + samples[below + 1] * share)


def _person(placed: Placed) -> Dict[str, Any]:
    member = placed.member
    row: Dict[str, Any] = {
        "speed": member.speed,
        "mirrored": member.mirrored,
        "body": member.body,
        "turn": placed.turn,
        "x": placed.x,
        "z": placed.z,
    }
    row.update({k: v for k, v in member.outfit._asdict().items() if k != "weave"})
    return row


def _cell(value: Any) -> Any:
    if isinstance(value, tuple):
        return "#" + "".join(f"{round(channel):02x}" for channel in value)
    if isinstance(value, (bool, np.bool_)):
        return int(value)
    return f"{value:.4f}" if isinstance(value, float) else value
