"""ctypes signatures of the attp_tensor_ functions in edge_attp.h."""

import ctypes

from edge_attp.bitstream.binding import NO_MEMORY, OK, native_core

_FLOATS = ctypes.POINTER(ctypes.c_float)


class Grid(ctypes.Structure):
    """attp_tensor_grid."""

    _fields_ = [
        ("resize_width", ctypes.c_int32),
        ("resize_height", ctypes.c_int32),
        ("crop_width", ctypes.c_int32),
        ("crop_height", ctypes.c_int32),
    ]


_GRID = ctypes.POINTER(Grid)
# Arrays go as addresses: the callers have checked them.
_ARRAY, _STRIDE, _SIDE, _FACTOR = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int32, ctypes.c_float
_SIGNATURES = {
    "attp_tensor_rgb": [_ARRAY, _STRIDE, _SIDE, _SIDE, _GRID, _FLOATS, _FLOATS, _ARRAY],
    "attp_tensor_flow": [_ARRAY, _SIDE, _SIDE, _GRID, _FACTOR, _ARRAY],
    "attp_tensor_residual": [
        _ARRAY,
        _STRIDE,
        _ARRAY,
        _ARRAY,
        _STRIDE,
        _SIDE,
        _SIDE,
        _GRID,
        _FLOATS,
        _FLOATS,
        _ARRAY,
    ],
}


def grid(resize, out_shape):
    """Grid for `resize` = (width, height) and an output of shape (channels, height, width)."""
    return Grid(resize[0], resize[1], out_shape[2], out_shape[1])


def call(name, *arguments):
    """Calls one function; the interpreter lock is free meanwhile.

    Raises MemoryError, or ValueError where the kernel refuses the sizes.
    """
    function = getattr(native_core(), name)
    if function.argtypes is None:
        function.restype = ctypes.c_int
        function.argtypes = _SIGNATURES[name]
    status = function(*arguments)
    if status == OK:
        return
    if status == NO_MEMORY:
        raise MemoryError(f"{name}: no memory for the tables of a resampling")
    raise ValueError(f"{name}: refused by the native core (status {status})")
