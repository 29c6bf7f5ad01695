"""Pictures to network inputs, written straight into buffers of the caller.

Knows arrays and the native kernel; nothing of models, engines or files. Each function fills one
C-contiguous float32 array (channels, crop height, crop width) that it is handed, usually one slot
of an engine's input buffer.

The picture is resized to `resize` = (width, height) and the middle part that fits `out` is kept;
of an odd remainder, the smaller half is cut off left and above. Each axis is resized by itself:

- where it shrinks, output k is the mean over [k, k+1) * length / resized of the picture, samples
  being constant over their area;
- where it grows, or stays, output k is taken at (k + 1/2) * length / resized, linear between the
  sample centres, the outermost samples going on for ever.

A sample is 1 picture pixel wide for RGB and luma, 2 for chroma, 4 for motion. Section 4.1 of the
paper: frames are resized to 340 x 256, and the networks see 224 x 224 of that.
"""

import ctypes

import numpy as np

from edge_attp.tensors import binding

__all__ = ["fill_flow", "fill_residual", "fill_rgb"]


def fill_rgb(rgb, out, resize, mean, std):
    """Key picture to network input: out = (rgb / 255 - mean) / std.

    rgb: uint8 (height, width, 3). out: float32 (3, crop height, crop width). mean, std: three
    values each, for RGB in 0..1. Raises ValueError for arrays of another kind.
    """
    _expect("rgb", rgb, np.uint8, (None, None, 3))
    _expect_output(out, 3, resize)
    if rgb.strides[1:] != (3, 1):
        raise ValueError("rgb: pixels of a row must lie next to each other")
    gain, bias = _normalisation(mean, std, 255.0)
    height, width = rgb.shape[:2]
    binding.call(
        "attp_tensor_rgb",
        _address(rgb),
        rgb.strides[0],
        width,
        height,
        binding.grid(resize, out.shape),
        gain,
        bias,
        _address(out),
    )


def fill_flow(flow, size, out, resize, scale):
    """Apparent motion to network input: out = clip(flow * scale, -1, 1).

    flow: float32 (2, ceil(height / 4), ceil(width / 4)), x then y, in pixels of the picture per
    picture interval, as MotionField.flow() gives it. size: (width, height) of the picture. out:
    float32 (2, crop height, crop width); its flow is measured in pixels of the resized grid, so
    that a motion across the whole width means the same at any picture size.
    """
    width, height = size
    _expect("flow", flow, np.float32, (2, -(-height // 4), -(-width // 4)))
    _expect_output(out, 2, resize)
    binding.call(
        "attp_tensor_flow",
        _address(np.ascontiguousarray(flow)),
        width,
        height,
        binding.grid(resize, out.shape),
        scale,
        _address(out),
    )


def fill_residual(residual, out, resize, mean, std, bit_depth=8):
    """Coded residual to network input: out = (rgb / peak - mean) / std, peak = 2^bit_depth - 1.

    residual: anything with int16 planes .y (height, width) and .u, .v (half of that, rounded up).
    out: float32 (3, crop height, crop width). The three planes are resized and turned into an
    "RGB-like image" (section 3.1 of the paper) by the linear part of BT.601 (full-range matrix):
    R = y + 1.402 v, G = y - 0.344136 u - 0.714136 v, B = y + 1.772 u.
    """
    y, u, v = residual.y, residual.u, residual.v
    _expect("residual.y", y, np.int16, (None, None))
    height, width = y.shape
    for name, plane in (("residual.u", u), ("residual.v", v)):
        _expect(name, plane, np.int16, (-(-height // 2), -(-width // 2)))
    _expect_output(out, 3, resize)
    y, u, v = (_packed_rows(plane) for plane in (y, u, v))
    if u.strides != v.strides:
        u, v = np.ascontiguousarray(u), np.ascontiguousarray(v)
    gain, bias = _normalisation(mean, std, float((1 << bit_depth) - 1))
    binding.call(
        "attp_tensor_residual",
        _address(y),
        y.strides[0],
        _address(u),
        _address(v),
        u.strides[0],
        width,
        height,
        binding.grid(resize, out.shape),
        gain,
        bias,
        _address(out),
    )


def _normalisation(mean, std, peak):
    """(sample / peak - mean) / std as one gain and one bias per channel, float[3] each."""
    floats = ctypes.c_float * 3
    gain = floats(*[1.0 / (peak * value) for value in std])
    bias = floats(*[-centre / value for centre, value in zip(mean, std)])
    return gain, bias


def _address(array):
    return array.ctypes.data


def _packed_rows(plane):
    """The plane itself if the samples of a row lie next to each other, else a copy."""
    packed = plane.strides[1] == plane.itemsize and plane.strides[0] >= 0
    return plane if packed else np.ascontiguousarray(plane)


def _expect(name, array, dtype, shape):
    fits = array.ndim == len(shape) and all(
        wanted is None or wanted == given for wanted, given in zip(shape, array.shape)
    )
    if array.dtype != dtype or not fits:
        wanted = ", ".join("any" if side is None else str(side) for side in shape)
        raise ValueError(
            f"{name}: expected {np.dtype(dtype).name} ({wanted}), got {array.dtype} {array.shape}"
        )


def _expect_output(out, channels, resize):
    _expect("out", out, np.float32, (channels, None, None))
    if not (out.flags.c_contiguous and out.flags.writeable):
        raise ValueError("out: must be C-contiguous and writeable")
    if out.shape[2] > resize[0] or out.shape[1] > resize[1]:
        raise ValueError(f"out: {out.shape} is larger than the resized picture {resize}")
