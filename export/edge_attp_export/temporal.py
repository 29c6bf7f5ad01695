"""Which adjacent GOP provides the second I picture: dt of eq. (7)."""

from __future__ import annotations

from typing import Optional

import torch


def temporal_offset(gop: int, gops: int, generator: Optional[torch.Generator] = None) -> int:
    """dt for GOP `gop` of a video of `gops`: in training, drawn from -1 and +1 with `generator`.

    Without a generator, in test, it is +1 for the first GOP and -1 for the others. At the ends of a
    video, where the paper's draw may ask for a GOP that does not exist, it is the neighbour on the
    other side. A video of a single GOP has dt = 0: its own I picture twice, as in `edge_attp`.
    Raises ValueError for a `gop` outside the video.
    """
    if not 0 <= gop < gops:
        raise ValueError(f"GOP {gop} of a video of {gops}")
    if gops == 1:
        return 0
    if gop == 0:
        return 1
    if generator is None or gop == gops - 1:
        return -1
    return int(torch.randint(2, (), generator=generator)) * 2 - 1
