"""What a MotionMemory holds after each picture of a clip: computed once, and kept for the next epochs and folds."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from edge_attp.tensors import MotionMemory

from .cache import Clip

KEPT = 400  # clips in memory; one of 50 pictures at 340x256 takes 5.4 MB


def memory_planes(clip: Clip, pictures: float, speed_pictures: float, as_p: bool) -> np.ndarray:
    """float32 (P, 5, H4, W4) for the P and B pictures of the clip, which are in decoding order."""
    return _planes(clip.path, clip.path.stat().st_mtime_ns, pictures, speed_pictures, as_p)


@lru_cache(KEPT)
def _planes(
    path: Path, _mtime_ns: int, pictures: float, speed_pictures: float, as_p: bool
) -> np.ndarray:
    clip = Clip(path)
    memory = MotionMemory(pictures, speed_pictures)
    found = []
    for index in range(len(clip.pictures)):
        luma = clip.luma(index).astype(np.int16)
        memory.add_picture(clip.flow(index, as_p), luma, clip.bit_depth)
        found.append(memory.planes)
    return np.stack(found)
