"""Immutable records that more than one part of the package passes on. No code, no imports of ours."""

from fractions import Fraction
from typing import NamedTuple, Optional, Tuple

__all__ = [
    "EncodedPacket",
    "CodingCounts",
    "ModeCounts",
    "StreamInfo",
    "StreamStats",
    "VideoTrack",
]


class EncodedPacket(NamedTuple):
    """Bytes of about one access unit, as they come out of a container or a raw stream.

    `pts` and `dts` are in the time base of the stream, None where there is none. `is_shown`: False for
    what an edit list hides: other pictures may refer to it.
    """

    data: bytes
    pts: Optional[int]
    dts: Optional[int]
    is_key: bool
    is_shown: bool = True


class ModeCounts(NamedTuple):
    """Blocks of one picture by mode: H.264 macroblocks (16x16 luma samples), HEVC 8x8 luma blocks."""

    intra: int
    inter: int
    skip: int
    pcm: int


class CodingCounts(NamedTuple):
    """What the coding quadtree of one HEVC picture looks like.

    `coding_units` of 8, 16, 32 and 64 luma samples; `prediction_units` of inter prediction, of which
    `merged` took their vectors over from a merge candidate (those of skipped coding units included) and
    `bi_predicted` use both lists; `luma_transforms`: coded blocks of 4, 8, 16 and 32 samples.
    """

    coding_tree_units: int
    coding_units: Tuple[int, ...]
    prediction_units: int
    merged: int
    bi_predicted: int
    luma_transforms: Tuple[int, ...]


class VideoTrack(NamedTuple):
    """One video track of a container. codec: FFmpeg's name. pictures: 0 where the container does not tell.
    is_cover: a cover picture or thumbnails."""

    codec: str
    width: int
    height: int
    pictures: int
    is_default: bool
    is_cover: bool


class StreamInfo(NamedTuple):
    """What is known of a stream: from its container and from its active sequence parameter set.

    Sizes are in luma samples after cropping. `block_px`: the side of a macroblock (H.264, 16) or coding
    tree unit. `max_num_ref_frames`: HEVC pictures held besides the current one at most.
    `pic_order_cnt_type`: 0 in HEVC. `poc_step` is the picture order count difference of two neighbours
    in display order. `tools` grows while pictures are read. `rotation_deg`, `is_mirrored`: how the coded
    picture is to be turned, clockwise, after it was mirrored, left to right; `display_matrix`: of the
    container. `track`: which of `tracks`, the video tracks of the container, is read; raw streams have none.
    """

    container: str
    codec: str
    profile: str
    profile_idc: int
    level: str
    width: int
    height: int
    bit_depth: int
    chroma_format: str
    block_px: int
    max_num_ref_frames: int
    pic_order_cnt_type: int
    poc_step: int
    tools: Tuple[str, ...]
    frame_rate: Optional[Fraction]
    time_base: Optional[Fraction]
    rotation_deg: int
    is_mirrored: bool
    display_matrix: Optional[Tuple[int, ...]]
    track: int = 0
    tracks: Tuple[VideoTrack, ...] = ()


class StreamStats(NamedTuple):
    """Counts of what was read so far; `damaged` counts pictures, `demux_s` is the time spent on reading
    packets, in seconds. `skipped` are the HEVC pictures (RASL) that were not given out because their
    references precede the random-access picture with which decoding began. `hidden` are those of `pictures`
    that an edit list hides."""

    pictures: int
    damaged: int
    nal_units: int
    ignored_nal_units: int
    damaged_nal_units: int
    demux_s: float
    skipped: int
    hidden: int = 0
