"""Motion, residual and prediction weights of one picture as NumPy arrays.

Arrays are read-only views into native memory, made when first asked for. Every view keeps the native
picture alive, so it stays valid after the picture, the video and the decoder are gone; the memory returns
to its pool when the last view is garbage. `weights` and `flow()` are copies, and so may be arrays of a
video opened with `oriented=True`.

H and W are the height and width of the picture in luma samples, after cropping (and turning, with
`oriented=True`); H4 = ceil(H / 4) and W4 = ceil(W / 4).
"""

import ctypes
import os
from typing import Callable, Dict, NoReturn, Optional, Tuple

import numpy as np

from edge_attp.bitstream import binding
from edge_attp.bitstream.orientation import Orientation

MODE_INTRA = 0
MODE_INTER = 1
MODE_SKIP = 2
MODE_PCM = 3
MODE_MISSING = 4  # never received; in damaged pictures only


class PictureHandle:
    """One reference to a native picture. A forked child never releases it: a thread that does not exist there
    may have held the lock of the memory pool."""

    __slots__ = ("address", "_release", "_process_id")

    def __init__(self, address: int, release: Callable[[int], None]) -> None:
        self.address = address
        self._release = release
        self._process_id = os.getpid()

    def __del__(self) -> None:
        try:
            if self._process_id == os.getpid():
                self._release(self.address)
        except Exception:  # __init__() failed, or the interpreter is shutting down
            pass

    def __reduce__(self) -> NoReturn:
        raise TypeError("a picture cannot be pickled; its arrays can, as picture.motion.mv")


class _Plane:
    """What NumPy keeps as the base of a view: the array interface and the reference to the picture."""

    __slots__ = ("__array_interface__", "_handle")

    def __init__(self, interface: Dict[str, object], handle: PictureHandle) -> None:
        self.__array_interface__ = interface
        self._handle = handle


def _view(
    handle: PictureHandle,
    address: int,
    shape: Tuple[int, ...],
    typestr: str,
    strides: Tuple[int, ...],
) -> np.ndarray:
    interface: Dict[str, object] = {
        "version": 3,
        "data": (address, True),  # True: read-only
        "shape": shape,
        "typestr": typestr,
        "strides": strides,
    }
    return np.asarray(_Plane(interface, handle))


