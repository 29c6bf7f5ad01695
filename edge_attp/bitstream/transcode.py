"""Sources that are neither H.264 nor HEVC: decoded by FFmpeg and encoded on the fly, so that they have motion.

libx264 with preset veryfast, 3 B pictures and GOPs of at most 12 pictures (as in the recordings on which
the method was developed). Time stamps, size and display matrix are kept, so the copy is turned like the
original. An odd width or height loses one column or row, because 4:2:0 cannot code it. The output is the
motion of the copy, not that of the original encoder.
"""

from typing import Dict, Iterator, Optional

from edge_attp.bitstream import pyav
from edge_attp.bitstream.colours import FrameConverter
from edge_attp.bitstream.container import ContainerSource
from edge_attp.bitstream.pyav import CodecContext, Frame, Packet
from edge_attp.bitstream.source import ASSUMED_RATE, Source
from edge_attp.errors import SourceError, UnsupportedStream
from edge_attp.log import logger
from edge_attp.types import EncodedPacket

GOP_PICTURES = 12
B_PICTURES = 3
_ENCODER = "libx264"
_PIXEL_FORMAT = "yuv420p"
_OPTIONS = {
    "preset": "veryfast",
    "g": str(GOP_PICTURES),
    "bf": str(B_PICTURES),
    "forced-idr": "1",
}
_LIVE_OPTIONS: Dict[str, str] = dict(_OPTIONS, bf="0", tune="zerolatency")


def parsed_or_transcoded(
    source: ContainerSource, transcode: bool, *, is_live: bool = False
) -> Source:
    """The source itself if its codec is parsed, else its transcoding. Without `transcode`, UnsupportedStream,
    and the source is closed."""
    if source.is_parsed:
        return source
    if transcode:
        return TranscodedSource(source, is_live=is_live)
    source.close()
    raise UnsupportedStream(
        f"{source.name}: its codec is {source.codec}; only H.264 and HEVC are read without "
        "transcoding (transcode=True, or `edge-attp run` without --no-transcode)"
    )


class TranscodedSource(Source):
    """H.264 packets made from the frames of another source, which it owns. With `is_live`, the encoder delays no
    picture and therefore makes no B pictures."""

    def __init__(self, original: ContainerSource, *, is_live: bool = False) -> None:
        super().__init__()
        self._options = _LIVE_OPTIONS if is_live else _OPTIONS
        self._original = original
        self._encoder: Optional[CodecContext] = (
            None  # referenced here so that a forked child keeps it
        )
        self._av = pyav.import_av(f"{original.name}: transcoding")
        self.name = original.name
        self.container = original.container
        self.codec = original.codec
        self.frame_rate = original.frame_rate
        self.time_base = original.time_base
        self.track, self.tracks = original.track, original.tracks
        self.is_recording = original.is_recording
        self.display_matrix = original.display_matrix
        if _ENCODER not in self._av.codecs_available:
            original.close()
            raise UnsupportedStream(
                f"{self.name}: its codec is {self.codec}, and this PyAV has no {_ENCODER} to transcode it"
            )
        logger.warning(
            "%s: %s is transcoded to H.264 on the fly; motion and residuals are those of the copy",
            self.name,
            self.codec,
        )

    def packets(self) -> Iterator[EncodedPacket]:
        encoder = None
        last_pts = None
        converter = FrameConverter(self.name, format=_PIXEL_FORMAT)
        try:
            for frame in self._original.decode_frames():
                if encoder is None:
                    encoder = self._encoder = self._open_encoder(frame)
                    self.display_matrix = pyav.frame_matrix(frame) or self.display_matrix
                last_pts = self._set_time(frame, last_pts)
                frame = converter.convert(frame, width=encoder.width, height=encoder.height)
                frame.pict_type = 0  # the encoder decides, not the original
                for packet in encoder.encode(frame):
                    yield _as_encoded_packet(packet)
            if encoder is not None:
                for packet in encoder.encode(None):
                    yield _as_encoded_packet(packet)
        except self._av.error.FFmpegError as error:
            raise SourceError(
                f"{self.name}: transcoding failed: {pyav.describe_error(error)}"
            ) from None

    def _open_encoder(self, frame: Frame) -> CodecContext:
        encoder: CodecContext = self._av.CodecContext.create(_ENCODER, "w")
        encoder.width = max(frame.width & ~1, 2)
        encoder.height = max(frame.height & ~1, 2)
        encoder.pix_fmt = _PIXEL_FORMAT
        encoder.framerate = self.frame_rate or ASSUMED_RATE
        encoder.time_base = self.time_base or 1 / ASSUMED_RATE
        encoder.options = dict(self._options)
        encoder.open()
        return encoder

    def _set_time(self, frame: Frame, last_pts: Optional[int]) -> int:
        """Gives the frame a time stamp later than the last one, which libx264 requires."""
        if frame.pts is None or (last_pts is not None and frame.pts <= last_pts):
            rate = self.frame_rate or ASSUMED_RATE
            ticks = 1 / (rate * (self.time_base or 1 / rate))
            frame.pts = 0 if last_pts is None else last_pts + max(int(ticks), 1)
        return int(frame.pts)

    def close(self) -> None:
        self._original.close()


def _as_encoded_packet(packet: Packet) -> EncodedPacket:
    return EncodedPacket(bytes(packet), packet.pts, packet.dts, packet.is_keyframe)
