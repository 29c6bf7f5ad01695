"""The ctypes binding of the native core: structures, prototypes and errors of the C headers.

The headers in native/include are the documentation. This module knows neither containers nor NumPy.
The library is loaded at first use; ctypes releases the GIL during every call. `EDGE_ATTP_LIBRARY` in
the environment names another library file.
"""

import ctypes
import os
from ctypes import (
    POINTER,
    c_char,
    c_char_p,
    c_float,
    c_int,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_void_p,
)
from typing import Dict, Optional, Sequence, Tuple, Type

from edge_attp.bitstream.process import ProcessBound
from edge_attp.errors import CorruptStream, EdgeAttpError, UnsupportedStream, UsageError

ABI_VERSION = 4
CODEC_H264, CODEC_HEVC = 1, 2
MAX_THREADS, MAX_REGIONS = 64, 16
NO_PTS = -(2**63)

OK, AGAIN, END = 0, 1, 2
UNSUPPORTED, CORRUPT, LIMIT, NO_MEMORY, INVALID_ARGUMENT = -1, -2, -3, -4, -5


class Options(ctypes.Structure):
    _fields_ = [
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


class NativeStreamInfo(ctypes.Structure):
    _fields_ = [
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


class PictureInfo(ctypes.Structure):
    _fields_ = [
        ("kind", c_int32),
        ("decode_index", c_int64),
        ("packet", c_int64),
        ("is_first_in_packet", c_int32),
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


class WeightArrays(ctypes.Structure):
    _fields_ = [
        ("log2_denom", c_int32),
        ("chroma_log2_denom", c_int32),
        ("weight", c_void_p),
        ("offset", c_void_p),
        ("cb_weight", c_void_p),
        ("cb_offset", c_void_p),
        ("cr_weight", c_void_p),
        ("cr_offset", c_void_p),
    ]


class BlockCounts(ctypes.Structure):
    _fields_ = [
        ("coding_tree_units", c_int32),
        ("coding_units", c_int32 * 4),
        ("prediction_units", c_int32),
        ("merged", c_int32),
        ("bi_predicted", c_int32),
        ("luma_transforms", c_int32 * 4),
    ]


class ErrorInfo(ctypes.Structure):
    _fields_ = [
        ("status", c_int32),
        ("decode_index", c_int64),
        ("bit_position", c_int64),
        ("element", c_char * 64),
        ("message", c_char * 256),
    ]


class TensorGrid(ctypes.Structure):
    _fields_ = [
        ("resize_width", c_int32),
        ("resize_height", c_int32),
        ("crop_width", c_int32),
        ("crop_height", c_int32),
    ]


class FinderOptions(ctypes.Structure):
    _fields_ = [
        ("width_px", c_int32),
        ("height_px", c_int32),
        ("bit_depth", c_int32),
        ("max_regions", c_int32),
        ("pictures_per_s", c_float),
    ]


class NativeRegion(ctypes.Structure):
    _fields_ = [
        ("id", c_int32),
        ("x_px", c_int32),
        ("y_px", c_int32),
        ("side_px", c_int32),
        ("box_left_px", c_int32),
        ("box_top_px", c_int32),
        ("box_right_px", c_int32),
        ("box_bottom_px", c_int32),
        ("activity", c_float),
    ]


class NativeCameraMotion(ctypes.Structure):
    _fields_ = [
        ("x_px", c_float),
        ("y_px", c_float),
        ("zoom", c_float),
        ("turn", c_float),
        ("support", c_float),
    ]


class FinderResult(ctypes.Structure):
    _fields_ = [
        ("count", c_int32),
        ("regions", NativeRegion * MAX_REGIONS),
        ("camera", NativeCameraMotion),
    ]


# Arrays go as addresses: the callers have checked them.
_DECODER = _PICTURE = _FINDER = _ARRAY = c_void_p
_FLOATS, _GRID = POINTER(c_float), POINTER(TensorGrid)
_SIZE = POINTER(c_int32)

# Result and arguments of every function of the headers.
_PROTOTYPES: Dict[str, Tuple[object, Sequence[object]]] = {
    "attp_library_version": (c_uint32, []),
    "attp_library_cpu": (c_char_p, []),
    "attp_options_init": (None, [POINTER(Options), c_int]),
    "attp_decoder_open": (c_int, [POINTER(Options), POINTER(_DECODER)]),
    "attp_decoder_close": (None, [_DECODER]),
    "attp_decoder_send": (c_int, [_DECODER, c_char_p, c_size_t, c_int64, c_int64, c_int]),
    "attp_decoder_send_parameter_sets": (c_int, [_DECODER, c_char_p, c_size_t]),
    "attp_decoder_drain": (c_int, [_DECODER]),
    "attp_decoder_flush": (None, [_DECODER]),
    "attp_decoder_receive": (c_int, [_DECODER, POINTER(_PICTURE)]),
    "attp_decoder_get_info": (c_int, [_DECODER, POINTER(NativeStreamInfo)]),
    "attp_decoder_get_error": (c_int, [_DECODER, POINTER(ErrorInfo)]),
    "attp_picture_parse": (c_int, [_PICTURE]),
    "attp_picture_retain": (None, [_PICTURE]),
    "attp_picture_release": (None, [_PICTURE]),
    "attp_picture_get_info": (c_int, [_PICTURE, POINTER(PictureInfo)]),
    "attp_picture_get_block_counts": (c_int, [_PICTURE, POINTER(BlockCounts)]),
    "attp_picture_get_weights": (c_int, [_PICTURE, POINTER(WeightArrays)]),
    "attp_picture_get_flow": (c_int, [_PICTURE, _ARRAY]),
    "attp_tensor_fill_rgb": (
        c_int,
        [_ARRAY, c_int64, c_int32, c_int32, _GRID, _FLOATS, _FLOATS, _ARRAY],
    ),
    "attp_tensor_fill_flow": (c_int, [_ARRAY, c_int32, c_int32, _GRID, c_float, _ARRAY]),
    "attp_tensor_fill_residual": (
        c_int,
        [_ARRAY, c_int64, _ARRAY, _ARRAY, c_int64, c_int32, c_int32]
        + [_GRID, _FLOATS, _FLOATS, _ARRAY],
    ),
    "attp_tensor_fill_energy": (
        c_int,
        [_ARRAY, c_int64, c_int32, c_int32, _GRID, c_float, c_float, _ARRAY],
    ),
    "attp_tensor_fill_means": (
        c_int,
        [_ARRAY, c_int32, c_int32, _GRID, c_float, c_float, _ARRAY],
    ),
    "attp_finder_open": (c_int, [POINTER(FinderOptions), POINTER(_FINDER)]),
    "attp_finder_close": (None, [_FINDER]),
    "attp_finder_add_picture": (c_int, [_FINDER, _PICTURE, POINTER(FinderResult)]),
    "attp_finder_get_grid": (c_int, [_FINDER, _SIZE, _SIZE, _SIZE]),
    "attp_finder_get_activity": (c_int, [_FINDER, _ARRAY]),
}

# The one table from statuses to exceptions, with the sentence for an error that the core does not explain.
_EXCEPTIONS: Dict[int, Tuple[Type[EdgeAttpError], str]] = {
    UNSUPPORTED: (UnsupportedStream, "uses a feature that is not supported"),
    CORRUPT: (CorruptStream, "is not a valid bitstream"),
    LIMIT: (UnsupportedStream, "exceeds the limits of this parser"),
    NO_MEMORY: (EdgeAttpError, "needs more memory than is available"),
    INVALID_ARGUMENT: (
        EdgeAttpError,
        "caused an invalid call of the native core; please report it",
    ),
}

_library: Optional[ctypes.CDLL] = None


def native_core() -> ctypes.CDLL:
    """Returns the native core, loading it at the first call.

    Raises EdgeAttpError, which says what to do, if the library is missing or has another interface
    version; UsageError if EDGE_ATTP_CPU asks for an instruction set that the processor lacks.
    """
    global _library
    if _library is None:
        _library = _load(library_path())
    return _library


def library_path() -> str:
    """Returns the file that native_core() loads."""
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
        _check_version(loaded, path)
        for name, (result, arguments) in _PROTOTYPES.items():
            function = getattr(loaded, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise EdgeAttpError(f"the native core {path} cannot be loaded: {error}") from None
    if loaded.attp_library_cpu() == b"none":
        raise UsageError(
            f"EDGE_ATTP_CPU={os.environ.get('EDGE_ATTP_CPU', '')}: this processor has no such kernels; "
            "unset it, or use scalar, sse41, avx2 or neon"
        )
    return loaded


def _check_version(loaded: ctypes.CDLL, path: str) -> None:
    version = loaded.attp_library_version()
    if version != ABI_VERSION:
        raise EdgeAttpError(
            f"the native core {path} has interface version {version}, this package needs "
            f"{ABI_VERSION}: rebuild it with `pip install -e .`"
        )


def cpu() -> str:
    """Returns the instruction set that the core uses: scalar, sse41, avx2 or neon."""
    name: bytes = native_core().attp_library_cpu()
    return name.decode("ascii")


def check_status(status: int, function: str) -> None:
    """Raises MemoryError or ValueError unless the status of a function without a decoder is OK."""
    if status == NO_MEMORY:
        raise MemoryError(f"{function}: out of memory")
    if status != OK:
        raise ValueError(f"{function}: the native core rejected the arguments (status {status})")


def picture_info(picture: int) -> PictureInfo:
    """Returns everything about the picture at this address."""
    info = PictureInfo()
    native_core().attp_picture_get_info(picture, ctypes.byref(info))
    return info


def release_picture(picture: int) -> None:
    """Gives up one reference to the picture at this address."""
    native_core().attp_picture_release(picture)


class Decoder(ProcessBound):
    """Owns one native decoder. It serves one thread at a time, in the process that made it.

    `name` is the name of the source in messages.
    """

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
        self._send = self._native.attp_decoder_send
        self._receive = self._native.attp_decoder_receive
        options = Options()
        self._native.attp_options_init(ctypes.byref(options), codec)
        options.threads = threads
        options.want_residual = residual
        options.on_demand = on_demand
        options.nal_length_bytes = nal_length_bytes
        status = self._native.attp_decoder_open(ctypes.byref(options), ctypes.byref(self._pointer))
        if status != OK:
            self._pointer = c_void_p()
            raise _exception_class(status)(f"{name}: {_default_sentence(status)}")

    def send_packet(
        self, data: bytes, pts: Optional[int], dts: Optional[int], is_complete: bool
    ) -> None:
        """Sends one packet; the core counts them from 0. is_complete: an access unit ends with it.

        Raises UnsupportedStream if the core refuses the stream.
        """
        self.check_process(self.name)
        status = self._send(
            self._pointer,
            data,
            len(data),
            NO_PTS if pts is None else pts,
            NO_PTS if dts is None else dts,
            is_complete,
        )
        if status < 0:
            raise self.exception(status)

    def send_parameter_sets(self, data: bytes) -> None:
        """Sends parameter sets that came apart from the stream; they are not counted as a packet."""
        self.check_process(self.name)
        status = self._native.attp_decoder_send_parameter_sets(self._pointer, data, len(data))
        if status < 0:
            raise self.exception(status)

    def drain(self) -> None:
        """Tells the core that no more packets will come."""
        self.check_process(self.name)
        status = self._native.attp_decoder_drain(self._pointer)
        if status < 0:
            raise self.exception(status)

    def receive_picture(self) -> Optional[int]:
        """Returns the address of the next picture, which the caller releases.

        None if the core needs another packet first, or has given out everything after drain().
        """
        self.check_process(self.name)
        status = self._receive(self._pointer, self._picture_ref)
        if status == OK:
            return self._picture.value
        if status < 0:
            raise self.exception(status)
        return None

    def parse_picture(self, picture: int) -> None:
        """Parses the slice data of a picture of an on-demand decoder. Damage raises nothing."""
        if not self._pointer:
            raise ValueError(
                "this picture's video is closed, so the picture can no longer be parsed"
            )
        self.check_process(self.name)
        status = self._native.attp_picture_parse(picture)
        if status < 0:
            raise self.exception(status)

    def stream_info(self) -> NativeStreamInfo:
        """Returns what the core knows of the stream so far."""
        self.check_process(self.name)
        info = NativeStreamInfo()
        self._native.attp_decoder_get_info(self._pointer, ctypes.byref(info))
        return info

    def exception(self, status: int) -> EdgeAttpError:
        """Returns the exception for a status, with everything the core says about it in one line."""
        info = ErrorInfo()
        self._native.attp_decoder_get_error(self._pointer, ctypes.byref(info))
        message = info.message.decode("utf-8", "replace") or _default_sentence(status)
        where = self.name if info.decode_index < 0 else f"{self.name}: picture {info.decode_index}"
        element = info.element.decode("utf-8", "replace")
        details = [element] if element and element not in message else []
        if info.bit_position >= 0:
            details.append(f"bit {info.bit_position} of its NAL unit")
        suffix = f" ({', '.join(details)})" if details else ""
        return _exception_class(status)(f"{where}: {message}{suffix}")

    def close(self) -> None:
        """Closes the native decoder. Parsed pictures stay valid."""
        if self._pointer and not self.is_forked_copy:
            self._native.attp_decoder_close(self._pointer)
            self._pointer = c_void_p()

    _release_resources = close


def _exception_class(status: int) -> Type[EdgeAttpError]:
    return _EXCEPTIONS.get(status, (EdgeAttpError, ""))[0]


def _default_sentence(status: int) -> str:
    return _EXCEPTIONS.get(status, (EdgeAttpError, f"failed with status {status}"))[1]
