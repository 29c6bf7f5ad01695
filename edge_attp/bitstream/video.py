"""CompressedVideo: the public face of the bitstream package."""

import itertools
import os
from fractions import Fraction
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np

from edge_attp.bitstream import binding
from edge_attp.bitstream.colours import RgbConverter
from edge_attp.bitstream.key_pictures import KeyDecoder
from edge_attp.bitstream.nal import ParameterSets, join
from edge_attp.bitstream.orientation import (
    UPRIGHT,
    Matrix,
    Orientation,
    StatedOrientation,
    effective_orientation,
)
from edge_attp.bitstream.packets import (
    STDIN,
    Input,
    OpenOptions,
    input_position,
    open_source,
    rewind_input,
)
from edge_attp.bitstream.picture import Picture
from edge_attp.bitstream.process import ProcessBound
from edge_attp.bitstream.profiles import chroma_format_name, level_name, profile_name
from edge_attp.bitstream.pyav import Frame
from edge_attp.bitstream.reading import Reading, ReadingOptions
from edge_attp.bitstream.source import Source
from edge_attp.errors import CorruptStream
from edge_attp.log import logger
from edge_attp.types import EncodedPacket, StreamInfo, StreamStats

# A sequence parameter set must come within this much of a source.
_PROBE_BYTES = 32 << 20


class _VideoOptions(NamedTuple):
    """The keyword arguments of CompressedVideo."""

    residual: bool
    threads: int
    transcode: bool
    container_format: Optional[str]
    options: Optional[Dict[str, str]]
    anchor: Optional[int]
    oriented: bool
    track: Optional[int]


