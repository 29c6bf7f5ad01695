"""The parser's self-test: two small streams that come with the package, and what must come out of them.

`streams/expected.json` holds a digest of motion and residual for every picture. tests/doctor proves
that these pictures are true, and makes streams and digests anew. Needs NumPy.
"""

import hashlib
import json
import os
from typing import Any, Dict, List, Optional

import numpy as np

from edge_attp.bitstream import CompressedVideo, Picture

__all__ = ["STREAMS", "digest", "difference", "digests", "stream_path"]

_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "streams")
STREAMS = {"h264": "scene.264", "hevc": "scene.265"}


def stream_path(codec: str) -> str:
    """The file of one codec's stream."""
    return os.path.join(_FOLDER, STREAMS[codec])


def expected_path() -> str:
    """The file with the digests of every picture, by codec: "P 0123456789abcdef"."""
    return os.path.join(_FOLDER, "expected.json")


def digest(picture: Picture) -> str:
    """16 hexadecimal digits for vectors, references, modes, flow and residual."""
    motion, residual = picture.motion, picture.residual
    assert residual is not None
    value = hashlib.sha256()
    for array in (motion.mv, residual.y, residual.u, residual.v):
        value.update(array.astype("<i2").tobytes())
    value.update(motion.reference.astype("<i4").tobytes())
    value.update(motion.mode.tobytes())
    value.update((motion.flow() + np.float32(0)).astype("<f4").tobytes())  # -0 becomes 0
    return value.hexdigest()[:16]


def digests(path: str) -> List[str]:
    """Kind and digest of each picture of a stream, as this machine reads it."""
    with CompressedVideo(path) as video:
        return [f"{picture.kind} {digest(picture)}" for picture in video]


def difference(codec: str) -> Optional[str]:
    """The first thing that comes out otherwise than expected, None if nothing does."""
    with open(expected_path(), encoding="utf-8") as file:
        expected: Dict[str, Any] = json.load(file)
    found, wanted = digests(stream_path(codec)), expected[codec]
    for number, (one, other) in enumerate(zip(found, wanted)):
        if one != other:
            return f"picture {number} is {one}, expected {other}"
    if len(found) != len(wanted):
        return f"{len(found)} pictures, expected {len(wanted)}"
    return None
