"""The camera: where a point of the world appears in each picture."""

from __future__ import annotations

import numpy as np

from .attributes import Attributes, stream

WIDTH, HEIGHT = 340, 256
MARGIN_X, MARGIN_Y = 80, 48  # of the world beyond the picture that the camera may see


def views(attributes: Attributes, seed: int, pictures: int) -> np.ndarray:
    """Return float64 (pictures, 2, 3): world to picture, both in pixels from their own top left.

    World and picture have the same centre and scale at half time, apart from the shake.
    """
    random = stream(seed, "camera")
    half = np.linspace(-0.5, 0.5, pictures)
    bend = random.uniform(-0.3, 0.3) * np.cos(2 * np.pi * half + random.uniform(0, 2 * np.pi))
    shake = attributes.shake * _smooth(random, pictures)
    x = attributes.pan * (half + bend) + shake[0]
    y = attributes.tilt * (half + bend) + shake[1]
    scale = np.exp(attributes.zoom * half)
    turn = attributes.roll * half + 0.003 * shake[2]
    matrices = np.empty((pictures, 2, 3))
    matrices[:, 0, 0] = matrices[:, 1, 1] = scale * np.cos(turn)
    matrices[:, 1, 0] = scale * np.sin(turn)
    matrices[:, 0, 1] = -matrices[:, 1, 0]
    middle = np.stack([WIDTH / 2 + MARGIN_X + x, HEIGHT / 2 + MARGIN_Y + y], axis=1)
    seen = np.einsum("nij,nj->ni", matrices[:, :, :2], middle)
    matrices[:, :, 2] = np.array([WIDTH / 2, HEIGHT / 2]) - seen
    return matrices


def _smooth(random: np.random.Generator, pictures: int) -> np.ndarray:
    """Return three tracks of an unsteady hand, about 1 pixel from their mean."""
    raw = random.normal(size=(3, pictures + 8))
    kernel = np.hanning(7)[1:-1]
    tracks = [np.convolve(track, kernel / np.sqrt((kernel**2).sum()), "same") for track in raw]
    return np.stack(tracks)[:, 4:-4]
