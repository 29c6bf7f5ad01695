"""Random crops, scales and mirrors of the arrays of a clip, correct for vectors too."""

from __future__ import annotations

from typing import NamedTuple, Sequence, Tuple

import numpy as np
import torch

from .cache import Planes
from .windows import Square

BLOCK = 4  # vectors have a grid of 4 x 4 luma samples, a multiple of the chroma grid


class Window(NamedTuple):
    """The part cut out of a picture, in luma samples, all multiples of 4; mirrored or not."""

    x: int
    y: int
    width: int
    height: int
    mirrored: bool


class Jitter(NamedTuple):
    """scales: sides relative to evaluation's. shift: largest displacement, as a share of the region's side."""

    scales: Sequence[float]
    shift: float
    flip: bool


def draw_window(
    size: Tuple[int, int],
    resize: Tuple[int, int],
    crop: Tuple[int, int],
    scales: Sequence[float],
    flip: bool,
    random: torch.Generator,
) -> Window:
    """A random crop; sizes are (width, height).

    At scale 1 the window holds as much of the picture as the crop does in evaluation: `crop` out of
    `resize`. Smaller scales are enlargements.
    """
    scale = scales[int(torch.randint(len(scales), (), generator=random))]
    sides = [
        min(round(length * part / whole * scale / BLOCK) * BLOCK, length // BLOCK * BLOCK)
        for length, part, whole in zip(size, crop, resize)
    ]
    x, y = (
        int(torch.randint((length - side) // BLOCK + 1, (), generator=random)) * BLOCK
        for length, side in zip(size, sides)
    )
    mirrored = flip and bool(torch.randint(2, (), generator=random))
    return Window(x, y, sides[0], sides[1], mirrored)


def draw_around(
    square: Square,
    size: Tuple[int, int],
    resize: Tuple[int, int],
    crop: Tuple[int, int],
    jitter: Jitter,
    random: torch.Generator,
) -> Window:
    """A random window about a region's square, inside the picture; sizes are (width, height).

    At scale 1 its sides are what evaluation keeps of the square, `crop` out of `resize`. Its centre is
    displaced by up to `shift` of the square's side, so that a network forgives a finder that errs.
    """
    scale = jitter.scales[int(torch.randint(len(jitter.scales), (), generator=random))]
    sides = [
        min(max(round(square.side * part / whole * scale / BLOCK), 1), length // BLOCK) * BLOCK
        for length, part, whole in zip(size, crop, resize)
    ]
    displaced = (torch.rand(2, generator=random) * 2 - 1).tolist()
    x, y = (
        _on_grid(at + square.side / 2 + square.side * jitter.shift * part - side / 2, side, length)
        for at, part, side, length in zip((square.x, square.y), displaced, sides, size)
    )
    mirrored = jitter.flip and bool(torch.randint(2, (), generator=random))
    return Window(x, y, sides[0], sides[1], mirrored)


def _on_grid(at: float, side: int, length: int) -> int:
    return min(max(round(at / BLOCK), 0), (length - side) // BLOCK) * BLOCK


def cut_rgb(rgb: np.ndarray, window: Window) -> np.ndarray:
    """Cut uint8 (H, W, 3)."""
    return _contiguous(_cut(rgb, window, 1), window, axis=1)


def cut_flow(flow: np.ndarray, window: Window) -> np.ndarray:
    """Cut float32 planes of the motion grid, of which the first is x. Mirroring turns right into left: x changes its
    sign."""
    out = _contiguous(_cut(flow.transpose(1, 2, 0), window, BLOCK), window, axis=1)
    if window.mirrored:
        out[..., 0] = -out[..., 0]
    return np.ascontiguousarray(out.transpose(2, 0, 1))


def cut_residual(residual: Planes, window: Window) -> Planes:
    """Cut 4:2:0 planes; their values stay the same."""
    return Planes(
        *(
            _contiguous(_cut(plane, window, step), window, axis=1)
            for plane, step in zip(residual, (1, 2, 2))
        )
    )


def cut_luma(luma: np.ndarray, window: Window) -> np.ndarray:
    """Cut a luma plane (H, W) of a residual, int8 or int16, as int16."""
    return _contiguous(_cut(luma, window, 1), window, axis=1).astype(np.int16, copy=False)


def _cut(array: np.ndarray, window: Window, step: int) -> np.ndarray:
    x, y, width, height = (value // step for value in window[:4])
    return array[y : y + height, x : x + width]


def _contiguous(array: np.ndarray, window: Window, axis: int) -> np.ndarray:
    return np.array(np.flip(array, axis) if window.mirrored else array, order="C")
