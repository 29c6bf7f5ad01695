"""Shapes: people's surfaces, and flat or round parts of a place. Metres, y up."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Sequence, Tuple

import numpy as np


class Mesh(NamedTuple):
    """A surface that bones move. bones, weights: four of each vertex."""

    vertices: np.ndarray  # float32 (vertices, 3)
    normals: np.ndarray  # float32 (vertices, 3)
    bones: np.ndarray  # uint8 (vertices, 4)
    weights: np.ndarray  # float32 (vertices, 4)
    colours: np.ndarray  # float32 (vertices, 3), 0 to 1
    faces: np.ndarray  # int32 (faces, 3)


class Surface(NamedTuple):
    """A surface that stays, with a texture."""

    vertices: np.ndarray  # float32 (vertices, 3)
    normals: np.ndarray  # float32 (vertices, 3)
    places: np.ndarray  # float32 (vertices, 2): in the texture, which repeats beyond 0 to 1
    faces: np.ndarray  # int32 (faces, 3)
    texture: np.ndarray  # uint8 (rows, columns, 3)


def normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return smooth normals: float32 (vertices, 3)."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    each = np.cross(b - a, c - a)
    summed = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(summed, faces[:, corner], each)
    length = np.linalg.norm(summed, axis=1, keepdims=True)
    return np.asarray(summed / np.maximum(length, 1e-12), np.float32)


Corner = Tuple[float, float, float]


def quad(
    origin: Corner, along: Corner, up: Corner, texture: np.ndarray, texture_m: float
) -> Surface:
    """Return a rectangle. along, up: its sides; its front is along x up. texture_m: the size of the texture."""
    a, b = np.array(along, float), np.array(up, float)
    corners = np.array(origin) + np.array([0 * a, a, a + b, b])
    front = np.cross(a, b)
    front /= np.linalg.norm(front)
    wide, high = np.linalg.norm(a) / texture_m, np.linalg.norm(b) / texture_m
    # Rows of a texture run downwards.
    places = np.array([[0, 0], [wide, 0], [wide, -high], [0, -high]])
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    return Surface(_f32(corners), _f32(np.tile(front, (4, 1))), _f32(places), faces, texture)


def box(
    centre: Corner, size: Corner, angle: float, texture: np.ndarray, texture_m: float
) -> Surface:
    """Return a box that stands on the height of `centre`, turned about the vertical, without a bottom."""
    w, h, d = size
    cosine, sine = np.cos(angle), np.sin(angle)
    x, z = np.array([cosine, 0, -sine]), np.array([sine, 0, cosine])
    y, low = np.array([0.0, h, 0.0]), np.array(centre, float)
    sides = []
    for side, out in ((x * w, z * d), (-z * d, x * w), (-x * w, -z * d), (z * d, -x * w)):
        sides.append(
            quad(tuple(low - side / 2 + out / 2), tuple(side), tuple(y), texture, texture_m)
        )
    top = low + y - x * w / 2 + z * d / 2
    sides.append(quad(tuple(top), tuple(x * w), tuple(-z * d), texture, texture_m))
    return joined(sides)


def cylinder(
    centre: Corner,
    radius: Tuple[float, float],
    height: float,
    texture: np.ndarray,
    texture_m: float,
) -> Surface:
    """Return a round post that stands on `centre`. radius: at its foot and at its top."""
    steps = 12
    turn = np.linspace(0, 2 * np.pi, steps + 1)
    ring = np.stack([np.cos(turn), np.zeros_like(turn), np.sin(turn)], axis=1)
    low = np.array(centre) + ring * radius[0]
    high = np.array(centre) + ring * radius[1] + (0, height, 0)
    around = turn * radius[0] / texture_m
    places = np.concatenate(
        [
            np.stack([around, 0 * around], axis=1),
            np.stack([around, 0 * around - height / texture_m], axis=1),
        ]
    )
    faces = []
    for i in range(steps):
        faces += [[i, i + 1, i + steps + 2], [i, i + steps + 2, i + steps + 1]]
    vertices = np.concatenate([low, high])
    return Surface(
        _f32(vertices),
        _f32(np.tile(ring, (2, 1))),
        _f32(places),
        np.array(faces, np.int32),
        texture,
    )


def joined(surfaces: Sequence[Surface]) -> Surface:
    """Return several surfaces of one texture as one."""
    faces: List[np.ndarray] = []
    first = 0
    for surface in surfaces:
        faces.append(surface.faces + first)
        first += len(surface.vertices)
    return Surface(
        np.concatenate([surface.vertices for surface in surfaces]),
        np.concatenate([surface.normals for surface in surfaces]),
        np.concatenate([surface.places for surface in surfaces]),
        np.concatenate(faces).astype(np.int32),
        surfaces[0].texture,
    )


def grouped(surfaces: Sequence[Surface]) -> List[Surface]:
    """Return the same surfaces, those of one texture joined: there are fewer to draw."""
    groups: Dict[int, List[Surface]] = {}
    for surface in surfaces:
        groups.setdefault(id(surface.texture), []).append(surface)
    return [joined(group) for group in groups.values()]


def _f32(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, np.float32)
