"""The adapter to PyAV: its loading, its objects as types, and what differs between its versions (10 to 19)."""

import io
import math
import struct
from fractions import Fraction
from types import ModuleType
from typing import (
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Tuple,
    Union,
)

import numpy as np

from edge_attp import lazy
from edge_attp.bitstream.files import PipeReader
from edge_attp.protocols import Protocol

_TS_DISCONT = 0x200  # FFmpeg's AVFMT_TS_DISCONT
# FFmpeg's AV_DISPOSITION_...
_DEFAULT = 0x1
_STILLS = 0x400 | 0x800  # ATTACHED_PIC, TIMED_THUMBNAILS
_DEPENDENT = 0x80000

MAX_FAILURES = 32  # of the demuxer in a row

# PyAV's objects, as far as every version has these members ---------------------------------


class Packet(Protocol):
    pts: Optional[int]
    dts: Optional[int]
    duration: int
    size: int
    time_base: Optional[Fraction]
    is_keyframe: bool
    is_corrupt: bool
    stream: "Stream"

    def __bytes__(self) -> bytes: ...
    def get_sidedata(self, kind: str) -> bytes: ...  # since PyAV 14


class PixelFormat(Protocol):
    name: str


class Frame(Protocol):
    """A decoded picture."""

    pts: Optional[int]
    width: int
    height: int
    format: PixelFormat
    color_range: int
    pict_type: int
    side_data: Mapping[str, bytes]

    def to_ndarray(self) -> np.ndarray: ...


class CodecContext(Protocol):
    """A decoder or an encoder."""

    name: str
    codec: object
    extradata: Optional[bytes]
    bit_rate: Optional[int]
    width: int
    height: int
    pix_fmt: str
    framerate: Fraction
    time_base: Fraction
    options: Dict[str, str]
    thread_type: str
    thread_count: int
    skip_frame: str
    codec_tag: str

    def open(self) -> None: ...
    def decode(self, packet: Optional[Packet]) -> List[Frame]: ...
    def encode(self, frame: Optional[Frame]) -> List[Packet]: ...


class Stream(Protocol):
    index: int
    id: int
    type: str
    frames: int
    metadata: Dict[str, str]
    time_base: Optional[Fraction]
    average_rate: Optional[Fraction]
    guessed_rate: Optional[Fraction]
    codec_context: Optional[CodecContext]


class Streams(Protocol):
    video: Sequence[Stream]

    def __iter__(self) -> Iterator[Stream]: ...


class ContainerFormat(Protocol):
    name: str
    flags: int


class InputContainer(Protocol):
    format: ContainerFormat
    streams: Streams
    duration: Optional[int]

    def demux(self, *streams: Stream) -> Iterable[Packet]: ...
    def close(self) -> None: ...
    def __enter__(self) -> "InputContainer": ...
    def __exit__(self, *exception: object) -> None: ...


class OutputContainer(Protocol):
    def add_stream(self, *, template: Stream) -> Stream: ...
    def add_stream_from_template(self, template: Stream, *, opaque: bool) -> Stream: ...


# What the versions do differently ------------------------------------------------------------


def import_av(purpose: str) -> ModuleType:
    """The `av` module. MissingTool, an EdgeAttpError, if it is missing: "`purpose` needs PyAV, ..."."""
    av = lazy.load(purpose, "av", "av.error", "av.logging")
    if av.logging.get_level() == av.logging.VERBOSE:
        # The default before PyAV 12: FFmpeg's own messages on stderr. We report what matters.
        av.logging.set_level(av.logging.PANIC)
    return av


def open_input(
    av: ModuleType, target: Union[str, io.BytesIO, PipeReader], **options: object
) -> InputContainer:
    """An input container. Metadata in an unknown encoding is no reason to refuse a video, which PyAV before 19
    must be told."""
    container: InputContainer
    try:
        container = av.open(target, metadata_errors="replace", **options)
    except TypeError:
        container = av.open(target, **options)
    return container


def codec_name(context: CodecContext) -> str:
    """FFmpeg's name of the codec, not of the decoder chosen for it."""
    return str(getattr(context.codec, "canonical_name", context.name))


def demux_packets(av: ModuleType, container: InputContainer, *streams: Stream) -> Iterator[Packet]:
    """The packets of these streams, by default of all.

    Bytes that the demuxer cannot read are skipped, because in most containers it finds its way again after
    them. InvalidDataError after many such failures in a row.
    """
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
            if failures > MAX_FAILURES:
                raise
        except IndexError:
            return  # PyAV 18 fails like this at the end of files in which streams appear late


def reset_decoder(decoder: CodecContext, open_decoder: Callable[[], CodecContext]) -> CodecContext:
    """The decoder without memory of earlier packets; a new one if PyAV is too old to flush it."""
    flush = getattr(decoder, "flush_buffers", None)
    if flush is None:  # PyAV 10
        return open_decoder()
    flush()
    return decoder


def new_extradata(packet: Packet) -> Optional[bytes]:
    """The codec configuration that begins with this packet. None if there is none, or if PyAV is older than 14
    and does not report it."""
    has_any = _has_side_data(packet, "new_extradata")
    return bytes(packet.get_sidedata("new_extradata")) if has_any else None


