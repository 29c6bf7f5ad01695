"""Turns pictures into network inputs, written straight into the caller's buffers.

Knows arrays and the native kernels; nothing of models, engines or files. Each function fills one
C-contiguous float32 array (channels, crop height, crop width), usually one slot of an engine's input
buffer. The interpreter lock is free meanwhile.

The picture is resized to `resize` = (width, height), and the middle part that fits `out` is kept; of
an odd remainder, the smaller half is cut off at the left and at the top. Each axis is resized by
itself:

- where it shrinks, output k is the mean over [k, k+1) * length / resized of the picture, samples
  being constant over their area;
- where it grows, or stays, output k is taken at (k + 1/2) * length / resized, linear between the
  sample centres; the outermost samples extend beyond the edges.

A sample is 1 picture pixel wide for RGB and luma, 2 for chroma, 4 for motion. Section 4.1 of the
paper: frames are resized to 340 x 256, and the networks see 224 x 224 of that.

All functions raise ValueError for arrays of another kind or size, MemoryError where the resampling
tables find no memory.
"""

import ctypes
from typing import Optional, Sequence, Tuple

import numpy as np

from edge_attp.bitstream import binding
from edge_attp.protocols import Protocol

__all__ = [
    "MotionMemory",
    "fill_energy",
    "fill_flow",
    "fill_means",
    "fill_memory",
    "fill_residual",
    "fill_rgb",
]

Size = Tuple[int, int]


class ResidualPlanes(Protocol):
    """Three int16 planes, as edge_attp.bitstream.Residual has them."""

    @property
    def y(self) -> np.ndarray: ...

    @property
    def u(self) -> np.ndarray: ...

    @property
    def v(self) -> np.ndarray: ...


def fill_rgb(
    rgb: np.ndarray,
    out: np.ndarray,
    resize: Size,
    mean: Sequence[float],
    std: Sequence[float],
) -> None:
    """Fills `out` with a key picture: out = (rgb / 255 - mean) / std.

    rgb: uint8 (height, width, 3). out: float32 (3, crop height, crop width). mean, std: three values
    each, for RGB in 0..1.
    """
    _check_array("rgb", rgb, np.uint8, (None, None, 3))
    _check_output(out, 3, resize)
    if rgb.strides[1:] != (3, 1):
        raise ValueError("rgb: the pixels of a row must be adjacent")
    gain, bias = _normalisation(mean, std, 255.0)
    height, width = rgb.shape[:2]
    status = binding.native_core().attp_tensor_fill_rgb(
        rgb.ctypes.data,
        rgb.strides[0],
        width,
        height,
        _grid(resize, out),
        gain,
        bias,
        out.ctypes.data,
    )
    binding.check_status(status, "attp_tensor_fill_rgb")


