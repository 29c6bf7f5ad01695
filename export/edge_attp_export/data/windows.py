"""Where a clip moves: the square that each picture is seen through in the region view."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Dict, Iterable, List, NamedTuple, Optional, Tuple

from edge_attp.bitstream import CompressedVideo
from edge_attp.regions import GRID_PX, RegionFinder


class Square(NamedTuple):
    """In luma samples of the copy, multiples of 8, inside the picture."""

    x: int
    y: int
    side: int


class Moment(NamedTuple):
    """square: what to look at in a picture. is_idle: nothing moved, so a device would not look."""

    square: Square
    is_idle: bool


def find_moments(video: Path) -> Dict[int, Moment]:
    """A Moment for each P and B picture, by its decode_index.

    As at run time, a window is known from the pictures decoded so far. Where nothing moves, the last window
    stays; before the first window of a clip, that one is taken.
    """
    indices: List[int] = []
    found: List[Optional[Square]] = []
    with CompressedVideo(str(video), residual=True) as parsed:
        size = parsed.width, parsed.height
        rate: Optional[Fraction] = parsed.frame_rate
        finder = RegionFinder(*size, parsed.bit_depth, rate)
        for picture in parsed:
            regions = finder.add_picture(picture).regions
            if picture.is_random_access:
                continue
            indices.append(picture.decode_index)
            region = regions[0] if regions else None
            found.append(region and Square(region.x_px, region.y_px, region.side_px))
        finder.close()
    squares = held(found, size)
    return {
        index: Moment(square, seen is None) for index, square, seen in zip(indices, squares, found)
    }


def held(found: Iterable[Optional[Square]], size: Tuple[int, int]) -> List[Square]:
    """Fill the gaps: the last square stays, the first counts from the beginning."""
    squares = list(found)
    last = next((square for square in squares if square is not None), None) or middle(size)
    filled = []
    for square in squares:
        last = square or last
        filled.append(last)
    return filled


def middle(size: Tuple[int, int]) -> Square:
    """The largest square in the middle of a picture (width, height) in which nothing ever moves."""
    width, height = size
    side = min(size) // GRID_PX * GRID_PX
    x, y = ((length - side) // 2 // GRID_PX * GRID_PX for length in (width, height))
    return Square(x, y, side)
