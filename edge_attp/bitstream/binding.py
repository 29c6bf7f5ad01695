"""The ctypes face of the native core (native/include/edge_attp.h): structures, prototypes, errors.

Nothing here knows containers or NumPy. The library is loaded at first use. ctypes releases the GIL
during every call. `EDGE_ATTP_LIBRARY` in the environment names another library file.
"""

import ctypes
import os
from ctypes import (
    POINTER,
    c_char,
    c_char_p,
    c_int,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_void_p,
)
from typing import Any, Optional, Type

from edge_attp.bitstream.process import ProcessBound
from edge_attp.errors import CorruptStream, EdgeAttpError, UnsupportedStream, UsageError

ABI_VERSION = 2
CODEC_H264, CODEC_HEVC = 1, 2
NO_PTS = -(2**63)

OK, AGAIN, END = 0, 1, 2
UNSUPPORTED, CORRUPT, LIMIT, NO_MEMORY, INVALID_ARGUMENT = -1, -2, -3, -4, -5

# Larger streams are refused at open. The area is level 6.2's largest frame.
MAX_SIDE_PX = 16384
MAX_PICTURE_PX = 139264 * 256
MAX_NAL_BYTES = 64 << 20
LOOKAHEAD_PICTURES = 16


class _Struct(ctypes.Structure):
    """A structure whose first member says its own size."""

    def __init__(self, **values: Any) -> None:
        super().__init__(struct_bytes=ctypes.sizeof(type(self)), **values)


class Options(_Struct):
    _fields_ = [
        ("struct_bytes", c_uint32),
        ("codec", c_int32),
        ("threads", c_int32),
        ("want_residual", c_int32),
        ("on_demand", c_int32),
        ("nal_length_bytes", c_int32),
        ("lookahead_pictures", c_int32),
        ("max_width_px", c_int32),
        ("max_height_px", c_int32),
        ("max_picture_px", c_int64),
        ("max_nal_bytes", c_int64),
    ]


class NativeStreamInfo(_Struct):
    _fields_ = [
        ("struct_bytes", c_uint32),
        ("width_px", c_int32),
        ("height_px", c_int32),
        ("bit_depth_luma", c_int32),
        ("chroma_format_idc", c_int32),
        ("profile_idc", c_int32),
        ("constraint_flags", c_int32),
        ("level_idc", c_int32),
        ("max_num_ref_frames", c_int32),
        ("ctb_size_px", c_int32),
        ("pic_order_cnt_type", c_int32),
        ("poc_step", c_int32),
        ("num_units_in_tick", c_uint32),
        ("time_scale", c_uint32),
        ("pictures", c_int64),
        ("nal_units", c_int64),
        ("ignored_nal_units", c_int64),
        ("damaged_nal_units", c_int64),
        ("skipped_pictures", c_int64),
        ("tools", c_char * 512),
    ]


class PictureInfo(_Struct):
    _fields_ = [
        ("struct_bytes", c_uint32),
        ("kind", c_int32),
        ("decode_index", c_int64),
        ("pts", c_int64),
        ("dts", c_int64),
        ("poc", c_int32),
        ("poc_step", c_int32),
        ("is_idr", c_int32),
        ("is_random_access", c_int32),
        ("is_reference", c_int32),
        ("is_damaged", c_int32),
        ("is_parsed", c_int32),
        ("width_px", c_int32),
        ("height_px", c_int32),
        ("width4", c_int32),
        ("height4", c_int32),
        ("frame_num", c_int32),
        ("nal_unit_type", c_int32),
        ("temporal_id", c_int32),
        ("slices", c_int32),
        ("is_weighted", c_int32),
        ("packet_bytes", c_int64),
        ("count_intra", c_int32),
        ("count_inter", c_int32),
        ("count_skip", c_int32),
        ("count_pcm", c_int32),
        ("mv", c_void_p),
        ("reference", c_void_p),
        ("mode", c_void_p),
        ("mv_row_bytes", c_int64),
        ("mv_list_bytes", c_int64),
        ("reference_row_bytes", c_int64),
        ("reference_list_bytes", c_int64),
        ("mode_row_bytes", c_int64),
        ("y", c_void_p),
        ("u", c_void_p),
        ("v", c_void_p),
        ("y_row_bytes", c_int64),
        ("uv_row_bytes", c_int64),
        ("uv_width", c_int32),
        ("uv_height", c_int32),
        ("damage", c_char * 192),
    ]


