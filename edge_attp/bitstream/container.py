"""The video stream of a container (MP4, Matroska, MPEG-TS, RTSP, a webcam ...), through PyAV.

The one place that opens a container.
"""

import itertools
import os
import re
import time
from io import BytesIO
from typing import Any, Dict, Iterator, List, Optional, Tuple

from edge_attp.bitstream import nal, pyav
from edge_attp.bitstream.display_matrix import read_file_matrix, read_matrix
from edge_attp.bitstream.orientation import Matrix
from edge_attp.bitstream.records import parse_configuration
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


class ContainerSource(Source):
    """The first video stream of a container that is no cover picture."""

    def __init__(
        self,
        target: Any,
        name: str,
        format: Optional[str],
        options: Optional[Dict[str, str]],
        timeouts_s: Optional[Tuple[float, float]] = None,
    ) -> None:
        """timeouts_s: of opening and of each read; None: the usual ones of an address."""
        super().__init__()
        self.name = name
        self._av = pyav.import_av(
            "{}: is no raw H.264 or HEVC stream but in a container".format(name)
        )
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
        except Exception:
            self._opened.close()
            raise

    def _open_error(self, error: Exception, waited_s: float, limit_s: float) -> EdgeAttpError:
        if isinstance(error, self._av.error.ProtocolNotFoundError):
            return UnsupportedStream(
                "{}: the FFmpeg inside this PyAV does not know this protocol".format(self.name)
            )
        if waited_s >= limit_s:
            return SourceError("{}: no answer within {:.0f} s".format(self.name, limit_s))
        if isinstance(error, (self._av.error.InvalidDataError, self._av.error.EOFError)):
            what = "is no media file that FFmpeg knows, or is cut short before its index"
            if limit_s < float("inf"):
                what = "breaks off before it is known what it sends"
            return SourceError("{}: {}".format(self.name, what))
        return SourceError("{}: {}".format(self.name, pyav.reason(error)))

    def _read_header(self) -> None:
        self.container = self._opened.format.name
        if self.container == "tty":  # FFmpeg draws text files as video
            raise SourceError("{}: is text, not a video".format(self.name))
        self.stream = self._video_stream()
        context = self.stream.codec_context
        self.codec = "unknown" if context is None else pyav.codec_name(context)
        self.frame_rate = self.stream.average_rate or self.stream.guessed_rate or None
        self.time_base = self.stream.time_base
        if pyav.may_change_clock(self._opened):
            self.jump_s = _JUMP_S
        syntaxes = [syntax for syntax in SYNTAXES if syntax.name == self.codec]
        self.is_parsed = bool(syntaxes)
        if syntaxes:
            self.syntax = syntaxes[0]
            if context.extradata:
                self.nal_length_bytes, self.parameter_sets = self._configuration(context.extradata)

    def _video_stream(self) -> Any:
        for stream in self._opened.streams.video:
            if not pyav.is_cover_art(stream):
                return stream
        kinds = sorted({stream.type or "unknown" for stream in self._opened.streams})
        found = "only {} in it".format(", ".join(kinds)) if kinds else "no streams in it at all"
        raise SourceError("{}: has no video stream ({})".format(self.name, found))

    def _configuration(self, extradata: bytes) -> Tuple[int, List[bytes]]:
        return parse_configuration(extradata, self.syntax, self.name)

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
            for packet in self._demuxed():
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
            raise SourceError(
                "{}: reading failed after {} packets: {}".format(
                    self.name, count, pyav.reason(error)
                )
            ) from None
        promised = pyav.indexed_packets(self.stream)
        # Only the index of MP4 and MOV can be trusted to list what is there.
        if "mp4" in self.container and (is_cut or count < promised):
            of_all = " of {}".format(promised) if promised else ""
            raise SourceError(
                "{}: the file is cut short: {}{} packets could be read".format(
                    self.name, count, of_all
                )
            )

    def _bytes(self, packet: Any) -> bytes:
        """The packet, behind the parameter sets that begin to hold with it, if the container has them
        outside the packet."""
        extradata = pyav.new_extradata(packet) if self.is_parsed else None
        if not extradata:
            return bytes(packet)
        nal_length_bytes, sets = self._configuration(extradata)
        if nal_length_bytes != self.nal_length_bytes:
            raise UnsupportedStream(
                "{}: the length of NAL unit lengths changes from {} to {} bytes in mid-stream".format(
                    self.name, self.nal_length_bytes, nal_length_bytes
                )
            )
        return nal.join(sets, nal_length_bytes) + bytes(packet)

    def _demuxed(self) -> Iterator[Any]:
        return pyav.demuxed(self._av, self._opened, self.stream)

    def decoded(self) -> Iterator[Any]:
        """Frames, decoded by FFmpeg, in display order; frames that cannot be decoded are left out."""
        for packet in itertools.chain(self._demuxed(), [None]):  # None: what the decoder holds back
            try:
                frames = self.stream.codec_context.decode(packet)
            except self._av.error.InvalidDataError:
                continue
            yield from frames

    def close(self) -> None:
        self._opened.close()