def is_encrypted(packet: Packet) -> bool:
    """Whether FFmpeg knows how this packet is encrypted. False in PyAV before 14, which does not report it."""
    return _has_side_data(packet, "encryption_info")


def _has_side_data(packet: Packet, kind: str) -> bool:
    has = getattr(packet, "has_sidedata", None)
    return has is not None and bool(has(kind))


def is_shown(packet: Packet) -> bool:
    """False for a packet that an edit list hides, though others may refer to it. True in PyAV before 11, which
    does not report it."""
    return not getattr(packet, "is_discard", False)


def may_change_clock(container: InputContainer) -> bool:
    """Whether times of this format may jump where recordings were joined or a sender restarted (MPEG-TS,
    program streams)."""
    return bool(int(container.format.flags) & _TS_DISCONT)


def count_indexed_packets(stream: Stream) -> int:
    """Packets that the container's index promises, 0 if unknown. Empty samples do not count: FFmpeg skips
    them."""
    entries = getattr(stream, "index_entries", None)
    return 0 if entries is None else sum(1 for entry in entries if entry.size)


def add_stream_like(output: OutputContainer, template: Stream) -> Stream:
    """A stream of an output container for packets encoded like those of an input stream."""
    if not hasattr(output, "add_stream_from_template"):  # PyAV before 14
        return output.add_stream(template=template)
    return output.add_stream_from_template(template, opaque=True)


def write_mp4_header(av: ModuleType, template: Stream) -> bytes:
    """The header of an MP4 file with a stream like an input's, to which FFmpeg writes what it knows of that
    stream. Empty if it cannot be written, or if PyAV (before 14.1) does not pass on what FFmpeg knows of
    presentation."""
    file = io.BytesIO()
    try:
        with av.open(file, "w", format="mp4", options={"movflags": "empty_moov"}) as output:
            output.add_stream_from_template(template, opaque=True)
            output.start_encoding()
    except (av.error.FFmpegError, AttributeError, ValueError):
        return b""
    return file.getvalue()


def stream_matrix(stream: Stream) -> Optional[Tuple[int, ...]]:
    """The display matrix of an input stream, as far as PyAV before 13 reports it."""
    side_data = getattr(stream, "side_data", None) or {}
    return _matrix_of_angle(side_data.get("DISPLAYMATRIX", 0))


def frame_matrix(frame: Frame) -> Optional[Tuple[int, ...]]:
    """The display matrix of a decoded frame, None if it has none."""
    try:
        data = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # the frame also has side data of a kind that is newer than this PyAV
        return _matrix_of_angle(getattr(frame, "rotation", 0))
    return None if data is None else struct.unpack("=9i", bytes(data))


def _matrix_of_angle(anticlockwise_deg: float) -> Optional[Tuple[int, ...]]:
    """None for 0. An angle cannot express mirroring."""
    if not anticlockwise_deg:
        return None
    angle = math.radians(anticlockwise_deg)
    sine, cosine = (round(value * (1 << 16)) for value in (math.sin(angle), math.cos(angle)))
    return cosine, -sine, 0, sine, cosine, 0, 0, 0, 1 << 30


def make_packet(
    av: ModuleType, data: bytes, *, is_key: bool, duration: int, raw_format: str
) -> Packet:
    """A packet to be written. `raw_format` is FFmpeg's name for raw streams of this codec.

    In PyAV 10, only a demuxer can mark a key packet, and the duration cannot be set.
    """
    packet: Packet = av.Packet(data)
    try:
        packet.is_keyframe = is_key
        packet.duration = duration
    except AttributeError:
        if is_key:
            with open_input(av, io.BytesIO(data), format=raw_format) as container:
                return next(demux_packets(av, container, container.streams.video[0]))
    return packet


def is_cover_art(stream: Stream) -> bool:
    """Whether the stream is a still image that accompanies audio, or thumbnails."""
    return bool(_disposition(stream) & _STILLS)


def is_default(stream: Stream) -> bool:
    return bool(_disposition(stream) & _DEFAULT)


def is_tile(stream: Stream) -> bool:
    """Whether the stream is a part of a still image."""
    return bool(_disposition(stream) & _DEPENDENT)


def _disposition(stream: Stream) -> int:
    """0 in PyAV before 13, which does not report it."""
    disposition = getattr(stream, "disposition", 0)
    return int(getattr(disposition, "value", disposition))


def find_best_video(container: InputContainer) -> Optional[Stream]:
    """FFmpeg's choice. None if it makes none, or if PyAV is older than 12.1 and does not ask it."""
    find_best: Optional[Callable[[str], Optional[Stream]]]
    find_best = getattr(container.streams, "best", None)
    return None if find_best is None else find_best("video")


def frame_reformatter() -> Callable[..., Frame]:
    """PyAV's conversion of frames, which keeps its state from frame to frame."""
    module = lazy.load("converting colours", "av.video.reformatter")
    reformat: Callable[..., Frame] = module.VideoReformatter().reformat
    return reformat


def describe_error(error: Exception) -> str:
    """The reason of a PyAV error, without error number and file name."""
    return str(getattr(error, "strerror", None) or error)
