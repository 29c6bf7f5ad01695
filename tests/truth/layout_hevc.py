"""The decoding order of the blocks of an HEVC picture, and the borders that prediction may not cross (6.4.1, 6.5)."""

import functools
from typing import Any, NamedTuple

import numpy as np


class Layout(NamedTuple):
    """One entry per 4x4 luma block of the coded picture, int64 (H4, W4).

    order: place in decoding order; region: equal where slice and tile are the same. sps, pps: of headers_hevc.
    """

    order: Any
    region: Any
    sps: Any
    pps: Any


@functools.lru_cache(maxsize=8)  # most pictures of a stream are cut in the same way
def layout(sps, pps, starts):
    """The Layout of a picture. starts: slice_segment_address of each slice, its dependent segments left aside."""
    columns, rows = _extent(sps)
    tile_scan, tile = _tile_scan(pps.tile_columns.of(columns), pps.tile_rows.of(rows))
    slices = np.searchsorted(np.sort(tile_scan.ravel()[list(starts)]), tile_scan, side="right")
    region = slices * (tile.max() + 1) + tile
    blocks = (1 << sps.ctb_log2) // 4
    shape = sps.height // 4, sps.width // 4
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    ctb = y // blocks, x // blocks
    order = tile_scan[ctb] * blocks**2 + _interleaved(y % blocks, x % blocks, blocks)
    return Layout(order, region[ctb], sps, pps)


def ctbs(sps):
    """How many CTBs a picture has."""
    columns, rows = _extent(sps)
    return columns * rows


def _extent(sps):
    size = 1 << sps.ctb_log2
    return -(-sps.width // size), -(-sps.height // size)


def _tile_scan(widths, heights):
    """Place of each CTB in tile scan, and the number of its tile: two arrays (rows, columns)."""
    scan = np.zeros((sum(heights), sum(widths)), np.int64)
    tile = np.zeros_like(scan)
    done = number = top = 0
    for height in heights:
        left = 0
        for width in widths:
            part = np.s_[top : top + height, left : left + width]
            scan[part] = done + np.arange(height * width).reshape(height, width)
            tile[part] = number
            done, number, left = done + height * width, number + 1, left + width
        top += height
    return scan, tile


def _interleaved(y, x, blocks):
    """Z-scan: the bits of x and y take turns (6.5.2)."""
    place = np.zeros_like(y)
    for bit in range(blocks.bit_length() - 1):
        place += (x >> bit & 1) << 2 * bit
        place += (y >> bit & 1) << 2 * bit + 1
    return place
