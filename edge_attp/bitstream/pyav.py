"""The adapter to PyAV: late import, and what differs between its versions (10 to 19)."""

import io
import math
import struct
from types import ModuleType
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import numpy as np

from edge_attp.errors import CorruptStream, EdgeAttpError
from edge_attp.log import logger

# Matrix coefficients (table E-5) that differ from the default, and PyAV's names for them; older versions
# do not look at the frame.
_MATRICES = {1: "ITU709", 4: "FCC", 7: "SMPTE240M"}
_BT709, _BT2020 = 1, 9  # matrix_coefficients, and colour_primaries
_NAMES = {_BT709: "BT.709", _BT2020: "BT.2020"}
_OF_BT2020 = (10, 14, 15)  # constant luminance, ICtCp, IPT-C2: of wide gamuts
_OF_PRIMARIES = (12, 13)  # derived from them

_TS_DISCONT = 0x200  # FFmpeg's AVFMT_TS_DISCONT
# FFmpeg's AV_DISPOSITION_...
_DEFAULT = 0x1
_STILLS = 0x400 | 0x800  # ATTACHED_PIC, TIMED_THUMBNAILS
_DEPENDENT = 0x80000

MOST_FAILURES = 32  # of the demuxer in a row


def import_av(why: str) -> ModuleType:
    """The `av` module; EdgeAttpError that begins with `why` and ends with how to install it."""
    try:
        import av
        import av.error
        import av.logging
    except ImportError as error:
        raise EdgeAttpError(
            f"{why}, which needs PyAV ({error}): install it with `pip install av`"
        ) from None
    if av.logging.get_level() == av.logging.VERBOSE:
        # What PyAV before 12 begins with: FFmpeg's own messages on stderr. What matters is said by us.
        av.logging.set_level(av.logging.PANIC)
    return av


def opened(av: Any, target: Any, **options: Any) -> Any:
    """An input container. Metadata in an unknown encoding is no reason to refuse a video: PyAV before 19
    has to be told so."""
    try:
        return av.open(target, metadata_errors="replace", **options)
    except TypeError:
        return av.open(target, **options)


def codec_name(context: Any) -> str:
    """FFmpeg's name of the codec, not of the decoder that was chosen for it."""
    return str(getattr(context.codec, "canonical_name", context.name))


def demuxed(av: Any, container: Any, *streams: Any) -> Iterator[Any]:
    """The packets of these streams, or of all. Bytes that the demuxer cannot read are passed over, as it finds its way
    again behind them in most containers; many such failures in a row raise InvalidDataError."""
    failures = 0
    while True:
        try:
            for packet in container.demux(*streams):
                failures = 0
                if packet.size:  # PyAV ends with an empty packet
                    yield packet
            return
        except av.error.InvalidDataError:
            failures += 1
            if failures > MOST_FAILURES:
                raise
        except IndexError:
            return  # PyAV 18 stumbles at the end of files in which streams appear late


def restarted(decoder: Any, make: Callable[[], Any]) -> Any:
    """The decoder without memory of what it was given; one that `make` opens where PyAV is too old to
    flush."""
    if not hasattr(decoder, "flush_buffers"):  # PyAV 10
        return make()
    decoder.flush_buffers()
    return decoder


def new_extradata(packet: Any) -> Optional[bytes]:
    """Codec configuration that begins with this packet, None if there is none (or PyAV is older than 14,
    which does not tell)."""
    if not hasattr(packet, "has_sidedata") or not packet.has_sidedata("new_extradata"):
        return None
    return bytes(packet.get_sidedata("new_extradata"))


def is_shown(packet: Any) -> bool:
    """False for a packet that an edit list hides, which others may need. (PyAV before 11 does not tell.)"""
    return not getattr(packet, "is_discard", False)


def may_change_clock(container: Any) -> bool:
    """Whether times of this format may jump where recordings were joined or a sender began anew (MPEG-TS,
    program streams)."""
    return bool(int(container.format.flags) & _TS_DISCONT)


def indexed_packets(stream: Any) -> int:
    """Packets that the container's index promises, 0 if that is not known. Empty samples are none: FFmpeg
    passes over them."""
    entries = getattr(stream, "index_entries", None)
    return 0 if entries is None else sum(1 for entry in entries if entry.size)


def is_encrypted(packet: Any) -> bool:
    """FFmpeg has found how this packet is encrypted. (PyAV before 14 does not tell.)"""
    return bool(hasattr(packet, "has_sidedata") and packet.has_sidedata("encryption_info"))


def add_stream_like(output: Any, template: Any) -> Any:
    """A stream of an output container for packets encoded like those of an input's stream."""
    if not hasattr(output, "add_stream_from_template"):  # PyAV before 14
        return output.add_stream(template=template)
    return output.add_stream_from_template(template, opaque=True)


def mp4_header(av: Any, template: Any) -> bytes:
    """The header of an MP4 file with a stream like an input's: FFmpeg writes into it what it knows of the
    stream. Empty where it cannot be written, or PyAV (before 14.1) does not hand on what it knows of
    presentation."""
    file = io.BytesIO()
    try:
        with av.open(file, "w", format="mp4", options={"movflags": "empty_moov"}) as output:
            output.add_stream_from_template(template, opaque=True)
            output.start_encoding()
    except (av.error.FFmpegError, AttributeError, ValueError):
        return b""
    return file.getvalue()


def turning_matrix(stream: Any) -> Optional[Tuple[int, ...]]:
    """The display matrix of an input's stream as far as PyAV before 13 tells it."""
    told = getattr(stream, "side_data", None) or {}
    return _matrix_of_angle(told.get("DISPLAYMATRIX", 0))


