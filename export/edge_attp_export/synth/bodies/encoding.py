"""Encoders and rates of cameras. `prepare` encodes all clips alike afterwards; what these lost stays lost."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any, Dict, Iterable, NamedTuple

import av
import numpy as np

from edge_attp.errors import UsageError

from ...files import replacing

_RATES = (Fraction(25, 2), Fraction(15), Fraction(20), Fraction(25), Fraction(30))
_RATE_SHARES = (0.1, 0.12, 0.13, 0.4, 0.25)
_CODECS = ("libx264", "libx265", "mpeg4", "mjpeg")
_CODEC_SHARES = (0.6, 0.2, 0.1, 0.1)


class Encoding(NamedTuple):
    """How a clip is encoded. quality: crf of x264 and x265, quantiser of the others."""

    codec: str
    preset: str
    quality: int
    gop: int
    b_pictures: int
    rate: Fraction

    def pictures(self, seconds: float) -> int:
        """How many there are in this time."""
        return round(seconds * self.rate)

    def options(self) -> Dict[str, str]:
        """Return FFmpeg's options. One thread, so that the same pictures give the same bytes."""
        common = f"keyint={self.gop}:min-keyint=1:bframes={self.b_pictures}"
        if self.codec == "libx264":
            return {
                "preset": self.preset,
                "crf": str(self.quality),
                "x264-params": common + ":threads=1:lookahead-threads=1:sync-lookahead=0",
            }
        if self.codec == "libx265":
            own = ":pools=none:frame-threads=1:log-level=error"
            return {"preset": self.preset, "crf": str(self.quality), "x265-params": common + own}
        quantiser = {"qmin": str(self.quality), "qmax": str(self.quality), "threads": "1"}
        return {**quantiser, "g": str(self.gop), "bf": str(min(self.b_pictures, 2))}


def draw(random: np.random.Generator) -> Encoding:
    """Draw an encoder and its rate."""
    codec = _CODECS[random.choice(4, p=_CODEC_SHARES)]
    preset = ("ultrafast", "veryfast", "fast")[random.integers(3)]
    quality = {"libx264": (16, 31), "libx265": (18, 33), "mpeg4": (2, 8), "mjpeg": (2, 8)}[codec]
    return Encoding(
        codec=codec,
        preset=preset if codec != "libx265" else ("ultrafast", "superfast")[random.integers(2)],
        quality=int(random.integers(*quality)),
        gop=int(random.choice([10, 12, 25, 50, 100])) if codec != "mjpeg" else 1,
        b_pictures=int(random.integers(4)) if codec != "mjpeg" else 0,
        rate=_RATES[random.choice(5, p=_RATE_SHARES)],
    )


def check() -> None:
    """Raise UsageError if PyAV lacks one of the encoders."""
    lacking = [codec for codec in _CODECS if codec not in av.codecs_available]
    if lacking:
        raise UsageError(
            f"this PyAV has no {', '.join(lacking)}: use another build, such as PyPI's wheel of av"
        )


def write(
    path: Path, pictures: Iterable[np.ndarray], encoding: Encoding, comment: Dict[str, Any]
) -> None:
    """Encode RGB uint8 pictures into an MP4 file, atomically. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part, av.open(str(part), "w", format="mp4") as container:
        container.metadata["comment"] = json.dumps(comment)
        stream: Any = None
        for index, picture in enumerate(pictures):
            if stream is None:
                stream = _stream(container, encoding, picture.shape[1], picture.shape[0])
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame = frame.reformat(format=stream.pix_fmt)
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _stream(container: Any, encoding: Encoding, width: int, height: int) -> Any:
    options = encoding.options()
    stream = container.add_stream(encoding.codec, rate=encoding.rate, options=options)
    stream.width, stream.height = width, height
    stream.pix_fmt = "yuvj420p" if encoding.codec == "mjpeg" else "yuv420p"
    stream.codec_context.time_base = 1 / encoding.rate
    return stream
