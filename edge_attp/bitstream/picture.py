"""One parsed picture: its place in the stream, its motion and its residual, as NumPy arrays.

`mv`, `reference`, `mode`, `y`, `u` and `v` are read-only views into native memory, made when first
asked for. Every view keeps the native picture alive, so it stays valid after the picture, the video
and the decoder are gone; the memory returns to the pool when the last view is garbage.
`weights` and `flow()` are copies. What is turned in a video with `oriented=True` may be a copy, too.
"""

import ctypes
import os
from typing import Any, Callable, Dict, Optional, Tuple

import numpy as np

from edge_attp.bitstream import binding
from edge_attp.bitstream.nal import KeyBytes
from edge_attp.bitstream.orientation import Orientation
from edge_attp.bitstream.syntax import HEVC, Syntax
from edge_attp.types import CodingCounts, ModeCounts

MODE_INTRA = 0
MODE_INTER = 1
MODE_SKIP = 2
MODE_PCM = 3
MODE_MISSING = 4  # never received; in damaged pictures only


class _Handle:
    """One reference to a native picture. A child made by fork leaves it alone: a thread that it has not
    may have held the memory's lock."""

    __slots__ = ("address", "_release", "_process_id")

    def __init__(self, address: int, release: Callable[[int], None]) -> None:
        self.address = address
        self._release = release
        self._process_id = os.getpid()

    def __del__(self) -> None:
        try:
            if self._process_id == os.getpid():
                self._release(self.address)
        except Exception:  # it was never made, or the interpreter is on its way out
            pass

    def __reduce__(self) -> Any:
        raise TypeError("a picture cannot be pickled; its arrays can, as picture.motion.mv")


class _Plane:
    """What NumPy keeps as the base of a view: the array interface and the reference to the picture."""

    __slots__ = ("__array_interface__", "_handle")

    def __init__(self, interface: Dict[str, Any], handle: _Handle) -> None:
        self.__array_interface__ = interface
        self._handle = handle


def _view(
    handle: _Handle, address: int, shape: Tuple[int, ...], typestr: str, strides: Tuple[int, ...]
) -> np.ndarray:
    interface = {
        "version": 3,
        "data": (address, True),  # True: read-only
        "shape": shape,
        "typestr": typestr,
        "strides": strides,
    }
    return np.asarray(_Plane(interface, handle))


class Weights:
    """Weighted prediction of one picture: one entry per list and 4x4 luma block.

    H.264, clause 8.4.2.3: with D = `log2_denom`, a block of one list is ((p * w + 2^(D-1)) >> D) + o
    (p * w + o if D is 0), a block of two lists
    ((p0 * w0 + p1 * w1 + 2^D) >> (D + 1)) + ((o0 + o1 + 1) >> 1), clipped.
    HEVC, clause 8.5.3.3.4.3: p has 14 bits, so D = `log2_denom` + 14 - bit depth; a block of one list as
    above, a block of two lists (p0 * w0 + p1 * w1 + ((o0 + o1 + 1) << D)) >> (D + 1), clipped.
    `weight`, `offset` (in sample values) and their `cb_`, `cr_` twins (with `chroma_log2_denom`) are
    int16 (2, H4, W4), copies. Blocks with default prediction hold weights that give the same result.
    """

    __slots__ = (
        "log2_denom",
        "weight",
        "offset",
        "chroma_log2_denom",
        "cb_weight",
        "cb_offset",
        "cr_weight",
        "cr_offset",
    )

    _ARRAYS = ("weight", "offset", "cb_weight", "cb_offset", "cr_weight", "cr_offset")

    def __init__(
        self, handle: _Handle, info: binding.PictureInfo, orientation: Optional[Orientation]
    ) -> None:
        native = binding.WeightArrays()
        for name in self._ARRAYS:
            array = np.empty((2, info.height4, info.width4), np.int16)
            setattr(native, name, array.ctypes.data)
            setattr(self, name, array)
        status = binding.native_core().attp_picture_get_weights(
            handle.address, ctypes.byref(native)
        )
        binding.check_status(status, "attp_picture_get_weights")
        for name in self._ARRAYS:
            array = getattr(self, name)
            if orientation is not None:
                array = orientation.blocks(array, info.width_px, info.height_px)
                setattr(self, name, array)
            array.flags.writeable = False
        self.log2_denom: int = native.log2_denom
        self.chroma_log2_denom: int = native.chroma_log2_denom


