"""What becomes of B pictures: the paper's model of them, and those of the literature beside it."""

from __future__ import annotations

from typing import Optional

import numpy as np

from edge_attp.bitstream import Picture
from edge_attp.errors import UsageError

B_FRAMES = ("correct", "as-p", "ignore")
FRAME_TYPES = ("I", "I+P", "I+B", "I+P+B")  # figure 4 (left); of "I" alone, no motion is read


def network_flow(picture: Picture, b_frames: str = "correct") -> Optional[np.ndarray]:
    """The flow of a P or B picture that enters the network, float32 (2, H4, W4); None: leave it out.

    - correct: MotionField.flow(), pixels per picture interval from both lists and every reference;
    - as-p: every picture is read as a P picture of MPEG-4, whose only reference is the picture
      before: -mv / 4 of the forward list (list 0), whatever its distance; 0 where a block has none.
      So Zhang et al. read B pictures (paper, 3.1), and what FFmpeg's exported vectors invite to;
    - ignore: B pictures are left out, as CoViAR and DMC-Net do; P pictures are read correctly.

    Raises UsageError for another `b_frames`.
    """
    if b_frames not in B_FRAMES:
        raise UsageError(f"b_frames '{b_frames}': choose one of {', '.join(B_FRAMES)}")
    if b_frames == "ignore" and picture.kind == "B":
        return None
    if b_frames == "as-p":
        return np.ascontiguousarray(picture.motion.mv[0].transpose(2, 0, 1) * np.float32(-0.25))
    return picture.motion.flow()
