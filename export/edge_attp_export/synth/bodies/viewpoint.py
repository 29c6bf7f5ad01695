"""The camera of a scene: where it stands, where it looks, and how that changes."""

from __future__ import annotations

from typing import List, NamedTuple, Sequence, Tuple

import numpy as np

from ..attributes import stream
from ..backgrounds import WORLD
from ..camera import HEIGHT, WIDTH
from .renderer import Window

_NEAR_M, _FAR_M = 0.2, 250.0
_BODY_M = 0.4  # around the joints: flesh, skirts, bags
# How much more a photograph shows than the picture, either way.
_AROUND = (WORLD[0] / WIDTH, WORLD[1] / HEIGHT)


class Viewpoint(NamedTuple):
    """A camera above (0, 0, 0) that looks along -z. Angles in radians, shake in pixels of the picture.

    pan, tilt, roll, zoom: what is travelled over the clip, half of it before half time; zoom is the logarithm of the
    last size over the first.
    """

    height: float  # metres above the floor
    fov: float  # from the picture's top to its bottom
    pitch: float  # downwards
    pan: float = 0.0
    tilt: float = 0.0
    roll: float = 0.0
    zoom: float = 0.0
    shake: float = 0.0


class Look(NamedTuple):
    """What the camera sees at one moment. axes: right, up, back, as rows (3, 3)."""

    axes: np.ndarray
    fov: float


def looks(view: Viewpoint, seed: int, times: np.ndarray, pictures: int, rows: int) -> List[Look]:
    """Return the camera at these times, in pictures from the first; `rows`: pixels of the picture."""
    random = stream(seed, "camera")
    half = times / max(pictures - 1, 1) - 0.5
    phase, bend = random.uniform(0, 2 * np.pi), random.uniform(-0.25, 0.25)
    travel = half + bend * np.cos(2 * np.pi * half + phase)
    shake = _unsteady(random, times, pictures) * view.shake * view.fov / rows
    fov = 2 * np.arctan(np.tan(view.fov / 2) * np.exp(-view.zoom * half))
    return [
        Look(
            axes(
                view.pan * travel[i] + shake[0, i],
                view.pitch + view.tilt * travel[i] + shake[1, i],
                view.roll * half[i] + 0.3 * shake[2, i],
            ),
            float(fov[i]),
        )
        for i in range(len(times))
    ]


def axes(yaw: float, pitch: float, roll: float = 0.0) -> np.ndarray:
    """Return right, up and back of a camera turned to the right, then down, then rolled: (3, 3)."""
    right = np.array([np.cos(yaw), 0.0, np.sin(yaw)])
    ahead = np.array([np.sin(yaw) * np.cos(pitch), -np.sin(pitch), -np.cos(yaw) * np.cos(pitch)])
    up = np.cross(right, ahead)
    cosine, sine = np.cos(roll), np.sin(roll)
    return np.stack([cosine * right + sine * up, cosine * up - sine * right, -ahead])


def matrix(look: Look, height: float, aspect: float) -> np.ndarray:
    """Return the way from metres to the picture's corners at -1 and 1, y down: (4, 4)."""
    scale = 1 / np.tan(look.fov / 2)
    move = np.eye(4)
    move[:3, :3] = look.axes
    move[:3, 3] = -look.axes @ np.array([0.0, height, 0.0])
    project = np.zeros((4, 4))
    project[0, 0], project[1, 1] = scale / aspect, -scale
    project[2, 2] = -(_FAR_M + _NEAR_M) / (_FAR_M - _NEAR_M)
    project[2, 3] = -2 * _FAR_M * _NEAR_M / (_FAR_M - _NEAR_M)
    project[3, 2] = -1.0
    return project @ move


