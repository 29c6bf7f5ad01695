"""From a source to pictures: motion vectors and coded residuals, without decoding.

    with CompressedVideo("camera.mp4") as video:
        for picture in video:
            print(picture.kind, picture.motion.flow().mean(axis=(1, 2)))

It may import types, errors and log, nothing else of the package.
"""

from edge_attp.bitstream.picture import (
    MODE_INTER,
    MODE_INTRA,
    MODE_MISSING,
    MODE_PCM,
    MODE_SKIP,
    MotionField,
    Picture,
    Residual,
    Weights,
)
from edge_attp.bitstream.source import Source
from edge_attp.bitstream.video import CompressedVideo
from edge_attp.errors import CorruptStream, SourceError, UnsupportedStream
from edge_attp.types import StreamInfo

__all__ = [
    "CompressedVideo",
    "Picture",
    "MotionField",
    "Residual",
    "Source",
    "Weights",
    "StreamInfo",
    "UnsupportedStream",
    "CorruptStream",
    "SourceError",
    "MODE_INTRA",
    "MODE_INTER",
    "MODE_SKIP",
    "MODE_PCM",
    "MODE_MISSING",
]
