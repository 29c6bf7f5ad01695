"""The window of a region, made larger: what is around it helps to tell what it is."""

from typing import Tuple

from edge_attp.regions.finder import GRID_PX
from edge_attp.types import Region

__all__ = ["enlarged_square", "widened"]


def enlarged_square(
    square: Tuple[int, int, int], scale: float, least: float, shape: Tuple[int, int]
) -> Tuple[int, int, int]:
    """(x, y, side) about the same centre, inside the picture, in luma samples, multiples of GRID_PX.

    scale: of the side. least: share of the picture's shorter side that it has at least. shape: (height, width).
    """
    x, y, side = square
    height, width = shape
    wanted = max(side * scale, least * min(shape))
    larger = min(int(wanted / GRID_PX + 0.5), min(shape) // GRID_PX) * GRID_PX
    if larger <= side:
        return square
    left, top = (
        min(max(int((at - (larger - side) / 2) / GRID_PX + 0.5), 0), (length - larger) // GRID_PX)
        for at, length in ((x, width), (y, height))
    )
    return left * GRID_PX, top * GRID_PX, larger


def widened(region: Region, scale: float, least: float, shape: Tuple[int, int]) -> Region:
    """The region with a larger window; see enlarged_square(). Its box stays."""
    square = region.x_px, region.y_px, region.side_px
    x, y, side = enlarged_square(square, scale, least, shape)
    return region._replace(x_px=x, y_px=y, side_px=side)
