"""CompressedVideo: the public face of the bitstream package."""

import itertools
import os
from fractions import Fraction
from typing import Any, Dict, Iterator, List, Optional, Tuple

import numpy as np

from edge_attp.bitstream import binding
from edge_attp.bitstream.key_pictures import KeyDecoder
from edge_attp.bitstream.nal import ParameterSets, join
from edge_attp.bitstream.orientation import UPRIGHT, Matrix, Orientation, Told, told_by
from edge_attp.bitstream.packets import STDIN, Input, OpenOptions, open_source, position, rewind
from edge_attp.bitstream.picture import Picture
from edge_attp.bitstream.process import ProcessBound
from edge_attp.bitstream.profiles import chroma_format_name, level_name, profile_name
from edge_attp.bitstream.pyav import RgbConverter
from edge_attp.bitstream.reading import Reading, ReadingOptions
from edge_attp.bitstream.source import Source
from edge_attp.errors import CorruptStream
from edge_attp.log import logger
from edge_attp.types import EncodedPacket, StreamInfo, StreamStats

# So far into a source a sequence parameter set must have come.
_PROBE_BYTES = 32 << 20


class CompressedVideo(ProcessBound):
    """Motion vectors and residuals of an H.264 or HEVC video, picture by picture, in decoding order.

    `source`: a path, a URL (through FFmpeg), or a binary file object, which stays the caller's to close.
    `residual`: False saves the time to parse residuals. `threads`: the output is the same for any number.
    `transcode`: True accepts other codecs and encodes them to H.264 on the fly. `format`, `options`: for
    FFmpeg, as in `av.open`; "h264" or "hevc" as format forces the reader of raw streams. `anchor`: every
    how many pictures one is an anchor, see `decode_anchor()`. `oriented`: True turns pictures as players do,
    and so `width`, `height` and all that pictures and the decode methods give; False leaves them as they
    are coded. `track`: which video track of a container, counted from 0 as FFmpeg counts them ("v:0");
    None: the one that FFmpeg calls the best.

    Opening raises SourceError (missing, empty, unreadable, no video), UnsupportedStream (another codec,
    or a refused coding tool that shows at once) or CorruptStream (no sequence parameter set anywhere).
    While iterating, damage raises nothing: pictures are marked. What cannot be read on (refused tool,
    file cut short, connection lost) raises after all pictures before it. HEVC pictures that cannot be
    decoded from where reading began (RASL) are not given out; `stats.skipped` counts them.

    Each `iter()` begins with the first picture: a second one opens the source again (a network address
    connects again) and ends the first. A pipe can be read once only. Not thread-safe; pictures may be
    used in any thread.

    It belongs to its process: a child made by fork gets EdgeAttpError where it reads on, and opens its own.
    Pickled, closed or not, it is opened anew where it is unpickled; TypeError where its source is a file
    object that cannot be pickled.

    Attributes: `codec` of the source ("h264", "hevc"; others are transcoded), `width`, `height` in luma
    samples after cropping, `bit_depth`, `frame_rate` (Fraction, None if unknown), `time_base` (Fraction;
    None for raw streams, whose pictures have no pts), `track` (its number). `rotation_deg` (0, 90, 180 or
    270), `is_mirrored`: to be upright, the coded picture is mirrored, left to right, and then turned
    clockwise by so much, as its display orientation SEI message says, or else `display_matrix`, the
    container's: nine integers a, b, u, c, d, v, x, y, w as FFmpeg gives them, or None. Other angles are
    rounded, with a warning. (FFmpeg's av_display_rotation_get() and PyAV's `frame.rotation` count
    anticlockwise.) All of these describe the beginning of the stream; where it is to be turned otherwise
    later, a warning says so.
    `jump_s`: a picture that comes more than this after it was due bears the time of another clock;
    infinite where the container has one clock only.
    """

    def __init__(
        self,
        source: Input,
        residual: bool = True,
        threads: int = 1,
        transcode: bool = False,
        format: Optional[str] = None,
        options: Optional[Dict[str, str]] = None,
        anchor: Optional[int] = None,
        oriented: bool = False,
        track: Optional[int] = None,
    ) -> None:
        if threads < 1:
            raise ValueError(f"threads is {threads}, must be 1 or more")
        if anchor is not None and anchor < 1:
            raise ValueError(f"anchor is {anchor}, must be 1 or more")
        super().__init__()
        self._input = source
        self._arguments = dict(
            residual=residual,
            threads=threads,
            transcode=transcode,
            format=format,
            options=options,
            anchor=anchor,
            oriented=oriented,
            track=track,
        )
        self._open_options = OpenOptions(transcode, format, options, track)
        self._begin = position(source)
        self._reading: Optional[Reading] = None
        self._keys: Optional[KeyDecoder] = None
        self._is_closed = False
        self._source = open_source(source, self._open_options)
        self._converter: Optional[RgbConverter] = None
        self._unread: Optional[Iterator[EncodedPacket]] = None
        try:
            self._native_info, told, self._unread = _probe(self._source)
        except Exception:
            self._source.close()
            raise
        self.codec = self._source.codec
        self.display_matrix: Optional[Matrix] = self._source.display_matrix
        orientation = _orientation(self._source, told)
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
        return self._start(self._reading_options).pictures()

    def sample(
        self,
        per_gop: int = 1,
        seed: Optional[int] = None,
        keys: bool = False,
        span: Optional[int] = None,
    ) -> Iterator[Picture]:
        """`per_gop` P or B pictures of every group of pictures, drawn at random (equal `seed`, equal draw),
        in decoding order; given out when their group ends.

        A group begins at a random-access picture; pictures before the first one are a group, too. So
        pictures shown before it but coded after it (open GOPs, RASL and RADL in HEVC) are of its group,
        though they refer to the group before as well: references need not be parsed to be used. Only
        the pictures drawn, and the co-located pictures they need, are parsed; of all others no more than
        the header is read. `keys`: also gives the random-access picture of each group, before the
        pictures drawn from it; it is parsed only if its motion or residual is asked for. `span`: of a
        longer group, `per_gop` pictures are drawn of each so many P and B pictures. `integrity` cannot
        tell here of damage inside references that were not parsed.
        """
        reading = self._start(
            self._reading_options._replace(threads=1, on_demand=True, anchor=None)
        )
        return reading.sample(per_gop, seed, keys, span)

    def _start(self, options: ReadingOptions) -> Reading:
        self.check_process(self._source.name)
        if self._is_closed:
            raise ValueError(f"{self._source.name}: the video is closed")
        if self._unread is None:
            self._reopen()
        packets, self._unread = self._unread, None
        assert packets is not None
        if self._reading is not None:
            self._reading.close()
        self._reading = Reading(self._source, packets, options, self._rgb)
        return self._reading

    def _reopen(self) -> None:
        rewind(self._input, self._begin, self._source.name)
        self._source.close()
        self._source = open_source(self._input, self._open_options)
        self._unread = self._source.packets()

    def decode_key(self, picture: Picture) -> np.ndarray:
        """RGB uint8 (H, W, 3) of a random-access picture, a new array, decoded by FFmpeg.

        It works at any time, as the picture carries its own bytes. ValueError for other pictures,
        CorruptStream if FFmpeg gets no picture out of the bytes, EdgeAttpError without PyAV.
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
            self._keys = KeyDecoder(self._source.name, self._source.syntax, self._rgb)
        return self._checked(self._keys.decode(picture.key_bytes), picture)

    def decode_anchor(self, picture: Picture) -> np.ndarray:
        """RGB uint8 (H, W, 3) of an anchor, a new array, for streams that have too few key pictures.

        With `anchor=N`, anchors (`picture.is_anchor`) are the random-access pictures, the first
        reference picture, and each first reference picture N or more pictures after the last anchor (in
        HEVC no RASL picture). An anchor that is no random-access picture costs decoding all reference
        pictures (HEVC: all pictures) since the last one that was. Call it while `picture` is the newest
        picture of the iteration; it may read some packets ahead. ValueError for other pictures,
        CorruptStream if FFmpeg does not get the picture out.
        """
        if picture.is_random_access:
            return self.decode_key(picture)
        if self._reading is None:
            raise ValueError("decode_anchor() needs a picture of the current iteration")
        self.check_process(self._source.name)
        return self._checked(self._reading.decode_anchor(picture), picture)

    def _checked(self, rgb: np.ndarray, picture: Picture) -> np.ndarray:
        size = rgb.shape[:2] if self._turning is None else self._turning.size(*rgb.shape[:2])
        if size != picture.shape:
            raise CorruptStream(
                f"{self._source.name}: picture {picture.decode_index}: FFmpeg decodes "
                f"{size} rows and columns, the stream says {picture.shape}"
            )
        return rgb if self._turning is None else self._turning.rgb(rgb)

    def _rgb(self, frame: Any) -> np.ndarray:
        if self._converter is None:
            self._converter = RgbConverter(self._source.name)
        return self._converter.rgb(frame)

    def info(self) -> StreamInfo:
        """What is known of the stream now; `tools` and `poc_step` become complete while it is read."""
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
        """Counts of the current iteration, or of the last one."""
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
        if self._is_closed or self.is_elsewhere:
            return
        self._is_closed = True
        if self._reading is not None:
            self._reading.close()
        self._unread = None
        self._source.close()

    def __enter__(self) -> "CompressedVideo":
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()

    def __reduce__(self) -> Tuple[Any, ...]:
        source, name = self._input, self._source.name
        if isinstance(source, (str, os.PathLike)):
            source = os.fspath(source)
        else:
            self.check_process(name)  # a copy would move the file of the parent
        try:
            if source == STDIN:
                raise TypeError("standard input cannot be pickled")
            source.__reduce_ex__(4)
        except Exception as error:  # of any library
            raise TypeError(
                f"{name}: this video cannot be pickled, because its source cannot ({error}); open it by its path"
            ) from None
        return _opened_again, (source, self._begin, self._arguments)

    def __repr__(self) -> str:
        return f"<CompressedVideo {self._source.name!r} {self.codec} {self.width}x{self.height}>"


def _opened_again(
    source: Input, begin: Optional[int], arguments: Dict[str, Any]
) -> CompressedVideo:
    """A pickled video. begin: where its file object stood when it was opened first."""
    if begin is not None:
        rewind(source, begin, "")
    return CompressedVideo(source, **arguments)


def _orientation(source: Source, told: Told) -> Orientation:
    told = told_by(told, source.display_matrix)
    if not told.is_near:
        logger.warning(
            "%s: its picture is to be turned clockwise by %.1f degrees; the nearest multiple of 90 is used: %d",
            source.name,
            told.clockwise_deg,
            told.orientation.rotation_deg,
        )
    return told.orientation


def _probe(source: Source) -> Tuple[binding.NativeStreamInfo, Told, Iterator[EncodedPacket]]:
    """Reads until the size is known. Returns what the core knows then, how the picture is to be turned, and
    all packets from the first.

    UnsupportedStream if the core refuses the stream before it gives out a picture.
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
            seen.watch(packet.data)
        return info, seen.display_orientation, itertools.chain(head, packets)
    finally:
        decoder.close()


def _discard_picture(decoder: binding.Decoder) -> None:
    """Raises what the core has to say if it has no picture."""
    address = decoder.receive_picture()
    if address is not None:
        binding.release_picture(address)
