"""The video stream of a container (MP4, Matroska, MPEG-TS, RTSP, a webcam ...), through PyAV.

The one place that opens a container.
"""

import itertools
import os
import re
import time
from io import BytesIO
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from edge_attp.bitstream import encryption, nal, pyav, tracks
from edge_attp.bitstream.display_matrix import read_file_matrix, read_matrix
from edge_attp.bitstream.files import is_pipe, looked_into
from edge_attp.bitstream.orientation import Matrix
from edge_attp.bitstream.records import likely_length_size, parse_configuration
from edge_attp.bitstream.source import Source
from edge_attp.bitstream.syntax import SYNTAXES
from edge_attp.errors import EdgeAttpError, SourceError, UnsupportedStream
from edge_attp.types import EncodedPacket

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")

_NETWORK_TIMEOUT_S = 20.0
# Recordings of cameras may pause, but not so long within one clock; FFmpeg's own tools draw the line there, too.
_JUMP_S = 10.0
# FFmpeg decodes pictures only to look at a stream: not needed here, and most of the time of opening.
_OPTIONS = {"skip_frame": "all"}
# Containers that keep parameter sets in a record and NAL units behind lengths.
_WITH_RECORD = ("mp4", "matroska", "flv")
_LOOKED_AT = 8  # packets


