"""Transcodes any video to H.264 or HEVC, with the same settings for every clip.

Traces of an encoder in a source (picture types, bit rate, size, rate, dates) can give its class away.
Therefore only pictures are kept, upright, and each copy has the same GOPs: I B..B P B..B P, closed, of a
fixed length. The encoders' own placement of B pictures (b-adapt) and of I pictures at cuts is off: with
it, the pattern of picture types would measure motion by itself.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, Dict, Iterator, NamedTuple, Tuple

import av
import numpy as np

from edge_attp.bitstream import pyav
from edge_attp.bitstream.colours import FrameConverter
from edge_attp.bitstream.container import ContainerSource
from edge_attp.bitstream.orientation import UPRIGHT, Orientation, from_matrix
from edge_attp.errors import SourceError, UsageError

from ..files import replacing

RATE = 25  # pictures per second of every copy; pictures are neither dropped nor repeated
FEWEST_PICTURES = 2

_ENCODERS = {"h264": "libx264", "hevc": "libx265"}


class Encoder(NamedTuple):
    """How every clip is encoded. gop: pictures. b_pictures: between two others. Sizes: pixels, even.

    The size is that of section 4.1 of the paper. fit: "stretch" every source to it, as the paper does, or "pad"
    it: keep its aspect and repeat its border, for clips whose shape depends on their class.
    """

    codec: str = "h264"
    preset: str = "fast"
    crf: int = 23
    gop: int = 12
    b_pictures: int = 3
    width: int = 340
    height: int = 256
    fit: str = "stretch"

    @property
    def name(self) -> str:
        """FFmpeg's name."""
        return _ENCODERS[self.codec]

    def check(self) -> None:
        """Raise UsageError if PyAV lacks the encoder, or the encoder rejects the values."""
        if self.name not in av.codecs_available:
            raise UsageError(
                f"this PyAV has no {self.name}: use the other codec, or another build of PyAV"
            )
        context: Any = av.CodecContext.create(self.name, "w")
        self.configure(context)
        context.options = self.options()
        try:
            context.open()
        except (av.error.FFmpegError, ValueError) as error:
            raise UsageError(f"{self.name} rejects these values: {self._asdict()}") from error

    def configure(self, context: Any) -> None:
        """Set what is not an option of the encoder."""
        context.width, context.height, context.pix_fmt = self.width, self.height, "yuv420p"
        context.time_base = Fraction(1, RATE)

    def options(self) -> Dict[str, str]:
        """Options of FFmpeg's encoder that give the same bytes for the same pictures.

        One thread. No block tree (mbtree, cutree), which B pictures at fixed places disturb: x264's output
        would vary with what was encoded before, and x265 would make P pictures at cuts.
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
    """Write `target`, an MP4 file, atomically; return its number of pictures.

    Raises SourceError for a source that is not a video or has fewer than two pictures, OSError if
    `target` cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as part:
        pictures = _write(part, frames(source, encoder.width, encoder.height, encoder.fit), encoder)
        if pictures < FEWEST_PICTURES:
            raise SourceError(
                f"{source}: motion needs {FEWEST_PICTURES} pictures, found {pictures}"
            )
    return pictures


def frames(source: Path, width: int, height: int, fit: str = "stretch") -> Iterator[Any]:
    """Decode, resize and rotate: upright yuv420p frames in BT.601, limited range, without any other
    data of the source. fit: see Encoder.

    Raises SourceError with the reason.
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
            inner = width, height
            if fit == "pad":
                inner = _inside(orientation.size(frame.width, frame.height), inner)
            width_coded, height_coded = orientation.size(*inner)
            samples = converter.convert(frame, width=width_coded, height=height_coded).to_ndarray()
            padded = _padded(_turned(samples, orientation), inner, (width, height))
            yield av.VideoFrame.from_ndarray(padded, format="yuv420p")
    except av.error.FFmpegError as error:
        raise SourceError(f"{source}: cannot be decoded: {error.strerror}") from error
    finally:
        video.close()


def _orientation(frame: Any, video: ContainerSource) -> Orientation:
    """The orientation of the first frame, if it has one; otherwise the container's."""
    matrix = pyav.frame_matrix(frame) or video.display_matrix
    told = None if matrix is None else from_matrix(matrix)
    return UPRIGHT if told is None else told.orientation


def _inside(shape: Tuple[int, int], canvas: Tuple[int, int]) -> Tuple[int, int]:
    """The largest even size of the same aspect as `shape` that fits into `canvas`."""
    scale = min(whole / part for whole, part in zip(canvas, shape))
    width, height = (
        min(max(round(side * scale / 2) * 2, 2), whole) for side, whole in zip(shape, canvas)
    )
    return width, height


def _padded(samples: np.ndarray, size: Tuple[int, int], canvas: Tuple[int, int]) -> np.ndarray:
    """Centre yuv420p of a size on a canvas, and fill the rest with the nearest sample of its border."""
    if size == canvas:
        return samples
    width, height = size
    before = [(whole - part) // 4 for whole, part in zip(canvas, size)]  # in chroma samples
    after = [(w - p) // 2 - b for w, p, b in zip(canvas, size, before)]
    margins = (before[1], after[1]), (before[0], after[0])
    luma = np.pad(samples[:height], [(2 * a, 2 * b) for a, b in margins], "edge")
    chroma = samples[height:].reshape(2, height // 2, width // 2)
    chroma = np.pad(chroma, ((0, 0), *margins), "edge")
    return np.concatenate([luma, chroma.reshape(-1, canvas[0])])


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
