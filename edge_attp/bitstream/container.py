"""The video stream of a container (MP4, Matroska, MPEG-TS, RTSP, a webcam ...), through PyAV.

The only place that opens a container.
"""

import itertools
import os
import re
import time
from io import BytesIO
from typing import Callable, Dict, Iterator, List, Optional, Tuple, Union

from edge_attp.bitstream import encryption, nal, pyav, tracks
from edge_attp.bitstream.decoder_configuration import likely_length_size, parse_configuration
from edge_attp.bitstream.files import FileReader, PipeReader, is_pipe, open_for_inspection
from edge_attp.bitstream.mp4 import read_file_matrix, read_matrix
from edge_attp.bitstream.orientation import Matrix
from edge_attp.bitstream.pyav import Frame, Packet
from edge_attp.bitstream.source import Source
from edge_attp.bitstream.syntax import SYNTAXES
from edge_attp.errors import EdgeAttpError, SourceError, UnsupportedStream
from edge_attp.types import EncodedPacket

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")

_NETWORK_TIMEOUT_S = 20.0
# Camera recordings may pause, but not this long within one clock; FFmpeg's own tools draw the same line.
_JUMP_S = 10.0
# To inspect a stream, FFmpeg decodes pictures; we do not need that, and it is most of the time of opening.
_OPTIONS = {"skip_frame": "all"}
# Containers that keep parameter sets in a record, and NAL units behind lengths.
_WITH_RECORD = ("mp4", "matroska", "flv")
_INSPECTED_PACKETS = 8