class MotionField:
    """Motion of one picture, one entry per 4x4 luma block of the display size rounded up to 4."""

    __slots__ = ("_handle", "_info", "_orientation", "_mv", "_reference", "_mode", "_weights")

    def __init__(
        self, handle: _Handle, info: binding.PictureInfo, orientation: Optional[Orientation]
    ) -> None:
        self._handle = handle
        self._info = info
        self._orientation = orientation
        self._mv: Optional[np.ndarray] = None
        self._reference: Optional[np.ndarray] = None
        self._mode: Optional[np.ndarray] = None
        self._weights: Optional[Weights] = None

    @property
    def mv(self) -> np.ndarray:
        """int16 (2 lists, H4, W4, 2), read-only view: x right, y down, in quarter luma samples, from
        the block to its reference. 0 where the list is not used."""
        if self._mv is None:
            info = self._info
            shape = (2, info.height4, info.width4, 2)
            strides = (info.mv_list_bytes, info.mv_row_bytes, 4, 2)
            mv = _view(self._handle, info.mv, shape, "<i2", strides)
            if self._orientation is not None:
                mv = self._orientation.mv(mv, info.width_px, info.height_px)
                mv.flags.writeable = False
            self._mv = mv
        return self._mv

    @property
    def reference(self) -> np.ndarray:
        """int32 (2 lists, H4, W4), read-only view: decode_index of the reference picture, -1 where the
        list is not used, -2 where that picture was never received."""
        if self._reference is None:
            info = self._info
            shape = (2, info.height4, info.width4)
            strides = (info.reference_list_bytes, info.reference_row_bytes, 4)
            self._reference = self._turned(
                _view(self._handle, info.reference, shape, "<i4", strides)
            )
        return self._reference

    @property
    def mode(self) -> np.ndarray:
        """uint8 (H4, W4), read-only view: MODE_INTRA, MODE_INTER, MODE_SKIP, MODE_PCM or MODE_MISSING."""
        if self._mode is None:
            info = self._info
            shape = (info.height4, info.width4)
            self._mode = self._turned(
                _view(self._handle, info.mode, shape, "|u1", (info.mode_row_bytes, 1))
            )
        return self._mode

    @property
    def weights(self) -> Optional[Weights]:
        """Weighted prediction (a copy), None where the whole picture uses default prediction."""
        if self._weights is None and self._info.is_weighted:
            self._weights = Weights(self._handle, self._info, self._orientation)
        return self._weights

    def flow(self) -> np.ndarray:
        """Apparent motion, float32 (2, H4, W4), a new array: x plane, then y plane, in luma samples per
        picture interval; the mean over the lists used of -mv / (4 d), 0 where there is no motion.
        d is the distance to the reference in pictures of display order."""
        flow = np.empty((2, self._info.height4, self._info.width4), np.float32)
        status = binding.native_core().attp_picture_get_flow(self._handle.address, flow.ctypes.data)
        binding.check_status(status, "attp_picture_get_flow")
        if self._orientation is None:
            return flow
        return self._orientation.flow(flow, self._info.width_px, self._info.height_px)

    def _turned(self, grid: np.ndarray) -> np.ndarray:
        if self._orientation is None:
            return grid
        turned = self._orientation.blocks(grid, self._info.width_px, self._info.height_px)
        turned.flags.writeable = False
        return turned