class WeightArrays(_Struct):
    _fields_ = [
        ("struct_bytes", c_uint32),
        ("log2_denom", c_int32),
        ("chroma_log2_denom", c_int32),
        ("weight", c_void_p),
        ("offset", c_void_p),
        ("cb_weight", c_void_p),
        ("cb_offset", c_void_p),
        ("cr_weight", c_void_p),
        ("cr_offset", c_void_p),
    ]


class BlockCounts(_Struct):
    _fields_ = [
        ("struct_bytes", c_uint32),
        ("coding_tree_units", c_int32),
        ("coding_units", c_int32 * 4),
        ("prediction_units", c_int32),
        ("merged", c_int32),
        ("bi_predicted", c_int32),
        ("luma_transforms", c_int32 * 4),
    ]


class ErrorInfo(_Struct):
    _fields_ = [
        ("struct_bytes", c_uint32),
        ("status", c_int32),
        ("decode_index", c_int64),
        ("bit_position", c_int64),
        ("element", c_char * 64),
        ("message", c_char * 256),
    ]


_PROTOTYPES = {
    "attp_abi_version": (c_uint32, []),
    "attp_cpu": (c_char_p, []),
    "attp_open": (c_int, [POINTER(Options), POINTER(c_void_p)]),
    "attp_close": (None, [c_void_p]),
    "attp_send": (c_int, [c_void_p, c_char_p, c_size_t, c_int64, c_int64, c_int]),
    "attp_drain": (c_int, [c_void_p]),
    "attp_flush": (None, [c_void_p]),
    "attp_receive": (c_int, [c_void_p, POINTER(c_void_p)]),
    "attp_picture_parse": (c_int, [c_void_p]),
    "attp_picture_retain": (None, [c_void_p]),
    "attp_picture_release": (None, [c_void_p]),
    "attp_get_picture_info": (c_int, [c_void_p, POINTER(PictureInfo)]),
    "attp_get_block_counts": (c_int, [c_void_p, POINTER(BlockCounts)]),
    "attp_get_stream_info": (c_int, [c_void_p, POINTER(NativeStreamInfo)]),
    "attp_get_error": (c_int, [c_void_p, POINTER(ErrorInfo)]),
    "attp_picture_weights": (c_int, [c_void_p, POINTER(WeightArrays)]),
    "attp_picture_flow": (c_int, [c_void_p, c_void_p]),
}

# The one table from native statuses to exceptions, and the sentence used where the core gives none.
_EXCEPTIONS = {
    UNSUPPORTED: (UnsupportedStream, "uses a feature that is not supported"),
    CORRUPT: (CorruptStream, "is not a valid bitstream"),
    LIMIT: (UnsupportedStream, "is larger than the limits of this parser"),
    NO_MEMORY: (EdgeAttpError, "needs more memory than there is"),
    INVALID_ARGUMENT: (EdgeAttpError, "was given to the native core in a wrong way (a bug)"),
}

_PICTURE_INFO_TEMPLATE = bytes(PictureInfo())

_library: Optional[ctypes.CDLL] = None


def native_core() -> Any:
    """The loaded native core. EdgeAttpError, with what to do, if it is missing or of another version."""
    global _library
    if _library is None:
        _library = _fastest(_check_cpu(_load(library_path())))
    return _library


def _check_cpu(loaded: ctypes.CDLL) -> ctypes.CDLL:
    if loaded.attp_cpu() == b"none":
        raise UsageError(
            "EDGE_ATTP_CPU={}: this processor has no such kernels; unset it, or use scalar, sse41, "
            "avx2 or neon".format(os.environ.get("EDGE_ATTP_CPU", ""))
        )
    return loaded


def _fastest(loaded: ctypes.CDLL) -> ctypes.CDLL:
    """The library built for AVX2, where it lies beside the portable one and the processor has it."""
    for_avx2 = os.path.splitext(library_path())[0] + "_avx2.so"
    if loaded.attp_cpu() == b"avx2" and os.path.exists(for_avx2):
        return _load(for_avx2)
    return loaded