def display_matrix(frame: Any) -> Optional[Tuple[int, ...]]:
    """Of a decoded frame; None if it has none."""
    try:
        data = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # there is other side data, of a kind that is newer than this PyAV
        return _matrix_of_angle(getattr(frame, "rotation", 0))
    return None if data is None else struct.unpack("=9i", bytes(data))


def _matrix_of_angle(anticlockwise_deg: float) -> Optional[Tuple[int, ...]]:
    """None for 0. Nobody tells of mirroring here."""
    if not anticlockwise_deg:
        return None
    angle = math.radians(anticlockwise_deg)
    sine, cosine = (round(value * (1 << 16)) for value in (math.sin(angle), math.cos(angle)))
    return cosine, -sine, 0, sine, cosine, 0, 0, 0, 1 << 30


def encoded_packet(av: Any, data: bytes, is_key: bool, duration: int, format: str) -> Any:
    """A packet to be written. format: FFmpeg's name for raw streams of this codec.

    PyAV 10 lets nobody say the last things; there only a demuxer marks a key packet."""
    packet = av.Packet(data)
    try:
        packet.is_keyframe = is_key
        packet.duration = duration
    except AttributeError:
        if is_key:
            with opened(av, io.BytesIO(data), format=format) as container:
                return next(demuxed(av, container, container.streams.video[0]))
    return packet


def is_cover_art(stream: Any) -> bool:
    """A still image that accompanies audio, or thumbnails, are no video."""
    return bool(_disposition(stream) & _STILLS)


def is_default(stream: Any) -> bool:
    return bool(_disposition(stream) & _DEFAULT)


def is_tile(stream: Any) -> bool:
    """A part of a still image, which FFmpeg shows as a stream."""
    return bool(_disposition(stream) & _DEPENDENT)


def _disposition(stream: Any) -> int:
    """PyAV before 13 does not tell."""
    disposition = getattr(stream, "disposition", 0)
    return int(getattr(disposition, "value", disposition))


def best_video(container: Any) -> Any:
    """FFmpeg's choice; None if it has none (or PyAV is older than 12.1, which does not ask it)."""
    best = getattr(container.streams, "best", None)
    return None if best is None else best("video")


class Converter:
    """Frames of one stream in another format, `options` as in PyAV's reformat(). Where FFmpeg has no
    conversion for the matrix of a frame, it takes that of the nearest matrix, and says so once. In one
    thread: starting more takes longer than the conversion."""

    def __init__(self, name: str, is_silent: bool = False, **options: Any) -> None:
        from av.video.reformatter import VideoReformatter

        self._name = name
        self._reformat = VideoReformatter().reformat
        self._options: Dict[str, Any] = dict(options, threads=1)
        self._is_silent = is_silent

    def __call__(self, frame: Any, **options: Any) -> Any:
        """CorruptStream if FFmpeg cannot convert this frame at all."""
        try:
            return self._converted(frame, dict(self._of_own_matrix(frame), **options))
        except (OSError, ValueError) as error:
            failure = reason(error)
        for matrix in _near(frame):
            try:
                converted = self._converted(frame, dict(self._of_matrix(frame, matrix), **options))
            except (OSError, ValueError):
                continue
            self._warn(frame, matrix)
            return converted
        raise CorruptStream(
            f"{self._name}: FFmpeg cannot convert its pictures ({frame.format.name}): {failure}"
        )

    def _of_own_matrix(self, frame: Any) -> Dict[str, Any]:
        return {}

    def _of_matrix(self, frame: Any, matrix: int) -> Dict[str, Any]:
        """As if the frame had this one."""
        known = _MATRICES.get(matrix, matrix)
        return {"src_colorspace": known, "dst_colorspace": known}

    def _converted(self, frame: Any, options: Dict[str, Any]) -> Any:
        try:
            return self._reformat(frame, **dict(options, **self._options))
        except TypeError:
            if "threads" not in self._options:
                raise
            del self._options["threads"]  # before PyAV 17
            return self._converted(frame, options)

    def _warn(self, frame: Any, used: int) -> None:
        if not self._is_silent:
            logger.warning(
                "%s: FFmpeg has no conversion for its colours (matrix_coefficients %d); those of %s are "
                "taken, which look a little different",
                *(self._name, int(frame.colorspace), _NAMES[used]),
            )
        self._is_silent = True


class RgbConverter(Converter):
    """Decoded frames to RGB, by each frame's own matrix and range (PyAV 10 does not tell the matrix: BT.601
    then)."""

    def __init__(self, name: str, is_silent: bool = False) -> None:
        super().__init__(name, is_silent, format="rgb24")

    def rgb(self, frame: Any) -> np.ndarray:
        """uint8 (H, W, 3)."""
        return self(frame).to_ndarray()

    def _of_own_matrix(self, frame: Any) -> Dict[str, Any]:
        matrix = getattr(frame, "colorspace", 0)
        return self._of_matrix(frame, matrix) if matrix in _MATRICES else {}

    def _of_matrix(self, frame: Any, matrix: int) -> Dict[str, Any]:
        return {
            "src_colorspace": _MATRICES.get(matrix, matrix),
            "dst_colorspace": "ITU601",  # of no meaning for RGB; older versions heed nothing if it is equal
            "src_color_range": frame.color_range,
            "dst_color_range": 2,
        }


def _near(frame: Any) -> List[int]:
    """Matrices that FFmpeg knows, the nearest to an unknown one first."""
    matrix, primaries = getattr(frame, "colorspace", 0), getattr(frame, "color_primaries", 0)
    is_wide = matrix in _OF_BT2020 or (matrix in _OF_PRIMARIES and primaries == _BT2020)
    return [_BT2020, _BT709] if is_wide else [_BT709]


def reason(error: Exception) -> str:
    """The reason of a PyAV error without error number and file name."""
    return str(getattr(error, "strerror", None) or error)
