"""RegionFinder: the native finder, its windows turned as the pictures are."""

import ctypes
from fractions import Fraction
from typing import NamedTuple, Optional, Tuple, Union

import numpy as np

from edge_attp.bitstream import Picture, binding
from edge_attp.bitstream.orientation import Orientation
from edge_attp.bitstream.process import ProcessBound
from edge_attp.bitstream.source import ASSUMED_RATE
from edge_attp.errors import EdgeAttpError
from edge_attp.types import Region

__all__ = ["LEAST_PX", "CameraMotion", "Found", "RegionFinder"]

LEAST_PX, MOST_PX = 16, 65536  # of a side of the pictures
MOST_RATE = 1e6
GRID_PX = 8  # windows lie on multiples of it, so that motion, chroma and luma can be cut alike


class CameraMotion(NamedTuple):
    """Apparent motion of the background: at (x, y), in luma samples from the middle of the picture, it is
    (x_px + zoom x - turn y, y_px + turn x + zoom y) luma samples per picture interval. support: share of the
    picture that follows it, weighted by texture, 0 to 1."""

    x_px: float
    y_px: float
    zoom: float
    turn: float
    support: float


class Found(NamedTuple):
    """What is known after a picture. regions: the most active first, empty where nothing moves."""

    regions: Tuple[Region, ...]
    camera: CameraMotion


