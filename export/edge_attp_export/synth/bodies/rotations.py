"""Rotation matrices from directions. All arrays have the vectors or matrices along their last axes."""

from __future__ import annotations

import numpy as np


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors of length one: (..., 3)."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-9))


def frame(primary: np.ndarray, secondary: np.ndarray) -> np.ndarray:
    """Return the axes whose first is `primary` and whose second is as near to `secondary` as can be: (..., 3, 3)."""
    first = unit(primary)
    along = np.sum(first * secondary, axis=-1, keepdims=True)
    second = unit(secondary - along * first)
    return np.stack([first, second, np.cross(first, second)], axis=-1)


def shortest(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the smallest rotation that takes direction `start` to `end`: (..., 3, 3)."""
    one, other = unit(start), unit(end)
    cross = np.cross(one, other)
    cosine = np.sum(one * other, axis=-1)[..., None, None]
    skew = _skew(cross)
    # Where they are opposite any axis would do; the limit keeps the numbers finite.
    return np.asarray(np.eye(3) + skew + skew @ skew / np.maximum(1 + cosine, 1e-6))


def angle(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the angle between rotations in radians: (...)."""
    trace = np.einsum("...ij,...ij->...", one, other)
    return np.asarray(np.arccos(np.clip((trace - 1) / 2, -1, 1)))


def between(one: np.ndarray, other: np.ndarray, share: float) -> np.ndarray:
    """Return the rotation at this share of the way from one to the other: (..., 3, 3)."""
    change = other @ np.swapaxes(one, -1, -2)
    whole = angle(change, np.broadcast_to(np.eye(3), change.shape))[..., None]
    axis = unit(
        np.stack(
            [
                change[..., 2, 1] - change[..., 1, 2],
                change[..., 0, 2] - change[..., 2, 0],
                change[..., 1, 0] - change[..., 0, 1],
            ],
            axis=-1,
        )
    )
    return np.asarray(about(axis, whole[..., 0] * share) @ one)


def about(axis: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Return the rotation about a unit axis by an angle in radians: (..., 3, 3)."""
    skew = _skew(axis)
    sine, cosine = np.sin(by)[..., None, None], np.cos(by)[..., None, None]
    return np.asarray(np.eye(3) + sine * skew + (1 - cosine) * (skew @ skew))


def _skew(vectors: np.ndarray) -> np.ndarray:
    x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
    zero = np.zeros_like(x)
    rows = [[zero, -z, y], [z, zero, -x], [-y, x, zero]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
