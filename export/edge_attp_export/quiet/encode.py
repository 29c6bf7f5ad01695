"""Writes a quiet video: H.264 in MP4, as a camera might set its encoder."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any, Dict, Iterable, Tuple

import av
import numpy as np

from ..files import replacing
from ..synth.camera import HEIGHT, WIDTH
from ..synth.clips import RATE


def draw_encoder(random: np.random.Generator) -> Dict[str, str]:
    """Options of libx264. Each file gives the same bytes for the same pictures: one thread."""
    b_pictures, keyint = int(random.integers(0, 4)), int(random.choice([25, 50, 100, 250]))
    return {
        "preset": "veryfast",
        "crf": str(random.integers(20, 32)),
        "forced-idr": "1",
        "x264-params": f"keyint={keyint}:bframes={b_pictures}:open-gop=0:threads=1:lookahead-threads=1",
    }


def write(
    path: Path,
    pictures: Iterable[Tuple[bool, np.ndarray]],
    options: Dict[str, str],
    recipe: Dict[str, Any],
) -> int:
    """Write a file atomically; return its number of pictures. Raises OSError.

    pictures: yuv420p uint8, and whether nothing after the picture may refer to what is before it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with replacing(path) as part, av.open(str(part), "w", format="mp4") as container:
        container.metadata["comment"] = json.dumps(recipe)
        stream: Any = container.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = Fraction(1, RATE)
        for begins, picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts = count
            if begins:
                frame.pict_type = av.video.frame.PictureType.I
            container.mux(stream.encode(frame))
            count += 1
        container.mux(stream.encode())
    return count