def library_path() -> str:
    """The file that native_core() loads."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    built_in = os.path.join(package, "native", "libedge_attp.so")
    return os.environ.get("EDGE_ATTP_LIBRARY") or built_in


def _load(path: str) -> ctypes.CDLL:
    if not os.path.exists(path):
        raise EdgeAttpError(
            f"the native core is not built: {path} is missing. Build it with `pip install -e .` in the "
            "repository (it needs CMake and a C++17 compiler)."
        )
    try:
        loaded = ctypes.CDLL(path)
        for name, (result, arguments) in _PROTOTYPES.items():
            function = getattr(loaded, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise EdgeAttpError(f"the native core {path} cannot be loaded: {error}") from None
    version = loaded.attp_abi_version()
    if version != ABI_VERSION:
        raise EdgeAttpError(
            f"the native core {path} has interface version {version}, this package needs "
            f"{ABI_VERSION}: build it again with "
            "`pip install -e .`"
        )
    return loaded


def picture_info(picture: int) -> PictureInfo:
    """All about the picture at this address. Copying a template is three times as fast as __init__."""
    info = PictureInfo.from_buffer_copy(_PICTURE_INFO_TEMPLATE)
    _library.attp_get_picture_info(picture, ctypes.byref(info))  # type: ignore[union-attr]
    return info


def cpu() -> str:
    """Name of the kernels in use: scalar, sse41, avx2 or neon."""
    name: bytes = native_core().attp_cpu()
    return name.decode("ascii")


class Decoder(ProcessBound):
    """Owns one native decoder. For one thread at a time, and for the process that made it; `name` is the
    source's name in messages."""

    def __init__(
        self,
        name: str,
        codec: int,
        nal_length_bytes: int,
        threads: int = 1,
        residual: bool = True,
        on_demand: bool = False,
    ) -> None:
        super().__init__()
        self.name = name
        self._pointer = c_void_p()
        self._picture = c_void_p()
        self._picture_ref = ctypes.byref(self._picture)
        self._native = native_core()
        self._send = self._native.attp_send
        self._receive = self._native.attp_receive
        options = Options(
            codec=codec,
            threads=threads,
            want_residual=int(residual),
            on_demand=int(on_demand),
            nal_length_bytes=nal_length_bytes,
            lookahead_pictures=LOOKAHEAD_PICTURES,
            max_width_px=MAX_SIDE_PX,
            max_height_px=MAX_SIDE_PX,
            max_picture_px=MAX_PICTURE_PX,
            max_nal_bytes=MAX_NAL_BYTES,
        )
        status = self._native.attp_open(ctypes.byref(options), ctypes.byref(self._pointer))
        if status != OK:
            self._pointer = c_void_p()
            raise _exception_class(status)(f"{name}: {_default_sentence(status)}")

    def send(self, data: bytes, pts: int, dts: int, complete: bool) -> None:
        """Gives bytes to the core; UnsupportedStream if it refuses them by name."""
        self.check_process(self.name)
        status = self._send(self._pointer, data, len(data), pts, dts, complete)
        if status < 0:
            raise self.error(status)

    def drain(self) -> None:
        self.check_process(self.name)
        status = self._native.attp_drain(self._pointer)
        if status < 0:
            raise self.error(status)

    def receive(self) -> Optional[int]:
        """Address of the next picture, which the caller releases; None if more must be sent first or
        nothing is left."""
        self.check_process(self.name)
        status = self._receive(self._pointer, self._picture_ref)
        if status == OK:
            return self._picture.value
        if status < 0:
            raise self.error(status)
        return None

    def parse(self, picture: int) -> None:
        """on_demand: parses the slice data of this picture. Damage is no error, the picture tells."""
        if not self._pointer:
            raise ValueError("the video of this picture is closed: it can no longer be parsed")
        self.check_process(self.name)
        status = self._native.attp_picture_parse(picture)
        if status < 0 and status != CORRUPT:
            raise self.error(status)

    def info(self) -> NativeStreamInfo:
        self.check_process(self.name)
        info = NativeStreamInfo()
        self._native.attp_get_stream_info(self._pointer, ctypes.byref(info))
        return info

    def error(self, status: int) -> EdgeAttpError:
        """The exception of a status, with all that the core knows about it in one line."""
        info = ErrorInfo()
        self._native.attp_get_error(self._pointer, ctypes.byref(info))
        message = info.message.decode("utf-8", "replace") or _default_sentence(status)
        where = self.name if info.decode_index < 0 else f"{self.name}: picture {info.decode_index}"
        element = info.element.decode("utf-8", "replace")
        details = [element] if element and element not in message else []
        if info.bit_position >= 0:
            details.append(f"bit {info.bit_position} of its NAL unit")
        suffix = " ({})".format(", ".join(details)) if details else ""
        return _exception_class(status)(f"{where}: {message}{suffix}")

    def close(self) -> None:
        if self._pointer and not self.is_forked_copy:
            self._native.attp_close(self._pointer)
            self._pointer = c_void_p()

    _release_resources = close


def _exception_class(status: int) -> Type[EdgeAttpError]:
    return _EXCEPTIONS.get(status, (EdgeAttpError, ""))[0]


def _default_sentence(status: int) -> str:
    return _EXCEPTIONS.get(status, (EdgeAttpError, f"failed with status {status}"))[1]
