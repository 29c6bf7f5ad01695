"""How B pictures are read: correctly, as in the paper, or as in the literature it compares with."""

from __future__ import annotations

from typing import Optional

import numpy as np

from edge_attp.bitstream import Picture
from edge_attp.errors import UsageError

B_FRAMES = ("correct", "as-p", "ignore")
FRAME_TYPES = ("I", "I+P", "I+B", "I+P+B")  # figure 4 (left); with "I" alone, no motion is read


def network_flow(picture: Picture, b_frames: str = "correct") -> Optional[np.ndarray]:
    """The flow of a P or B picture that enters the network, float32 (2, H4, W4), or None to leave it out.

    - correct: MotionField.flow(), pixels per picture interval from both lists and every reference;
    - as-p: every picture is read as a P picture of MPEG-4, whose only reference is the picture
      before: -mv / 4 of the forward list (list 0), whatever its distance; 0 where a block has none.
      Zhang et al. read B pictures this way (paper, 3.1), and FFmpeg's exported vectors suggest it;
    - ignore: B pictures are left out, as in CoViAR and DMC-Net; P pictures are read correctly.

    Raises UsageError for any other `b_frames`.
    """
    if b_frames not in B_FRAMES:
        raise UsageError(f"b_frames '{b_frames}': choose one of {', '.join(B_FRAMES)}")
    if b_frames == "ignore" and picture.kind == "B":
        return None
    if b_frames == "as-p":
        return np.ascontiguousarray(picture.motion.mv[0].transpose(2, 0, 1) * np.float32(-0.25))
    return picture.motion.flow()
