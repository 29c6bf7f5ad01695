"""Any video to the one kind that all samples are made of: H.264 or HEVC, always coded in the same way.

What an encoder left in a source (picture types, bit rate, size, rate, dates) can give its class away.
So pictures are all that goes on, upright, and each copy has the same GOPs: I B..B P B..B P, closed, of
a fixed length. x264's and x265's own choice of B pictures (b-adapt) and of I pictures at cuts is off:
with it, the pattern of picture types measures how much a clip moves, before anything has looked at its
motion.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, Dict, Iterator, NamedTuple

import av
import numpy as np

from edge_attp.bitstream import pyav
from edge_attp.bitstream.colours import FrameConverter
from edge_attp.bitstream.container import ContainerSource
from edge_attp.bitstream.orientation import UPRIGHT, Orientation, from_matrix
from edge_attp.errors import SourceError, UsageError

from ..files import replacing

RATE = 25  # pictures per second of every copy; none is left out or doubled to get there
FEWEST_PICTURES = 2

_ENCODERS = {"h264": "libx264", "hevc": "libx265"}


class Encoder(NamedTuple):
    """How every clip is coded. gop: pictures. b_pictures: between two others. Sizes in pixels, even.

    The size is that of section 4.1 of the paper, whatever the aspect of the source.
    """

    codec: str = "h264"
    preset: str = "fast"
    crf: int = 23
    gop: int = 12
    b_pictures: int = 3
    width: int = 340
    height: int = 256

    @property
    def name(self) -> str:
        """FFmpeg's name."""
        return _ENCODERS[self.codec]

    def check(self) -> None:
        """Raise UsageError where PyAV lacks the encoder, or the encoder does not take the values."""
        if self.name not in av.codecs_available:
            raise UsageError(f"this PyAV has no {self.name}: take the other codec, or another PyAV")
        context: Any = av.CodecContext.create(self.name, "w")
        self.configure(context)
        context.options = self.options()
        try:
            context.open()
        except (av.error.FFmpegError, ValueError) as error:
            raise UsageError(f"{self.name} does not take these values: {self._asdict()}") from error

    def configure(self, context: Any) -> None:
        """Set what is no option of an encoder or its stream."""
        context.width, context.height, context.pix_fmt = self.width, self.height, "yuv420p"
        context.time_base = Fraction(1, RATE)

    def options(self) -> Dict[str, str]:
        """Options of FFmpeg's encoder: what is needed for the same bytes from the same pictures.

        One thread. No tree of blocks (mbtree, cutree), as B pictures at fixed places upset it: x264's
        output then varies with what was encoded before, and x265 makes P pictures at cuts.
        """
        pattern = f"keyint={self.gop}:min-keyint={self.gop}:scenecut=0:open-gop=0"
        shared = f"{pattern}:bframes={self.b_pictures}:b-adapt=0"
        own = {
            "h264": ("x264-params", "mbtree=0:threads=1:lookahead-threads=1:sync-lookahead=0"),
            "hevc": ("x265-params", "cutree=0:pools=none:frame-threads=1:log-level=error"),
        }
        key, threads = own[self.codec]
        return {"preset": self.preset, "crf": str(self.crf), key: f"{shared}:{threads}"}


def transcode(source: Path, target: Path, encoder: Encoder) -> int:
    """Write `target`, an MP4 file, whole or not at all; return its pictures.

    Raises SourceError for a source that is no video or has fewer than two pictures, OSError where
    `target` cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as part:
        pictures = _write(part, frames(source, encoder.width, encoder.height), encoder)
        if pictures < FEWEST_PICTURES:
            raise SourceError(f"{source}: motion needs {FEWEST_PICTURES} pictures, has {pictures}")
    return pictures


def frames(source: Path, width: int, height: int) -> Iterator[Any]:
    """Decode, resize and turn: upright yuv420p frames in BT.601, limited range, with nothing of the source
    but samples.

    Raises SourceError saying what is wrong with the source.
    """
    uniform: Dict[str, Any] = dict(
        format="yuv420p",
        dst_colorspace="ITU601",
        dst_color_range="MPEG",
        interpolation="BICUBIC",
    )
    converter = FrameConverter(str(source), **uniform)
    video = ContainerSource(str(source), str(source))
    try:
        orientation = None
        for frame in video.decode_frames():
            orientation = orientation or _orientation(frame, video)
            width_coded, height_coded = orientation.size(width, height)
            samples = converter.convert(frame, width=width_coded, height=height_coded).to_ndarray()
            yield av.VideoFrame.from_ndarray(_turned(samples, orientation), format="yuv420p")
    except av.error.FFmpegError as error:
        raise SourceError(f"{source}: cannot be decoded: {error.strerror}") from error
    finally:
        video.close()


def _orientation(frame: Any, video: ContainerSource) -> Orientation:
    """What the first frame says, which has it from the stream or the container; else the container."""
    matrix = pyav.frame_matrix(frame) or video.display_matrix
    told = None if matrix is None else from_matrix(matrix)
    return UPRIGHT if told is None else told.orientation


def _turned(samples: np.ndarray, orientation: Orientation) -> np.ndarray:
    """yuv420p as PyAV packs it: luma rows, then both chroma planes."""
    if orientation == UPRIGHT:
        return samples
    height = samples.shape[0] // 3 * 2
    luma, chroma = samples[:height], samples[height:].reshape(2, height // 2, -1)
    turned = orientation.samples(luma)
    rows = orientation.samples(chroma).reshape(-1, turned.shape[1])
    return np.concatenate([turned, rows])


def _write(path: Path, pictures: Iterator[Any], encoder: Encoder) -> int:
    count = 0
    with av.open(str(path), "w", format="mp4") as container:
        stream: Any = container.add_stream(encoder.name, rate=RATE, options=encoder.options())
        encoder.configure(stream.codec_context)
        for count, frame in enumerate(pictures, 1):
            frame.pts = count - 1
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return count