def backdrop(look: Look, view: Viewpoint, aspect: float, horizon: float = -1.0) -> np.ndarray:
    """Return the way from the picture's corners to those of a photograph at 0 and 1, y down: (3, 3).

    The camera at half time sees the middle of the photograph; or, if `horizon` is a row of it (0 to 1), this row
    where the horizon is.
    """
    tangent, first = np.tan(look.fov / 2), np.tan(view.fov / 2)
    ray = np.diag([aspect * tangent, -tangent, -1.0])
    plane = np.diag([1 / (aspect * first), -1 / first, -1.0])
    middle, height = 0.5, 0.0
    if horizon >= 0:
        middle, height = horizon, -np.tan(view.pitch) / first
    place = np.array(
        [
            [0.5 / _AROUND[0], 0.0, 0.5],
            [0.0, 0.5 / _AROUND[1], middle - 0.5 * height / _AROUND[1]],
            [0.0, 0.0, 1.0],
        ]
    )
    return np.asarray(place @ plane @ axes(0.0, view.pitch) @ look.axes.T @ ray)


def projected(points: np.ndarray, view: Viewpoint, aspect: float) -> np.ndarray:
    """Return where points (..., 3) are at half time: (..., 3), across and down (-1 to 1), and metres ahead."""
    seen = (points - (0.0, view.height, 0.0)) @ axes(0.0, view.pitch).T
    ahead = np.maximum(-seen[..., 2], 1e-3)
    tangent = np.tan(view.fov / 2)
    return np.stack(
        [
            seen[..., 0] / (ahead * tangent * aspect),
            -seen[..., 1] / (ahead * tangent),
            -seen[..., 2],
        ],
        axis=-1,
    )


def windows(
    people: Sequence[np.ndarray],
    view: np.ndarray,
    sun: Tuple[float, float, float],
    shape: Tuple[int, ...],
) -> List[Window]:
    """Return the parts of a picture that people and their shadows may cover, as few windows as it takes.

    people: points (n, 3) within each, metres. shape: rows and columns of the picture.
    """
    found: List[Window] = []
    for points in people:
        low, high = points.min(axis=0) - _BODY_M, points.max(axis=0) + _BODY_M
        corners = np.array(np.meshgrid(*zip(low, high))).reshape(3, -1).T
        # Whatever stands between someone and the floor catches the shadow on its way.
        floor = corners - np.maximum(corners[:, 1:2], 0.0) / sun[1] * np.array(sun)
        seen = np.concatenate([corners, floor])
        clip = np.concatenate([seen, np.ones((len(seen), 1))], axis=1) @ view.T
        if clip[:, 3].min() < _NEAR_M:
            return [(0, 0, shape[1], shape[0])]
        at = (clip[:, :2] / clip[:, 3:] + 1) / 2 * (shape[1], shape[0])
        left, top = np.clip(np.floor(at.min(axis=0)), 0, (shape[1], shape[0])).astype(int)
        right, bottom = np.clip(np.ceil(at.max(axis=0)), 0, (shape[1], shape[0])).astype(int)
        if right > left and bottom > top:
            found.append((int(left), int(top), int(right), int(bottom)))
    return _merged(found)


def _merged(parts: List[Window]) -> List[Window]:
    """The same parts, those that overlap as one."""
    apart: List[Window] = []
    for part in parts:
        for other in list(apart):
            if (
                part[0] < other[2]
                and other[0] < part[2]
                and part[1] < other[3]
                and other[1] < part[3]
            ):
                apart.remove(other)
                left, top = min(part[0], other[0]), min(part[1], other[1])
                part = (left, top, max(part[2], other[2]), max(part[3], other[3]))
        apart.append(part)
    return apart


def _unsteady(random: np.random.Generator, times: np.ndarray, pictures: int) -> np.ndarray:
    """Three tracks of an unsteady hand or mast, standard deviation about 1: (3, times)."""
    raw = random.normal(size=(3, pictures + 10))
    kernel = np.hanning(9)[1:-1]
    kernel /= np.sqrt((kernel**2).sum())
    tracks = [np.convolve(track, kernel, "same")[4:-4] for track in raw]
    return np.stack([np.interp(times, np.arange(len(track)), track) for track in tracks])
