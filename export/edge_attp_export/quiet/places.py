"""Where a quiet scene is: ground that a camera on a mast looks down on, what stands behind it, and trees."""

from __future__ import annotations

import cv2
import numpy as np

from ..synth import backgrounds
from ..synth.pen import FINE

SCENERIES = ("landscape", "street", "room")
# Rows of the drawn backgrounds, as shares: above the first, nothing is ground; below the second, everything is.
_BEHIND, _GROUND = 0.6, 0.74


def place(scenery: str, seed: int, width: int, height: int, horizon: float) -> np.ndarray:
    """Draw a place: RGB uint8 (FINE * height, FINE * width, 3), with ground below `horizon` pixels."""
    flat = backgrounds.drawn(scenery, seed)
    rows, columns = flat.shape[:2]
    edge = int(horizon * FINE)
    behind = flat[int(_BEHIND * rows) - edge : int(_BEHIND * rows), : width * FINE]
    near = np.linspace(0, 1, height * FINE - edge, dtype=np.float32)[:, None]
    across = np.linspace(-0.5, 0.5, width * FINE, dtype=np.float32)[None, :]
    below = 0.55 * (1 - (1 - near) ** 2) + 0.45 * near  # what is near is larger
    source_y = (_GROUND + (0.99 - _GROUND) * below) * rows
    source_x = (0.5 + across * (1 - 0.6 * near)) * columns
    source_y = np.repeat(source_y, width * FINE, axis=1)
    ground = cv2.remap(flat, source_x, source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.ascontiguousarray(np.concatenate([behind, ground]))


class Tree:
    """A tree whose leaves move in the wind. x, ground: of its trunk's foot, pixels."""

    def __init__(
        self, random: np.random.Generator, x: float, ground: float, height: float, sway_px: float
    ) -> None:
        self._sway_px = sway_px
        side = int(0.75 * height)
        self._left, self._top = int(x - side / 2), int(ground - height)
        self._trunk = (int(x), int(ground)), (int(x), int(ground - 0.6 * height))
        self._bark = float(random.uniform(40, 90))
        self._thickness = max(int(0.05 * height), 1)
        leaves = _blobs(random, side, 2) + 0.8 * _blobs(random, side, 5)
        colour = np.array([random.uniform(30, 90), random.uniform(70, 130), random.uniform(20, 60)])
        self._colours = np.clip(colour + 22 * leaves[:, :, None], 0, 255).astype(np.float32)
        rows, columns = (np.mgrid[:side, :side].astype(np.float32) - side / 2) / (side / 2)
        inside = np.maximum(0.92 - np.hypot(rows, columns), 0)
        ragged = inside * (1 + 0.8 * _blobs(random, side, 8) + 0.5 * _blobs(random, side, 4))
        self._cover = np.clip(6 * ragged, 0, 1).astype(np.float32)
        self._grid = np.mgrid[:side, :side].astype(np.float32)
        waves = [2 * _blobs(random, side, side // 4) for _ in range(2)]
        self._waves = [(np.sin(wave), np.cos(wave)) for wave in waves]
        self._rates = random.uniform(2, 6, 2)

    def draw(self, wide: np.ndarray, time_s: float) -> None:
        """Draw over RGB uint8, in place."""
        bark = (self._bark, 0.8 * self._bark, 0.6 * self._bark)
        cv2.line(wide, *self._trunk, bark, self._thickness, cv2.LINE_AA)
        swayed = self._sway_px * (1 + 0.6 * np.sin(0.8 * time_s))
        y, x = (
            here + np.float32(way * np.cos(turn)) * sine + np.float32(way * np.sin(turn)) * cosine
            for here, way, turn, (sine, cosine) in zip(
                self._grid, (0.5 * swayed, swayed), self._rates * time_s, self._waves
            )
        )
        colours = cv2.remap(self._colours, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        cover = cv2.remap(self._cover, x, y, cv2.INTER_LINEAR)[:, :, None]
        self._blend(wide, colours, cover)

    def _blend(self, wide: np.ndarray, colours: np.ndarray, cover: np.ndarray) -> None:
        """The part of the crown that is in the picture."""
        side = len(cover)
        left, top = max(self._left, 0), max(self._top, 0)
        right = min(self._left + side, wide.shape[1])
        bottom = min(self._top + side, wide.shape[0])
        if left >= right or top >= bottom:
            return
        own = (
            slice(top - self._top, bottom - self._top),
            slice(left - self._left, right - self._left),
        )
        part = wide[top:bottom, left:right]
        part[:] = part + cover[own] * (colours[own] - part)


def _blobs(random: np.random.Generator, side: int, cell: int) -> np.ndarray:
    """Smooth noise with features of `cell` samples, about 1: float32 (side, side)."""
    few = max(side // max(cell, 1), 2)
    knots = random.standard_normal((few, few)).astype(np.float32)
    return np.asarray(cv2.resize(knots, (side, side), interpolation=cv2.INTER_CUBIC))