class Weights:
    """Weighted prediction of one picture, one entry per list and 4x4 luma block.

    `weight` and `offset`, and `cb_weight`, `cb_offset`, `cr_weight`, `cr_offset` for chroma, are int16
    (2 lists, H4, W4), read-only copies; offsets are in sample values. `log2_denom` and
    `chroma_log2_denom` are integers, 0 to 7. Blocks with default prediction hold weights that give
    the same result.

    H.264, clause 8.4.2.3: with D = `log2_denom`, p the predicted sample, w the weight and o the offset,

    - one list: ((p * w + 2^(D-1)) >> D) + o, or p * w + o if D is 0;
    - two lists: ((p0 * w0 + p1 * w1 + 2^D) >> (D + 1)) + ((o0 + o1 + 1) >> 1);

    then clipped. HEVC, clause 8.5.3.3.4.3: p has 14 bits, so D = `log2_denom` + 14 - bit depth;

    - one list: as above;
    - two lists: (p0 * w0 + p1 * w1 + ((o0 + o1 + 1) << D)) >> (D + 1), then clipped.
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

    weight: np.ndarray
    offset: np.ndarray
    cb_weight: np.ndarray
    cb_offset: np.ndarray
    cr_weight: np.ndarray
    cr_offset: np.ndarray

    def __init__(
        self,
        handle: PictureHandle,
        info: binding.PictureInfo,
        orientation: Optional[Orientation],
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

    def __repr__(self) -> str:
        return (
            f"<Weights {self.weight.shape} log2_denom={self.log2_denom} "
            f"chroma_log2_denom={self.chroma_log2_denom}>"
        )


class MotionField:
    """Motion of one picture, one entry per 4x4 luma block: H4 = ceil(height / 4) rows, W4 = ceil(width / 4)
    columns.

    >>> from edge_attp.bitstream import MODE_SKIP, CompressedVideo
    >>> with CompressedVideo("examples/demo.mp4") as video:
    ...     motion = next(picture for picture in video if picture.kind == "B").motion
    >>> motion
    <MotionField 64x85 blocks, weighted>
    >>> motion.mv.shape, motion.reference.shape, motion.mode.shape, motion.flow().shape
    ((2, 64, 85, 2), (2, 64, 85), (64, 85), (2, 64, 85))
    >>> print(f"{(motion.mode == MODE_SKIP).mean():.0%} of the blocks are skipped")
    56% of the blocks are skipped
    """

    __slots__ = ("_handle", "_info", "_orientation", "_mv", "_reference", "_mode", "_weights")

    def __init__(
        self,
        handle: PictureHandle,
        info: binding.PictureInfo,
        orientation: Optional[Orientation],
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
        """Motion vectors, int16 (2 lists, H4, W4, 2), read-only: x (right), y (down), in quarter luma samples,
        from the block to its reference. 0 where the list is not used."""
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
        """References, int32 (2 lists, H4, W4), read-only: `decode_index` of the reference picture, -1 where
        the list is not used, -2 where the reference was never received."""
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
        """Block modes, uint8 (H4, W4), read-only: MODE_INTRA, MODE_INTER, MODE_SKIP, MODE_PCM or
        MODE_MISSING."""
        if self._mode is None:
            info = self._info
            shape = (info.height4, info.width4)
            self._mode = self._turned(
                _view(self._handle, info.mode, shape, "|u1", (info.mode_row_bytes, 1))
            )
        return self._mode

    @property
    def weights(self) -> Optional[Weights]:
        """Weighted prediction, None if the whole picture uses default prediction."""
        if self._weights is None and self._info.is_weighted:
            self._weights = Weights(self._handle, self._info, self._orientation)
        return self._weights

    def flow(self) -> np.ndarray:
        """Apparent motion, float32 (2, H4, W4), a new array: x plane (right), then y plane (down), in luma
        samples per picture interval.

        A block whose vector mv points to a picture d pictures earlier in display order (d < 0: later)
        moves by -mv / (4 d); with two lists, by the mean of both. 0 where there is no motion, as in intra
        blocks, which `mode` tells apart.
        """
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

    def __repr__(self) -> str:
        info = self._info
        width, height = info.width4, info.height4
        if self._orientation is not None:
            width, height = self._orientation.size(width, height)
        return f"<MotionField {height}x{width} blocks{', weighted' * bool(info.is_weighted)}>"


class Residual:
    """Coded residual of one picture: what the encoder added to the prediction.

    Planes hold sample values at the bit depth of the stream, normally from -(2^depth - 1) to 2^depth - 1,
    though coefficients may say more; 0 where nothing is coded. Intra blocks hold their coded residual too,
    PCM blocks their samples.

    >>> from edge_attp.bitstream import CompressedVideo
    >>> with CompressedVideo("examples/demo.mp4") as video:
    ...     residual = next(picture for picture in video if picture.kind == "P").residual
    >>> residual
    <Residual y (256, 340), u and v (128, 170)>
    """

    __slots__ = ("_handle", "_info", "_orientation", "_y", "_u", "_v")

    def __init__(
        self,
        handle: PictureHandle,
        info: binding.PictureInfo,
        orientation: Optional[Orientation],
    ) -> None:
        self._handle = handle
        self._info = info
        self._orientation = orientation
        self._y: Optional[np.ndarray] = None
        self._u: Optional[np.ndarray] = None
        self._v: Optional[np.ndarray] = None

    @property
    def y(self) -> np.ndarray:
        """Luma, int16 (H, W), read-only, in sample values."""
        if self._y is None:
            info = self._info
            shape = (info.height_px, info.width_px)
            self._y = self._plane(info.y, shape, info.y_row_bytes)
        return self._y

    @property
    def u(self) -> np.ndarray:
        """Cb, int16 (ceil(H / 2), ceil(W / 2)), read-only, in sample values; zeros in monochrome streams."""
        if self._u is None:
            self._u = self._chroma(self._info.u)
        return self._u

    @property
    def v(self) -> np.ndarray:
        """Cr, int16 (ceil(H / 2), ceil(W / 2)), read-only, in sample values; zeros in monochrome streams."""
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
            # Readers go through planes row by row.
            plane = np.ascontiguousarray(self._orientation.samples(plane))
        plane.flags.writeable = False
        return plane

    def __repr__(self) -> str:
        info = self._info
        luma, chroma = (info.height_px, info.width_px), (info.uv_height, info.uv_width)
        if self._orientation is not None:
            luma, chroma = self._orientation.size(*luma), self._orientation.size(*chroma)
        return f"<Residual y {luma}, u and v {chroma}>"
