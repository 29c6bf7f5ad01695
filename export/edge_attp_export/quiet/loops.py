"""A clip again and again, each time with another light, noise and crop."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator, Tuple

import cv2
import numpy as np

from ..data.transcode import frames
from ..synth.attributes import stream
from ..synth.camera import HEIGHT, WIDTH
from ..synth.clips import RATE
from .conditions import Sensor, draw_conditions

LARGEST_ZOOM = 1.1


def looped(source: Path, seed: int, repeats: int) -> Iterator[Tuple[bool, np.ndarray]]:
    """Pictures, yuv420p uint8 (HEIGHT * 3 / 2, WIDTH), and whether a repetition begins with it.

    The video is stretched to the size. Raises SourceError if it cannot be read.
    """
    random = stream(seed, "quiet loop")
    pictures = [
        cv2.cvtColor(frame.to_ndarray(), cv2.COLOR_YUV2RGB_I420)
        for frame in frames(source, WIDTH, HEIGHT)
    ]
    for _ in range(repeats):
        sensor = Sensor(draw_conditions(random)._replace(rain=0, is_grey=False), random)
        matrix = _crop(random)
        for index, picture in enumerate(pictures):
            cut = cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
            yield index == 0, sensor(cut, index / RATE)


def _crop(random: np.random.Generator) -> np.ndarray:
    """A random crop, mirrored or not: picture to picture, float64 (2, 3)."""
    zoom = random.uniform(1, LARGEST_ZOOM)
    x, y = random.uniform(0, 1, 2) * (1 - zoom) * (WIDTH - 1, HEIGHT - 1)
    if random.random() < 0.5:
        return np.array([[-zoom, 0.0, WIDTH - 1 - x], [0.0, zoom, y]])
    return np.array([[zoom, 0.0, x], [0.0, zoom, y]])