class RegionFinder(ProcessBound):
    """Finds where something moves in the pictures of one stream.

    width_px, height_px: of the pictures, upright if they are (`CompressedVideo(oriented=True)`). bit_depth: of
    luma. frame_rate: pictures a second; None counts as 25. max_regions: 1 to 16 at once. The same pictures
    always give the same regions. ValueError for a size below 16 or above 65536 luma samples, a bit depth outside 8
    to 16, another number of regions, or a rate that is not positive. One thread at a time. It may be used as a
    context manager.

    >>> from edge_attp.bitstream import CompressedVideo
    >>> with CompressedVideo("examples/demo.mp4", oriented=True) as video:
    ...     finder = RegionFinder(video.width, video.height, video.bit_depth, video.frame_rate)
    ...     found = [finder.add_picture(picture) for picture in video]
    >>> found[0].regions, len(found[120].regions)
    ((), 1)
    >>> finder.activity().shape, finder.cell_px
    ((32, 43), 8)
    """

    def __init__(
        self,
        width_px: int,
        height_px: int,
        bit_depth: int = 8,
        frame_rate: Union[Fraction, float, None] = None,
        *,
        max_regions: int = 1,
    ) -> None:
        _check_range("width_px", width_px, LEAST_PX, MOST_PX)
        _check_range("height_px", height_px, LEAST_PX, MOST_PX)
        _check_range("bit_depth", bit_depth, 8, 16)
        _check_range("max_regions", max_regions, 1, binding.MAX_REGIONS)
        self._rate = float(ASSUMED_RATE if frame_rate is None else frame_rate)
        if not 0 < self._rate < MOST_RATE:
            raise ValueError(f"frame_rate is {frame_rate}, must be above 0 and below {MOST_RATE:g}")
        super().__init__()
        self._size = (width_px, height_px)
        self._bit_depth, self._max_regions = bit_depth, max_regions
        self._native = binding.native_core()
        self._pointer = ctypes.c_void_p()
        self._result = binding.FinderResult()
        self._turned_by: Optional[Orientation] = None
        self._open(width_px, height_px)

    def _open(self, width_px: int, height_px: int) -> None:
        options = binding.FinderOptions(
            width_px, height_px, self._bit_depth, self._max_regions, self._rate
        )
        status = self._native.attp_finder_open(ctypes.byref(options), ctypes.byref(self._pointer))
        binding.check_status(status, "attp_finder_open")

    def add_picture(self, picture: Picture) -> Found:
        """Takes the next picture in decoding order, and parses it if that is not done. Intra pictures change nothing.
        ValueError for a picture of another size, and after close()."""
        self._check_open()
        height, width = picture.shape
        if (width, height) != self._size:
            raise ValueError(
                f"picture {picture.decode_index} is {width}x{height}, this finder is for {self._size[0]}x"
                f"{self._size[1]}; are they oriented alike?"
            )
        self._follow_orientation(picture.turned_by)
        picture.parse()
        status = self._native.attp_finder_add_picture(
            self._pointer, picture.address, ctypes.byref(self._result)
        )
        binding.check_status(status, "attp_finder_add_picture")
        result = self._result
        regions = tuple(self._region(result.regions[i]) for i in range(result.count))
        return Found(regions, self._camera(result.camera))

    def activity(self) -> np.ndarray:
        """The map behind the newest regions: float32 (rows, columns) of square cells of `cell_px` luma samples, 0
        (nothing) to 1, a copy, upright as the pictures are."""
        width, height, _ = self._grid()
        activity = np.empty((height, width), np.float32)
        status = self._native.attp_finder_get_activity(self._pointer, activity.ctypes.data)
        binding.check_status(status, "attp_finder_get_activity")
        return activity if self._turned_by is None else self._turned_by.samples(activity)

    @property
    def cell_px(self) -> int:
        """Side of a cell of activity() in luma samples."""
        return self._grid()[2]

    def __enter__(self) -> "RegionFinder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        width, height = self._size
        state = f"max_regions={self._max_regions}" if self._pointer else "closed"
        return f"<RegionFinder {width}x{height} {self._rate:g}/s {state}>"

    def _check_open(self) -> None:
        if self.is_forked_copy:
            raise EdgeAttpError(
                "this RegionFinder was made before the process was forked: make one here"
            )
        if not self._pointer:
            raise ValueError("this RegionFinder is closed")

    def close(self) -> None:
        """Frees the native finder. May be called twice."""
        if self._pointer and not self.is_forked_copy:
            self._native.attp_finder_close(self._pointer)
            self._pointer = ctypes.c_void_p()

    _release_resources = close

    def _grid(self) -> Tuple[int, int, int]:
        self._check_open()
        width, height, cell_px = ctypes.c_int32(), ctypes.c_int32(), ctypes.c_int32()
        status = self._native.attp_finder_get_grid(
            self._pointer, ctypes.byref(width), ctypes.byref(height), ctypes.byref(cell_px)
        )
        binding.check_status(status, "attp_finder_get_grid")
        return width.value, height.value, cell_px.value

    def _follow_orientation(self, orientation: Optional[Orientation]) -> None:
        """Native pictures are as they were coded; that of the first picture holds for the stream."""
        if orientation == self._turned_by:
            return
        self._turned_by = orientation
        self.close()
        self._open(*(self._size if orientation is None else orientation.size(*self._size)))

    def _region(self, found: binding.NativeRegion) -> Region:
        box = (found.box_left_px, found.box_top_px, found.box_right_px, found.box_bottom_px)
        x_px, y_px = found.x_px, found.y_px
        if self._turned_by is not None:
            square = (x_px, y_px, x_px + found.side_px, y_px + found.side_px)
            x_px, y_px = (at // GRID_PX * GRID_PX for at in self._turned(square)[:2])
            box = self._turned(box)
        return Region(found.id, x_px, y_px, found.side_px, box, found.activity)

    def _turned(self, box: Tuple[int, int, int, int]) -> Tuple[int, int, int, int]:
        """Left, top, right and bottom in the upright picture."""
        assert self._turned_by is not None
        spans = [(box[0], box[2]), (box[1], box[3])]
        if self._turned_by.swaps_sides:
            spans.reverse()
        (left, right), (top, bottom) = (
            (begin, end) if sign > 0 else (length - end, length - begin)
            for (begin, end), sign, length in zip(spans, self._turned_by.signs, self._size)
        )
        return left, top, right, bottom

    def _camera(self, camera: binding.NativeCameraMotion) -> CameraMotion:
        x_px, y_px, turn = camera.x_px, camera.y_px, camera.turn
        if self._turned_by is not None:
            if self._turned_by.swaps_sides:
                x_px, y_px = y_px, x_px
            x_px, y_px = (at * sign for at, sign in zip((x_px, y_px), self._turned_by.signs))
            turn = -turn if self._turned_by.is_mirrored else turn
        return CameraMotion(x_px, y_px, camera.zoom, turn, camera.support)


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} is {value}, must be {low} to {high}")