def fill_flow(flow: np.ndarray, size: Size, out: np.ndarray, resize: Size, scale: float) -> None:
    """Fills `out` with apparent motion: out = clip(flow * scale, -1, 1).

    flow: float32 (2, ceil(height / 4), ceil(width / 4)), x then y, in pixels of the picture per
    picture interval, as MotionField.flow() returns it. size: (width, height) of the picture. out:
    float32 (2, crop height, crop width); its flow is measured in pixels of the resized grid, so that
    a motion across the whole width means the same at any picture size.
    """
    width, height = size
    _check_array("flow", flow, np.float32, (2, -(-height // 4), -(-width // 4)))
    _check_output(out, 2, resize)
    packed = np.ascontiguousarray(flow)
    status = binding.native_core().attp_tensor_fill_flow(
        packed.ctypes.data, width, height, _grid(resize, out), scale, out.ctypes.data
    )
    binding.check_status(status, "attp_tensor_fill_flow")


def fill_residual(
    residual: ResidualPlanes,
    out: np.ndarray,
    resize: Size,
    mean: Sequence[float],
    std: Sequence[float],
    bit_depth: int = 8,
) -> None:
    """Fills `out` with a coded residual: out = (rgb / peak - mean) / std, peak = 2^bit_depth - 1.

    residual: anything with int16 planes .y (height, width) and .u, .v (half of that, rounded up).
    out: float32 (3, crop height, crop width). The three planes are resized and turned into an
    "RGB-like image" (section 3.1 of the paper) by the linear part of BT.601 (full-range matrix):
    R = y + 1.402 v, G = y - 0.344136 u - 0.714136 v, B = y + 1.772 u.
    """
    y, u, v = residual.y, residual.u, residual.v
    _check_array("residual.y", y, np.int16, (None, None))
    height, width = y.shape
    for name, plane in (("residual.u", u), ("residual.v", v)):
        _check_array(name, plane, np.int16, (-(-height // 2), -(-width // 2)))
    _check_output(out, 3, resize)
    y, u, v = (_packed_rows(plane) for plane in (y, u, v))
    if u.strides != v.strides:
        u, v = np.ascontiguousarray(u), np.ascontiguousarray(v)
    gain, bias = _normalisation(mean, std, float((1 << bit_depth) - 1))
    status = binding.native_core().attp_tensor_fill_residual(
        y.ctypes.data,
        y.strides[0],
        u.ctypes.data,
        v.ctypes.data,
        u.strides[0],
        width,
        height,
        _grid(resize, out),
        gain,
        bias,
        out.ctypes.data,
    )
    binding.check_status(status, "attp_tensor_fill_residual")


def fill_energy(
    luma: np.ndarray,
    out: np.ndarray,
    resize: Size,
    mean: float,
    std: float,
    bit_depth: int = 8,
) -> None:
    """Fills `out` with the energy of a coded residual: out = (energy - mean) / std.

    luma: int16 (height, width), the plane .y of a residual, or a window of it that begins at multiples of 4. out:
    float32 (1, crop height, crop width). The energy is the mean of |luma| of each 4x4 samples (fewer at the right and
    lower edge) in values of 8 bits, 0 to 255, whatever bit_depth is. It is resized as fill_flow() resizes the flow of
    the same picture, so that both show the same places. Only the rows and columns of the crop are read.
    """
    _check_array("luma", luma, np.int16, (None, None))
    _check_output(out, 1, resize)
    height, width = luma.shape
    luma = _packed_rows(luma)
    gain = 1.0 / (std * (1 << (bit_depth - 8)))
    status = binding.native_core().attp_tensor_fill_energy(
        luma.ctypes.data,
        luma.strides[0],
        width,
        height,
        _grid(resize, out),
        gain,
        -mean / std,
        out.ctypes.data,
    )
    binding.check_status(status, "attp_tensor_fill_energy")


def fill_means(
    means: np.ndarray, size: Size, out: np.ndarray, resize: Size, mean: float, std: float
) -> None:
    """Fills `out` with energies that were averaged over pictures: out = (means - mean) / std.

    means: float32 (ceil(height / 4), ceil(width / 4)), as MotionMemory has them. size: (width, height) of the picture.
    out: float32 (1, crop height, crop width). They are resized as fill_flow() resizes a flow.
    """
    width, height = size
    _check_array("means", means, np.float32, (-(-height // 4), -(-width // 4)))
    _check_output(out, 1, resize)
    packed = np.ascontiguousarray(means)
    status = binding.native_core().attp_tensor_fill_means(
        packed.ctypes.data,
        width,
        height,
        _grid(resize, out),
        1.0 / std,
        -mean / std,
        out.ctypes.data,
    )
    binding.check_status(status, "attp_tensor_fill_means")


def fill_memory(
    planes: np.ndarray,
    size: Size,
    flow: np.ndarray,
    energy: np.ndarray,
    resize: Size,
    scale: float,
    mean: float,
    std: float,
) -> None:
    """Fills `flow` as fill_flow() does and `energy` as fill_means(), from planes of a MotionMemory or a window of them.

    planes: float32 (5, ceil(height / 4), ceil(width / 4)). size: (width, height) of the picture. flow: float32 (2, crop
    height, crop width), or (4, ...) with |x| and |y|. energy: float32 (1, crop height, crop width).
    """
    for begin in range(0, len(flow), 2):
        two = slice(begin, begin + 2)
        fill_flow(planes[two], size, flow[two], resize, scale)
    fill_means(planes[4], size, energy, resize, mean, std)


class MotionMemory:
    """What moved lately: exponential means of flow and energy over the P and B pictures of a stream.

    One picture tells little: a vector is whatever saved bits, and a blow takes ten pictures. pictures: how many the
    means reach back; speed_pictures: those of |x| and |y|, 0 for as many. At the beginning they are plain means of what
    has been seen. Pictures of another size begin anew.
    """

    def __init__(self, pictures: float, speed_pictures: float = 0.0) -> None:
        reach = [pictures] * 2 + [speed_pictures or pictures] * 2 + [pictures]
        self._share = -np.expm1(-1.0 / np.array(reach)).astype(np.float32)[:, None, None]
        self._weight = np.zeros_like(self._share)
        self._sum = np.zeros((5, 0, 0), np.float32)

    def add_picture(self, flow: np.ndarray, luma: np.ndarray, bit_depth: int = 8) -> None:
        """Takes the next picture in decoding order. flow: float32 (2, ceil(height / 4), ceil(width / 4)), as
        fill_flow() takes it. luma: the plane .y of its residual, int16 (height, width)."""
        newest = np.empty((5,) + flow.shape[1:], np.float32)
        newest[:2] = flow
        np.abs(flow, out=newest[2:4])
        fill_energy(luma, newest[4:], flow.shape[:0:-1], 0.0, 1.0, bit_depth)
        if newest.shape != self._sum.shape:
            self._sum, self._weight = np.zeros_like(newest), np.zeros_like(self._share)
        self._sum += self._share * (newest - self._sum)
        self._weight += self._share * (1.0 - self._weight)

    @property
    def planes(self) -> np.ndarray:
        """Means of x, y, |x|, |y| of the flow, and of the energy: float32 (5, ceil(height / 4), ceil(width / 4))."""
        return self._sum / np.where(self._weight > 0, self._weight, np.float32(1.0))


def _grid(resize: Size, out: np.ndarray) -> binding.TensorGrid:
    return binding.TensorGrid(resize[0], resize[1], out.shape[2], out.shape[1])


def _normalisation(
    mean: Sequence[float], std: Sequence[float], peak: float
) -> "Tuple[ctypes.Array[ctypes.c_float], ctypes.Array[ctypes.c_float]]":
    """(sample / peak - mean) / std as one gain and one bias per channel, float[3] each."""
    floats = ctypes.c_float * 3
    gain = floats(*[1.0 / (peak * value) for value in std])
    bias = floats(*[-centre / value for centre, value in zip(mean, std)])
    return gain, bias


def _packed_rows(plane: np.ndarray) -> np.ndarray:
    """The plane itself if the samples of a row are adjacent, else a copy."""
    is_packed = plane.strides[1] == plane.itemsize and plane.strides[0] >= 0
    return plane if is_packed else np.ascontiguousarray(plane)


def _check_array(
    name: str, array: np.ndarray, dtype: type, shape: Tuple[Optional[int], ...]
) -> None:
    fits = array.ndim == len(shape) and all(
        wanted is None or wanted == given for wanted, given in zip(shape, array.shape)
    )
    if array.dtype != dtype or not fits:
        wanted_shape = ", ".join("any" if side is None else str(side) for side in shape)
        raise ValueError(
            f"{name}: expected {np.dtype(dtype).name} ({wanted_shape}), got {array.dtype} {array.shape}"
        )


def _check_output(out: np.ndarray, channels: int, resize: Size) -> None:
    _check_array("out", out, np.float32, (channels, None, None))
    if not (out.flags.c_contiguous and out.flags.writeable):
        raise ValueError("out: must be C-contiguous and writeable")
    if out.shape[2] > resize[0] or out.shape[1] > resize[1]:
        raise ValueError(f"out: {out.shape} is larger than the resized picture {resize}")