class ContainerSource(Source):
    """One video track of a container: number `track`, counted from 0, or the one that tracks.py chooses."""

    def __init__(
        self,
        target: Union[str, PipeReader],
        name: str,
        *,
        container_format: Optional[str] = None,
        options: Optional[Dict[str, str]] = None,
        track: Optional[int] = None,
        timeouts_s: Optional[Tuple[float, float]] = None,
    ) -> None:
        """`container_format` and `options` are FFmpeg's. `timeouts_s`: for opening and for each read; by
        default, addresses have the usual ones and files have none."""
        super().__init__()
        self.name = name
        self._target = target
        self._wanted_track = track
        self._unread: Optional[Iterator[Packet]] = None  # begins with packets read for inspection
        self._av = pyav.import_av(
            f"{name}: is not a raw H.264 or HEVC stream; reading its container"
        )
        if timeouts_s is None and isinstance(target, str) and URL.match(target):
            timeouts_s = (_NETWORK_TIMEOUT_S, _NETWORK_TIMEOUT_S)
        began_s = time.monotonic()
        try:
            self._opened = pyav.open_input(
                self._av,
                target,
                format=container_format,
                options=dict(_OPTIONS, **(options or {})),
                timeout=timeouts_s,
            )
        except (self._av.error.FFmpegError, ValueError, OSError) as error:
            waited_s, limit_s = time.monotonic() - began_s, (timeouts_s or (float("inf"),))[0]
            raise self._open_error(error, waited_s, limit_s) from None
        try:
            self._read_header()
            self.display_matrix = self._read_display_matrix()
        except BaseException:
            self._opened.close()
            raise

    def _open_error(self, error: Exception, waited_s: float, limit_s: float) -> EdgeAttpError:
        if isinstance(error, EdgeAttpError):  # from a file object
            return error
        if isinstance(error, self._av.error.ProtocolNotFoundError):
            return UnsupportedStream(
                f"{self.name}: the FFmpeg inside this PyAV does not know this protocol"
            )
        if waited_s >= limit_s:
            return SourceError(f"{self.name}: no answer within {limit_s:.0f} s")
        if isinstance(error, (self._av.error.InvalidDataError, self._av.error.EOFError)):
            what = "is not a media file that FFmpeg recognises, or is cut short before its index"
            if limit_s < float("inf"):
                what = "broke off before its format was known"
            return SourceError(f"{self.name}: {what}")
        return SourceError(f"{self.name}: {pyav.describe_error(error)}")

    def _read_header(self) -> None:
        self.container = self._opened.format.name
        if self.container == "tty":  # FFmpeg draws text files as video
            raise SourceError(f"{self.name}: is text, not a video")
        self.track = tracks.choose_track(self._opened, self._wanted_track, self.name)
        self.tracks = tuple(tracks.list_tracks(self._opened))
        self.stream = self._opened.streams.video[self.track]
        self._refuse_encrypted()
        self.codec = self.tracks[self.track].codec
        self.frame_rate = self.stream.average_rate or self.stream.guessed_rate or None
        self.time_base = self.stream.time_base
        if pyav.may_change_clock(self._opened):
            self.jump_s = _JUMP_S
        syntaxes = [syntax for syntax in SYNTAXES if syntax.name == self.codec]
        self.is_parsed = bool(syntaxes)
        if syntaxes:
            self.syntax = syntaxes[0]
            self._read_record(getattr(self.stream.codec_context, "extradata", None) or b"")

    def _refuse_encrypted(self) -> None:
        container, track, stream_id = self.container, self.track, self.stream.id

        def look(file: FileReader) -> bool:
            return encryption.is_encrypted(file, container, track, stream_id)

        is_named = "enc_key_id" in self.stream.metadata  # by a Matroska file
        if is_named or self._inspect_file(look):
            raise self._encrypted_error()

    def _inspect_file(self, look: Callable[[FileReader], bool]) -> bool:
        """The answer of `look`; False if there is no file to inspect."""
        with open_for_inspection(self._target) as file:
            try:
                return file is not None and look(file)
            except OSError:
                return False

    def _encrypted_error(self, since: str = "") -> EdgeAttpError:
        return UnsupportedStream(f"{self.name}: its video is encrypted{since}; decrypt it first")

    def _read_record(self, record: bytes) -> None:
        """Takes the parameter sets and the size of NAL unit lengths, the latter from the packets if the record
        is broken."""
        if not record and not any(kind in self.container for kind in _WITH_RECORD):
            return
        found = parse_configuration(record, self.syntax)
        self.parameter_sets, self.fault = found.parameter_sets, found.fault
        self.nal_length_bytes = found.nal_length_bytes
        if found.fault:
            samples = [bytes(packet) for packet in self._read_first_packets()]
            self.nal_length_bytes = likely_length_size(samples, self.syntax, found.nal_length_bytes)

    def _read_first_packets(self) -> List[Packet]:
        packets = self._demux()
        first: List[Packet] = []
        try:
            first += itertools.islice(packets, _INSPECTED_PACKETS)
        except (self._av.error.FFmpegError, OSError) as error:
            raise self._read_error(error, len(first)) from None
        self._unread = itertools.chain(first, packets)
        return first

    def _read_display_matrix(self) -> Optional[Matrix]:
        header = pyav.write_mp4_header(self._av, self.stream)
        if header:
            return read_matrix(BytesIO(header))
        target = self._target
        if "mp4" in self.container:
            if isinstance(target, FileReader) or (
                isinstance(target, str) and os.path.isfile(target)
            ):
                return read_file_matrix(target, self.stream.id)
        return pyav.stream_matrix(self.stream)

    def packets(self) -> Iterator[EncodedPacket]:
        count = 0
        is_cut = False
        try:
            for packet in self._clear_packets():
                count += 1
                is_cut = packet.is_corrupt
                yield EncodedPacket(
                    self._packet_bytes(packet),
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
        if self._is_unseekable_mp4(error, count):
            return SourceError(
                f"{self.name}: is a pipe, and the index (moov) of this MP4 is at its end: write it to a file and "
                "read that, or move the index to the front with `ffmpeg -i IN -c copy -movflags "
                "+faststart OUT`"
            )
        return SourceError(
            f"{self.name}: reading failed after {count} packets: {pyav.describe_error(error)}"
        )

    def _is_unseekable_mp4(self, error: Exception, count: int) -> bool:
        """Whether reading failed because FFmpeg has seen the index of a pipe but cannot go back."""
        is_refused = isinstance(error, self._av.error.InvalidDataError)
        is_promised = "mp4" in self.container and count < pyav.count_indexed_packets(self.stream)
        return is_refused and is_promised and is_pipe(self._target)

    def _check_end(self, count: int, is_cut: bool) -> None:
        """Raises an error if the packets should not have ended here."""
        # FFmpeg outputs nothing of what is scrambled.
        if self.container == "mpegts" and self._inspect_file(
            lambda file: encryption.is_end_scrambled(file, self.stream.id)
        ):
            raise self._encrypted_error(f" from packet {count} on")
        promised = pyav.count_indexed_packets(self.stream)
        # Only the index of MP4 and MOV can be trusted to list what is there.
        if "mp4" in self.container and (is_cut or count < promised):
            of_all = f" of {promised}" if promised else ""
            raise SourceError(
                f"{self.name}: the file is cut short: {count}{of_all} packets could be read"
            )

    def _packet_bytes(self, packet: Packet) -> bytes:
        """The packet, preceded by the parameter sets that take effect with it, if the container has them
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

    def _clear_packets(self) -> Iterator[Packet]:
        """All packets; UnsupportedStream at the first one that is encrypted."""
        packets = self._demux() if self._unread is None else self._unread
        for number, packet in enumerate(packets):
            if pyav.is_encrypted(packet):
                raise self._encrypted_error(f" from packet {number} on" if number else "")
            yield packet

    def _demux(self) -> Iterator[Packet]:
        return pyav.demux_packets(self._av, self._opened, self.stream)

    def decode_frames(self) -> Iterator[Frame]:
        """Frames decoded by FFmpeg, in display order, without those that cannot be decoded."""
        decoder = self.stream.codec_context
        if decoder is None:
            raise UnsupportedStream(f"{self.name}: FFmpeg has no decoder for its video")
        for packet in itertools.chain(self._clear_packets(), [None]):  # None flushes the decoder
            try:
                frames = decoder.decode(packet)
            except self._av.error.InvalidDataError:
                continue
            yield from frames

    def close(self) -> None:
        if not self.is_forked_copy:
            self._opened.close()