class Residual:
    """Coded residual of one picture in sample values, before prediction is added.

    Intra blocks hold their coded residual, PCM blocks their samples; 0 where nothing is coded.
    """

    __slots__ = ("_handle", "_info", "_orientation", "_y", "_u", "_v")

    def __init__(
        self, handle: _Handle, info: binding.PictureInfo, orientation: Optional[Orientation]
    ) -> None:
        self._handle = handle
        self._info = info
        self._orientation = orientation
        self._y: Optional[np.ndarray] = None
        self._u: Optional[np.ndarray] = None
        self._v: Optional[np.ndarray] = None

    @property
    def y(self) -> np.ndarray:
        """int16 (H, W), read-only view."""
        if self._y is None:
            info = self._info
            shape = (info.height_px, info.width_px)
            self._y = self._plane(info.y, shape, info.y_row_bytes)
        return self._y

    @property
    def u(self) -> np.ndarray:
        """int16 (ceil(H / 2), ceil(W / 2)), read-only view; zeros in monochrome streams."""
        if self._u is None:
            self._u = self._chroma(self._info.u)
        return self._u

    @property
    def v(self) -> np.ndarray:
        """int16 (ceil(H / 2), ceil(W / 2)), read-only view; zeros in monochrome streams."""
        if self._v is None:
            self._v = self._chroma(self._info.v)
        return self._v

    def _chroma(self, address: Optional[int]) -> np.ndarray:
        info = self._info
        return self._plane(address, (info.uv_height, info.uv_width), info.uv_row_bytes)

    def _plane(self, address: Optional[int], shape: Tuple[int, int], row_bytes: int) -> np.ndarray:
        if address is None:
            plane = np.zeros(shape, np.int16)
        else:
            plane = _view(self._handle, address, shape, "<i2", (row_bytes, 2))
        if self._orientation is not None:
            # Whoever reads planes reads them row by row.
            plane = np.ascontiguousarray(self._orientation.samples(plane))
        plane.flags.writeable = False
        return plane