class ContainerSource(Source):
    """One video track of a container: `track`, counted from 0, or the one that tracks.py chooses."""

    def __init__(
        self,
        target: Any,
        name: str,
        format: Optional[str],
        options: Optional[Dict[str, str]],
        track: Optional[int] = None,
        timeouts_s: Optional[Tuple[float, float]] = None,
    ) -> None:
        """timeouts_s: of opening and of each read; None: the usual ones of an address."""
        super().__init__()
        self.name = name
        self._target = target
        self._wanted = track
        self._unread: Optional[Iterator[Any]] = None  # packets that begin with those looked at
        self._av = pyav.import_av(f"{name}: is no raw H.264 or HEVC stream but in a container")
        if timeouts_s is None and isinstance(target, str) and URL.match(target):
            timeouts_s = (_NETWORK_TIMEOUT_S, _NETWORK_TIMEOUT_S)
        began_s = time.monotonic()
        try:
            self._opened = pyav.opened(
                self._av,
                target,
                format=format,
                options=dict(_OPTIONS, **(options or {})),
                timeout=timeouts_s,
            )
        except (self._av.error.FFmpegError, ValueError, OSError) as error:
            waited_s, limit_s = time.monotonic() - began_s, (timeouts_s or (float("inf"),))[0]
            raise self._open_error(error, waited_s, limit_s) from None
        try:
            self._read_header()
            self.display_matrix = self._display_matrix(target)
        except BaseException:
            self._opened.close()
            raise

    def _open_error(self, error: Exception, waited_s: float, limit_s: float) -> EdgeAttpError:
        if isinstance(error, EdgeAttpError):  # of a file object
            return error
        if isinstance(error, self._av.error.ProtocolNotFoundError):
            return UnsupportedStream(
                f"{self.name}: the FFmpeg inside this PyAV does not know this protocol"
            )
        if waited_s >= limit_s:
            return SourceError(f"{self.name}: no answer within {limit_s:.0f} s")
        if isinstance(error, (self._av.error.InvalidDataError, self._av.error.EOFError)):
            what = "is no media file that FFmpeg knows, or is cut short before its index"
            if limit_s < float("inf"):
                what = "breaks off before it is known what it sends"
            return SourceError(f"{self.name}: {what}")
        return SourceError(f"{self.name}: {pyav.reason(error)}")

    def _read_header(self) -> None:
        self.container = self._opened.format.name
        if self.container == "tty":  # FFmpeg draws text files as video
            raise SourceError(f"{self.name}: is text, not a video")
        self.track = tracks.chosen(self._opened, self._wanted, self.name)
        self.tracks = tuple(tracks.tracks(self._opened))
        self.stream = self._opened.streams.video[self.track]
        self._refuse_encrypted()
        context = self.stream.codec_context
        self.codec = self.tracks[self.track].codec
        self.frame_rate = self.stream.average_rate or self.stream.guessed_rate or None
        self.time_base = self.stream.time_base
        if pyav.may_change_clock(self._opened):
            self.jump_s = _JUMP_S
        syntaxes = [syntax for syntax in SYNTAXES if syntax.name == self.codec]
        self.is_parsed = bool(syntaxes)
        if syntaxes:
            self.syntax = syntaxes[0]
            self._read_record(context.extradata or b"")

    def _refuse_encrypted(self) -> None:
        is_named = "enc_key_id" in self.stream.metadata  # by a Matroska file
        told = self.container, self.track, self.stream.id
        if is_named or self._tells(encryption.is_encrypted, *told):
            raise self._encrypted()

    def _tells(self, look: Callable[..., bool], *facts: Any) -> bool:
        """What a look into the file finds; False where there is none to look into."""
        with looked_into(self._target) as file:
            try:
                return file is not None and look(file, *facts)
            except OSError:
                return False

    def _encrypted(self, since: str = "") -> EdgeAttpError:
        return UnsupportedStream(
            f"{self.name}: its video is encrypted{since}; it can be read once it is decrypted"
        )

    def _read_record(self, record: bytes) -> None:
        """Parameter sets, and the length of NAL unit lengths; that of the packets if the record is broken."""
        if not record and not any(kind in self.container for kind in _WITH_RECORD):
            return
        found = parse_configuration(record, self.syntax)
        self.parameter_sets, self.fault = found.parameter_sets, found.fault
        self.nal_length_bytes = found.nal_length_bytes
        if found.fault:
            samples = [bytes(packet) for packet in self._first_packets()]
            self.nal_length_bytes = likely_length_size(samples, self.syntax, found.nal_length_bytes)

    def _first_packets(self) -> List[Any]:
        packets = self._demuxed()
        first: List[Any] = []
        try:
            first += itertools.islice(packets, _LOOKED_AT)
        except (self._av.error.FFmpegError, OSError) as error:
            raise self._read_error(error, len(first)) from None
        self._unread = itertools.chain(first, packets)
        return first

    def _display_matrix(self, target: Any) -> Optional[Matrix]:
        header = pyav.mp4_header(self._av, self.stream)
        if header:
            return read_matrix(BytesIO(header))
        is_path = isinstance(target, str) and os.path.isfile(target)
        if "mp4" in self.container and (is_path or hasattr(target, "seek")):
            return read_file_matrix(target, self.stream.id)
        return pyav.turning_matrix(self.stream)

    def packets(self) -> Iterator[EncodedPacket]:
        count = 0
        is_cut = False
        try:
            for packet in self._clear_packets():
                count += 1
                is_cut = packet.is_corrupt
                yield EncodedPacket(
                    self._bytes(packet),
                    packet.pts,
                    packet.dts,
                    packet.is_keyframe,
                    pyav.is_shown(packet),
                )
        except (self._av.error.FFmpegError, OSError) as error:
            raise self._read_error(error, count) from None
        self._check_end(count, is_cut)

    def _read_error(self, error: Exception, count: int) -> SourceError:
        if isinstance(error, SourceError):
            return error
        if self._is_pipe_without_way_back(error, count):
            return SourceError(
                f"{self.name}: is a pipe, and the index (moov) of this MP4 is at its end: write it to a file and "
                "read that, or move the index to the front with `ffmpeg -i IN -c copy -movflags "
                "+faststart OUT`"
            )
        return SourceError(
            f"{self.name}: reading failed after {count} packets: {pyav.reason(error)}"
        )

    def _is_pipe_without_way_back(self, error: Exception, count: int) -> bool:
        is_refused = isinstance(error, self._av.error.InvalidDataError)
        is_promised = "mp4" in self.container and count < pyav.indexed_packets(self.stream)
        return is_refused and is_promised and is_pipe(self._target)

    def _check_end(self, count: int, is_cut: bool) -> None:
        """Whether what ends here was to end."""
        # FFmpeg gives out nothing of what is scrambled.
        if self.container == "mpegts" and self._tells(encryption.is_end_scrambled, self.stream.id):
            raise self._encrypted(f" from packet {count} on")
        promised = pyav.indexed_packets(self.stream)
        # Only the index of MP4 and MOV can be trusted to list what is there.
        if "mp4" in self.container and (is_cut or count < promised):
            of_all = f" of {promised}" if promised else ""
            raise SourceError(
                f"{self.name}: the file is cut short: {count}{of_all} packets could be read"
            )

    def _bytes(self, packet: Any) -> bytes:
        """The packet, behind the parameter sets that begin to hold with it, if the container has them
        outside the packet."""
        extradata = pyav.new_extradata(packet) if self.is_parsed else None
        if not extradata:
            return bytes(packet)
        found = parse_configuration(extradata, self.syntax)
        if not found.fault and found.nal_length_bytes != self.nal_length_bytes:
            raise UnsupportedStream(
                f"{self.name}: the length of NAL unit lengths changes from "
                f"{self.nal_length_bytes} to {found.nal_length_bytes} bytes in mid-stream"
            )
        return nal.join(found.parameter_sets, self.nal_length_bytes) + bytes(packet)

    def _clear_packets(self) -> Iterator[Any]:
        """All packets; UnsupportedStream from the first one on that is encrypted."""
        packets = self._demuxed() if self._unread is None else self._unread
        for number, packet in enumerate(packets):
            if pyav.is_encrypted(packet):
                raise self._encrypted(f" from packet {number} on" if number else "")
            yield packet

    def _demuxed(self) -> Iterator[Any]:
        return pyav.demuxed(self._av, self._opened, self.stream)

    def decoded(self) -> Iterator[Any]:
        """Frames, decoded by FFmpeg, in display order; frames that cannot be decoded are left out."""
        for packet in itertools.chain(self._clear_packets(), [None]):  # None: what is held back
            try:
                frames = self.stream.codec_context.decode(packet)
            except self._av.error.InvalidDataError:
                continue
            yield from frames

    def close(self) -> None:
        if not self.is_elsewhere:
            self._opened.close()