class CompressedVideo(ProcessBound):
    """Motion vectors and residuals of an H.264 or HEVC video, picture by picture, in decoding order.

    >>> from itertools import islice
    >>> from edge_attp.bitstream import CompressedVideo
    >>> with CompressedVideo("examples/demo.mp4") as video:
    ...     print(video)
    ...     for picture in islice(video, 4):
    ...         x, y = picture.motion.flow().mean(axis=(1, 2))
    ...         print(f"{picture.kind} {x:+.2f} {y:+.2f} pixels per picture")
    <CompressedVideo 'examples/demo.mp4' h264 340x256, 8 bits, 25 pictures/s>
    I +0.00 +0.00 pixels per picture
    P -1.01 +0.01 pixels per picture
    B -1.02 +0.01 pixels per picture
    B -0.99 +0.01 pixels per picture

    Parameters:

    - `source`: a path, "-" (standard input), a URL (through FFmpeg), or a binary file object, which remains
      the caller's to close.
    - `residual`: False saves the time of parsing residuals.
    - `threads`: number of parser threads; the output is the same for any number.
    - `transcode`: True accepts other codecs and encodes them to H.264 on the fly.
    - `container_format`, `options`: the format and options for FFmpeg, like `format` and `options` of
      `av.open`. "h264" or "hevc" as format forces the reader of raw streams.
    - `anchor`: at least one anchor every so many pictures, see `decode_anchor()`.
    - `oriented`: True turns pictures the way players do, and with them `width`, `height` and everything that
      pictures and the decode methods return. False leaves them as they are coded.
    - `track`: number of the video track of a container, counted from 0 like FFmpeg's "v:0". None takes the
      one that FFmpeg calls the best.

    Attributes:

    - `codec`: that of the source, "h264" or "hevc" (others are transcoded).
    - `width`, `height`: in luma samples, after cropping.
    - `bit_depth`: of luma.
    - `frame_rate`: pictures per second as a Fraction, None if unknown.
    - `time_base`: seconds per tick of `pts` and `dts` as a Fraction; None for raw streams, whose pictures have
      no times.
    - `track`: number of the track that is read.
    - `rotation_deg` (0, 90, 180 or 270), `is_mirrored`: to be upright, the coded picture is mirrored left to
      right, if `is_mirrored`, and then turned clockwise by `rotation_deg`. The display orientation SEI
      message of the stream decides, or else `display_matrix`. Other angles are rounded, with a warning.
      FFmpeg's av_display_rotation_get() and PyAV's `frame.rotation` count anticlockwise. All this describes
      the beginning of the stream; a warning says if it changes later.
    - `display_matrix`: the container's nine integers a, b, u, c, d, v, x, y, w as FFmpeg gives them, or None.
    - `jump_s`: a picture that comes more than this after it was due has the time of another clock; infinite if
      the container has one clock only.

    Opening raises SourceError (missing, empty, unreadable, no video), UnsupportedStream (another codec, or a
    refused coding tool that shows at once) or CorruptStream (no sequence parameter set anywhere). Damage found
    while iterating raises nothing: pictures are marked. Whatever ends the reading (a refused tool, a file
    cut short, a lost connection) is raised after all pictures before it. HEVC pictures that cannot be
    decoded from where reading began (RASL) are left out; `stats.skipped` counts them.

    Each `iter()` begins with the first picture: a second one opens the source again (a network address
    connects again) and ends the first. A pipe can be read only once. Not thread-safe; pictures may be used
    in any thread.

    A video belongs to its process: a child made by fork gets EdgeAttpError if it reads on, and must open its
    own. A pickled video, closed or not, is opened again where it is unpickled; TypeError if its source is
    a file object that cannot be pickled.
    """

    def __init__(
        self,
        source: Input,
        *,
        residual: bool = True,
        threads: int = 1,
        transcode: bool = False,
        container_format: Optional[str] = None,
        options: Optional[Dict[str, str]] = None,
        anchor: Optional[int] = None,
        oriented: bool = False,
        track: Optional[int] = None,
    ) -> None:
        if not 1 <= threads <= binding.MAX_THREADS:
            raise ValueError(f"threads is {threads}, must be 1 to {binding.MAX_THREADS}")
        if anchor is not None and anchor < 1:
            raise ValueError(f"anchor is {anchor}, must be 1 or more")
        super().__init__()
        self._input = source
        self._options = _VideoOptions(
            residual, threads, transcode, container_format, options, anchor, oriented, track
        )
        self._open_options = OpenOptions(transcode, container_format, options, track)
        self._begin = input_position(source)
        self._reading: Optional[Reading] = None
        self._keys: Optional[KeyDecoder] = None
        self._is_closed = False
        self._source = open_source(source, self._open_options)
        self._converter: Optional[RgbConverter] = None
        self._unread: Optional[Iterator[EncodedPacket]] = None
        try:
            self._native_info, stated, self._unread = _probe(self._source)
        except Exception:
            self._source.close()
            raise
        self.codec = self._source.codec
        self.display_matrix: Optional[Matrix] = self._source.display_matrix
        orientation = _initial_orientation(self._source, stated)
        self.rotation_deg, self.is_mirrored = orientation
        self._turning = orientation if oriented and orientation != UPRIGHT else None
        self._reading_options = ReadingOptions(
            residual, threads, False, anchor, orientation, self._turning
        )
        self.width, self.height = self._shown_size()
        self.bit_depth: int = self._native_info.bit_depth_luma
        self.frame_rate = self._source.frame_rate or self._own_rate()
        self.time_base = self._source.time_base
        self.jump_s = self._source.jump_s
        self.track = self._source.track

    def _shown_size(self) -> Tuple[int, int]:
        size = self._native_info.width_px, self._native_info.height_px
        return size if self._turning is None else self._turning.size(*size)

    def __iter__(self) -> Iterator[Picture]:
        return self._begin_reading(self._reading_options).pictures()

    def sample(
        self,
        *,
        per_gop: int = 1,
        seed: Optional[int] = None,
        keys: bool = False,
        span: Optional[int] = None,
    ) -> Iterator[Picture]:
        """Draws `per_gop` P or B pictures of every group of pictures at random, and gives them out in decoding
        order when their group ends. The same `seed` draws the same pictures.

        A group begins at a random-access picture; pictures before the first one form a group too. Pictures
        shown before a random-access picture but coded after it (open GOPs; RASL and RADL in HEVC) therefore
        belong to its group, though they also refer to the group before: references need not be parsed to
        be used. Only the drawn pictures, and the co-located pictures they need, are parsed; of all others,
        only the header is read. With `keys`, the random-access picture of each group comes before the
        pictures drawn from it; it is parsed only if its motion or residual is asked for. With `span`,
        `per_gop` pictures are drawn from every `span` P and B pictures of a longer group. `integrity`
        does not show damage inside references that were not parsed.

        >>> with CompressedVideo("examples/demo.mp4") as video:
        ...     [picture.decode_index for picture in video.sample(per_gop=2, seed=1)]
        [11, 38, 78, 97, 134, 149]
        """
        reading = self._begin_reading(
            self._reading_options._replace(threads=1, on_demand=True, anchor=None)
        )
        return reading.sample(per_gop, seed, keys, span)

    def _begin_reading(self, options: ReadingOptions) -> Reading:
        self.check_process(self._source.name)
        if self._is_closed:
            raise ValueError(f"{self._source.name}: the video is closed")
        packets = self._reopen() if self._unread is None else self._unread
        self._unread = None
        if self._reading is not None:
            self._reading.close()
        self._reading = Reading(self._source, packets, options, self._to_rgb)
        return self._reading

    def _reopen(self) -> Iterator[EncodedPacket]:
        rewind_input(self._input, self._begin, self._source.name)
        self._source.close()
        self._source = open_source(self._input, self._open_options)
        return self._source.packets()

    def decode_key(self, picture: Picture) -> np.ndarray:
        """RGB of a random-access picture, uint8 (H, W, 3), 0 to 255, a new array, decoded by FFmpeg.

        It works at any time, because the picture carries its own bytes. ValueError for other pictures,
        CorruptStream if FFmpeg cannot decode the bytes, EdgeAttpError without PyAV.
        """
        if not picture.is_random_access:
            raise ValueError(
                f"picture {picture.decode_index} ({picture.kind}) is no random-access "
                "picture: it cannot be decoded on its own"
            )
        self.check_process(self._source.name)
        if picture.key_bytes is None:
            raise CorruptStream(
                f"{self._source.name}: picture {picture.decode_index}: its bytes cannot be told from its neighbours'"
            )
        if self._keys is None:
            self._keys = KeyDecoder(self._source.name, self._source.syntax, self._to_rgb)
        return self._checked(self._keys.decode(picture.key_bytes), picture)

    def decode_anchor(self, picture: Picture) -> np.ndarray:
        """RGB of an anchor, uint8 (H, W, 3), 0 to 255, a new array: for streams with too few key pictures.

        With `anchor=N`, anchors (`picture.is_anchor`) are the random-access pictures, the first reference
        picture, and every first reference picture N or more pictures after the last anchor (in HEVC, no
        RASL picture). An anchor that is no random-access picture costs decoding all reference pictures
        (HEVC: all pictures) since the last one that was. Call this while `picture` is the newest picture of
        the iteration; it may read some packets ahead. ValueError for other pictures, CorruptStream if
        FFmpeg cannot decode the picture.
        """
        if picture.is_random_access:
            return self.decode_key(picture)
        if self._reading is None:
            raise ValueError("decode_anchor() needs a picture of the current iteration")
        self.check_process(self._source.name)
        return self._checked(self._reading.decode_anchor(picture), picture)

    def _checked(self, rgb: np.ndarray, picture: Picture) -> np.ndarray:
        rows, columns = rgb.shape[:2]
        size = (rows, columns) if self._turning is None else self._turning.size(rows, columns)
        if size != picture.shape:
            raise CorruptStream(
                f"{self._source.name}: picture {picture.decode_index}: FFmpeg decodes "
                f"{size} rows and columns, the stream says {picture.shape}"
            )
        return rgb if self._turning is None else self._turning.rgb(rgb)

    def _to_rgb(self, frame: Frame) -> np.ndarray:
        if self._converter is None:
            self._converter = RgbConverter(self._source.name)
        return self._converter.to_rgb(frame)

    def info(self) -> StreamInfo:
        """What is known of the stream so far; `tools` and `poc_step` become complete while it is read.

        >>> with CompressedVideo("examples/demo.mp4") as video:
        ...     info = video.info()
        >>> info.profile, info.level, info.chroma_format, info.block_px
        ('High', '1.3', '4:2:0', 16)
        """
        if self._reading is not None:
            self._native_info = self._reading.native_info()
        native, syntax = self._native_info, self._source.syntax
        return StreamInfo(
            container=self._source.container,
            codec=self.codec,
            profile=profile_name(syntax, native.profile_idc, native.constraint_flags),
            profile_idc=native.profile_idc,
            level=level_name(syntax, native.profile_idc, native.constraint_flags, native.level_idc),
            width=self.width,
            height=self.height,
            bit_depth=self.bit_depth,
            chroma_format=chroma_format_name(native.chroma_format_idc),
            block_px=native.ctb_size_px,
            max_num_ref_frames=native.max_num_ref_frames,
            pic_order_cnt_type=native.pic_order_cnt_type,
            poc_step=native.poc_step,
            tools=tuple(bytes(native.tools).decode("ascii", "replace").split()),
            frame_rate=self.frame_rate,
            time_base=self.time_base,
            rotation_deg=self.rotation_deg,
            is_mirrored=self.is_mirrored,
            display_matrix=self.display_matrix,
            track=self._source.track,
            tracks=self._source.tracks,
        )

    @property
    def stats(self) -> StreamStats:
        """Counts of the current iteration, or of the last one.

        >>> with CompressedVideo("examples/demo.mp4", residual=False) as video:
        ...     for picture in video:
        ...         pass
        ...     video.stats.pictures, video.stats.damaged
        (150, 0)
        """
        nothing = StreamStats(0, 0, 0, 0, 0, 0.0, 0)
        return nothing if self._reading is None else self._reading.stats()

    def _own_rate(self) -> Optional[Fraction]:
        """Pictures per second from the stream's own timing information."""
        info, ticks = self._native_info, self._source.syntax.ticks_per_picture
        if not info.num_units_in_tick or not info.time_scale:
            return None
        return Fraction(info.time_scale, ticks * info.num_units_in_tick)

    def close(self) -> None:
        """Closes the source and the parser; pictures and their arrays stay valid."""
        if self._is_closed or self.is_forked_copy:
            return
        self._is_closed = True
        if self._reading is not None:
            self._reading.close()
        self._unread = None
        self._source.close()

    def __enter__(self) -> "CompressedVideo":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __reduce__(
        self,
    ) -> Tuple[Callable[..., "CompressedVideo"], Tuple[Input, Optional[int], _VideoOptions]]:
        source, name = self._input, self._source.name
        if isinstance(source, (str, os.PathLike)):
            source = os.fspath(source)
        else:
            self.check_process(name)  # a copy would move the file of the parent
        try:
            if source == STDIN:
                raise TypeError("standard input cannot be pickled")
            source.__reduce_ex__(4)
        except Exception as error:  # any library may be behind it
            raise TypeError(
                f"{name}: this video cannot be pickled, because its source cannot ({error}); open it by its path"
            ) from None
        return _unpickle, (source, self._begin, self._options)

    def __repr__(self) -> str:
        rate = "" if self.frame_rate is None else f", {float(self.frame_rate):g} pictures/s"
        return (
            f"<CompressedVideo {self._source.name!r} {self.codec} {self.width}x{self.height}, "
            f"{self.bit_depth} bits{rate}{', closed' * self._is_closed}>"
        )


