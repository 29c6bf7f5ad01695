"""From a source to pictures: motion vectors and coded residuals, without decoding.

    with CompressedVideo("camera.mp4") as video:
        for picture in video:
            print(picture.kind, picture.motion.flow().mean(axis=(1, 2)))

docs/parser.md is the manual. Of the rest of the package, this part imports errors, log and types only.
"""

from edge_attp.bitstream.arrays import (
    MODE_INTER,
    MODE_INTRA,
    MODE_MISSING,
    MODE_PCM,
    MODE_SKIP,
    MotionField,
    Residual,
    Weights,
)
from edge_attp.bitstream.picture import Picture
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