class Picture:
    """One picture in decoding order. It stays valid after the next one and after the video is closed.

    Made by CompressedVideo only. Not thread-safe while it belongs to `sample()`, where the first use of
    `motion` or `residual` may parse it.
    """

    __slots__ = (
        "_handle",
        "_info",
        "_syntax",
        "_decoder",
        "_seconds_per_tick",
        "_orientation",
        "_motion",
        "_residual",
        "key_bytes",
        "is_anchor",
        "is_shown",
    )

    def __init__(
        self,
        address: int,
        info: binding.PictureInfo,
        syntax: Syntax,
        seconds_per_tick: Optional[float],
        decoder: Optional[binding.Decoder] = None,
        orientation: Optional[Orientation] = None,
    ) -> None:
        """Takes over one reference to the native picture; `decoder` parses it at first use. orientation: None
        leaves all as it is coded."""
        self._handle = _Handle(address, binding.native_core().attp_picture_release)
        self._info = info
        self._syntax = syntax
        self._decoder = decoder
        self._seconds_per_tick = seconds_per_tick
        self._orientation = orientation
        self._motion: Optional[MotionField] = None
        self._residual: Optional[Residual] = None
        self.key_bytes: Optional[KeyBytes] = None
        self.is_anchor = False
        self.is_shown = True  # False: an edit list hides it

    def parse(self) -> None:
        """Parses an on-demand picture now; otherwise `motion` and `residual` do it when first used."""
        if not self._info.is_parsed and self._decoder is not None:
            self._decoder.parse_picture(self._handle.address)
            self._info = binding.picture_info(self._handle.address)
            self._decoder = None

    @property
    def motion(self) -> MotionField:
        """Motion vectors, references, modes and weights."""
        if self._motion is None:
            self.parse()
            self._motion = MotionField(self._handle, self._info, self._orientation)
        return self._motion

    @property
    def residual(self) -> Optional[Residual]:
        """Coded residual, None if the video was opened with residual=False."""
        if self._residual is None:
            self.parse()
            if self._info.y is not None:
                self._residual = Residual(self._handle, self._info, self._orientation)
        return self._residual

    @property
    def decode_index(self) -> int:
        """0 for the first picture, one more for each next one in decoding order."""
        return self._info.decode_index

    @property
    def pts(self) -> Optional[int]:
        """Presentation time in the video's time_base, as the container says; None if it says none. See
        docs/TIMES.md for what containers make of it."""
        pts: int = self._info.pts
        return None if pts == binding.NO_PTS else pts

    @property
    def dts(self) -> Optional[int]:
        """Decoding time in the video's time_base, as the container says; None if it says none."""
        dts: int = self._info.dts
        return None if dts == binding.NO_PTS else dts

    @property
    def packet(self) -> int:
        """Number of the packet in which the picture begins, counted from 0."""
        return self._info.packet

    @property
    def time_s(self) -> Optional[float]:
        """`pts` in seconds; `dts` where there is no pts, None without both."""
        pts = self.dts if self.pts is None else self.pts
        if pts is None or self._seconds_per_tick is None:
            return None
        return pts * self._seconds_per_tick

    @property
    def poc(self) -> int:
        """PicOrderCnt() of H.264 clause 8.2.1, PicOrderCntVal of HEVC clause 8.3.1: display order within
        a coded video sequence. As decoded: before memory_management_control_operation 5 of H.264 makes
        it the 0 of a new count."""
        return self._info.poc

    @property
    def poc_step(self) -> int:
        """POC difference of two neighbours in display order."""
        return self._info.poc_step

    @property
    def kind(self) -> str:
        """'I', 'P' or 'B': the most general slice type of the picture."""
        return chr(self._info.kind)

    @property
    def is_random_access(self) -> bool:
        """An IDR picture; in H.264 also an intra picture at a recovery point, in HEVC also a CRA or BLA
        picture. decode_key() works for it."""
        return bool(self._info.is_random_access)

    @property
    def is_idr(self) -> bool:
        return bool(self._info.is_idr)

    @property
    def is_reference(self) -> bool:
        """Other pictures may refer to this one. In HEVC, those of its sub-layer: higher ones may refer
        to other pictures, too."""
        return bool(self._info.is_reference)

    @property
    def integrity(self) -> str:
        """'ok', or 'damaged' if this picture or something it depends on was not read completely."""
        return "damaged" if self._info.is_damaged else "ok"

    @property
    def damage(self) -> str:
        """The first thing that was wrong with this picture; empty if nothing was."""
        return bytes(self._info.damage).decode("utf-8", "replace")

    @property
    def shape(self) -> Tuple[int, int]:
        """(height, width) in luma samples after cropping, and after turning in an oriented video."""
        height, width = self._info.height_px, self._info.width_px
        is_swapped = self._orientation is not None and self._orientation.swaps_sides
        return (width, height) if is_swapped else (height, width)

    @property
    def mode_counts(self) -> ModeCounts:
        """Macroblocks of H.264, 8x8 luma blocks of HEVC, by mode; all zero in an on-demand picture that
        is not parsed."""
        info = self._info
        return ModeCounts(info.count_intra, info.count_inter, info.count_skip, info.count_pcm)

    @property
    def coding_counts(self) -> Optional[CodingCounts]:
        """Coding, prediction and transform units by size and kind; None in H.264, which has none. All
        zero in an on-demand picture that is not parsed."""
        if self._syntax is not HEVC:
            return None
        counts = binding.BlockCounts()
        binding.native_core().attp_picture_get_block_counts(
            self._handle.address, ctypes.byref(counts)
        )
        return CodingCounts(
            counts.coding_tree_units,
            tuple(counts.coding_units),
            counts.prediction_units,
            counts.merged,
            counts.bi_predicted,
            tuple(counts.luma_transforms),
        )

    @property
    def packet_bytes(self) -> int:
        """Size of the NAL units of this picture."""
        return self._info.packet_bytes

    @property
    def slices(self) -> int:
        return self._info.slices

    @property
    def nal_unit_type(self) -> int:
        """Of the slices of this picture."""
        return self._info.nal_unit_type

    @property
    def nal_unit_name(self) -> str:
        """What the standard calls that type: "CRA", "RASL_N", "TRAIL_R" ... (HEVC table 7-1); "IDR" or
        "non-IDR" in H.264."""
        return self._syntax.picture_names.get(self.nal_unit_type, str(self.nal_unit_type))

    @property
    def temporal_id(self) -> int:
        """TemporalId, the temporal sub-layer of an HEVC picture; 0 in H.264."""
        return self._info.temporal_id

    @property
    def frame_num(self) -> int:
        """Of H.264; 0 in HEVC."""
        return self._info.frame_num

    def __repr__(self) -> str:
        return f"<Picture {self.decode_index} {self.kind} poc={self.poc} pts={self.pts} {self.integrity}>"
