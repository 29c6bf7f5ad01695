"""Draws shapes of the world on a canvas with twice the resolution of the picture, edges smooth."""

from __future__ import annotations

from typing import Any, Sequence, Tuple

import cv2
import numpy as np

from .attributes import Colour

FINE = 2
_SHIFT = 4  # fractional bits of OpenCV's coordinates
_ARC = np.linspace(-np.pi / 2, np.pi / 2, 9)

Point = Any  # two numbers: a tuple or an array
PALE: Colour = (255.0, 255.0, 255.0)
DARK: Colour = (0.0, 0.0, 0.0)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Mix `share` of the other colour into the first."""
    r, g, b = (a + (c - a) * share for a, c in zip(one, other))
    return (r, g, b)


class Pen:
    """Draws on `canvas`, RGB uint8 (FINE * H, FINE * W, 3), in place; `view` maps world to picture."""

    def __init__(self, canvas: np.ndarray, view: np.ndarray) -> None:
        self._canvas = canvas
        self._view = view
        self._scale = float(np.hypot(view[0, 0], view[1, 0]))

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """Fill a polygon."""
        cv2.fillPoly(self._canvas, [self._fixed(points)], colour, cv2.LINE_AA, _SHIFT)

    def capsule(self, start: Point, end: Point, radii: Tuple[float, float], colour: Colour) -> None:
        """Fill a limb with round ends of these radii."""
        start, end = np.asarray(start, float), np.asarray(end, float)
        along = np.arctan2(*(end - start)[::-1])
        turns = np.concatenate([_ARC + along + np.pi, _ARC + along])
        around = np.stack([np.cos(turns), np.sin(turns)], axis=1)
        around[: len(_ARC)] = around[: len(_ARC)] * radii[0] + start
        around[len(_ARC) :] = around[len(_ARC) :] * radii[1] + end
        cv2.fillConvexPoly(self._canvas, self._fixed(around), colour, cv2.LINE_AA, _SHIFT)

    def disc(self, middle: Point, radius: float, colour: Colour) -> None:
        """Fill a disc."""
        x, y = self._fixed([middle])[0, 0]
        size = int(round(radius * self._scale * FINE * (1 << _SHIFT)))
        cv2.circle(self._canvas, (int(x), int(y)), size, colour, -1, cv2.LINE_AA, _SHIFT)

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """Draw a chain of lines."""
        for start, end in zip(points, points[1:]):
            self.capsule(start, end, (width / 2, width / 2), colour)

    def shadow(self, middle: Point, radius_x: float, radius_y: float) -> None:
        """Darken an ellipse on the ground."""
        x, y = self._fixed([middle])[0, 0] / float(1 << _SHIFT)
        rx, ry = radius_x * self._scale * FINE, radius_y * self._scale * FINE
        left, top = max(int(x - rx), 0), max(int(y - ry), 0)
        part = self._canvas[top : max(int(y + ry), 0) + 1, left : max(int(x + rx), 0) + 1]
        if not part.size:
            return
        rows = (np.arange(part.shape[0])[:, None] + top - y) / ry
        columns = (np.arange(part.shape[1])[None, :] + left - x) / rx
        light = 1 - 0.5 * np.clip(1.3 * (1 - rows**2 - columns**2), 0, 1)
        part[:] = (part * light[:, :, None].astype(np.float32)).astype(np.uint8)

    def _fixed(self, points: Any) -> np.ndarray:
        seen = np.asarray(points, float) @ self._view[:, :2].T + self._view[:, 2]
        # OpenCV's samples are at whole numbers; the fine picture's centre is half a sample off.
        fine = (seen * FINE + (FINE - 1) / 2.0) * (1 << _SHIFT)
        return np.asarray(np.rint(np.clip(fine, -1e6, 1e6)), np.int32).reshape(-1, 1, 2)