def _unpickle(source: Input, begin: Optional[int], options: _VideoOptions) -> CompressedVideo:
    """Opens a pickled video. `begin`: where its file object stood when it was first opened."""
    if begin is not None:
        rewind_input(source, begin, "")
    return CompressedVideo(source, **options._asdict())


def _initial_orientation(source: Source, stated: StatedOrientation) -> Orientation:
    stated = effective_orientation(stated, source.display_matrix)
    if not stated.is_right_angle:
        logger.warning(
            "%s: its picture is to be turned clockwise by %.1f degrees; the nearest multiple of 90 is used: %d",
            source.name,
            stated.clockwise_deg,
            stated.orientation.rotation_deg,
        )
    return stated.orientation


def _probe(
    source: Source,
) -> Tuple[binding.NativeStreamInfo, StatedOrientation, Iterator[EncodedPacket]]:
    """Reads until the picture size is known. Returns what the core knows then, what the stream says of its
    orientation, and all packets from the first.

    UnsupportedStream if the core refuses the stream before its first picture.
    """
    decoder = binding.Decoder(
        source.name, source.syntax.number, source.nal_length_bytes, residual=False, on_demand=True
    )
    packets = source.packets()
    head: List[EncodedPacket] = []
    try:
        if source.parameter_sets:
            sets = join(source.parameter_sets, source.nal_length_bytes)
            decoder.send_parameter_sets(sets)
        size = 0
        while not head or decoder.stream_info().width_px == 0:
            packet = next(packets, None)
            if packet is None or size > _PROBE_BYTES:
                break
            head.append(packet)
            size += len(packet.data)
            decoder.send_packet(packet.data, None, None, source.complete)
            _discard_picture(decoder)
        decoder.drain()
        _discard_picture(decoder)
        info = decoder.stream_info()
        if info.width_px == 0:
            wanted = f"readable {source.syntax.title} sequence parameter set"
            missing = "has no " + wanted
            if source.fault:
                missing = f"{source.fault}, and none of its packets has a {wanted}"
            raise CorruptStream(f"{source.name}: {missing}")
        seen = ParameterSets(source.syntax, source.nal_length_bytes)
        for packet in head:
            seen.watch_packet(packet.data)
        return info, seen.display_orientation, itertools.chain(head, packets)
    finally:
        decoder.close()


def _discard_picture(decoder: binding.Decoder) -> None:
    """Drops a picture; raises what the core reports if there is none."""
    address = decoder.receive_picture()
    if address is not None:
        binding.release_picture(address)
