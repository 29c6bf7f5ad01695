"""Immutable records shared by several parts of the package. No code, and no imports from the package."""

from fractions import Fraction
from typing import NamedTuple, Optional, Tuple

__all__ = [
    "EncodedPacket",
    "CodingCounts",
    "ModeCounts",
    "Region",
    "StreamInfo",
    "StreamStats",
    "VideoTrack",
]


class EncodedPacket(NamedTuple):
    """Bytes of about one access unit, as a container or a raw stream gives them.

    `pts` and `dts` are in ticks of the stream's time base, None if the container has none. `is_shown` is False
    for a packet that an edit list hides, though other pictures may refer to its own.
    """

    data: bytes
    pts: Optional[int]
    dts: Optional[int]
    is_key: bool
    is_shown: bool = True


class ModeCounts(NamedTuple):
    """Number of blocks of one picture by mode: H.264 macroblocks (16x16 luma samples), HEVC 8x8 luma blocks."""

    intra: int
    inter: int
    skip: int
    pcm: int


class CodingCounts(NamedTuple):
    """Counts of the units in the coding quadtree of one HEVC picture.

    - `coding_tree_units`.
    - `coding_units`: with sides of 8, 16, 32 and 64 luma samples.
    - `prediction_units`: of inter prediction.
    - `merged`: those that inherit their vectors from a merge candidate, skipped coding units included.
    - `bi_predicted`: those that use both lists.
    - `luma_transforms`: coded luma blocks with sides of 4, 8, 16 and 32 samples.
    """

    coding_tree_units: int
    coding_units: Tuple[int, ...]
    prediction_units: int
    merged: int
    bi_predicted: int
    luma_transforms: Tuple[int, ...]


class VideoTrack(NamedTuple):
    """One video track of a container. `codec` is FFmpeg's name, `width` and `height` are in samples, `pictures`
    is 0 if the container does not say. `is_cover`: the track is a cover picture or thumbnails."""

    codec: str
    width: int
    height: int
    pictures: int
    is_default: bool
    is_cover: bool


class StreamInfo(NamedTuple):
    """What the container and the active sequence parameter set say about a stream.

    - `width`, `height`: luma samples, after cropping.
    - `block_px`: side of a macroblock (H.264: 16) or coding tree unit, in luma samples.
    - `max_num_ref_frames`: in HEVC, the largest number of pictures kept besides the current one.
    - `pic_order_cnt_type`: 0 in HEVC.
    - `poc_step`: difference of the picture order counts of two neighbours in display order.
    - `tools`: names of the coding tools seen so far.
    - `frame_rate`: pictures per second. `time_base`: seconds per tick. None if unknown.
    - `rotation_deg`, `is_mirrored`, `display_matrix`: as in CompressedVideo.
    - `track`: which of `tracks`, the video tracks of the container, is read; raw streams have none.
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
    """Counts of what has been read so far.

    - `pictures`, and of these `damaged` ones and ones that an edit list hides (`hidden`).
    - `nal_units`, and of these `ignored_nal_units` and `damaged_nal_units`.
    - `demux_s`: seconds spent on reading packets.
    - `skipped`: HEVC pictures (RASL) that were left out, because their references precede the random-access
      picture with which decoding began.
    """

    pictures: int
    damaged: int
    nal_units: int
    ignored_nal_units: int
    damaged_nal_units: int
    demux_s: float
    skipped: int
    hidden: int = 0


class Region(NamedTuple):
    """Something that moves: a square window of the upright picture in luma samples, with its upper left corner at
    (x_px, y_px), multiples of 8 as its side is, and a number that stays from picture to picture. box: left, top, right
    and bottom of what is active in it, right and bottom outside. activity: share of the picture that is active,
    weighted by how much, 0 to 1."""

    id: int
    x_px: int
    y_px: int
    side_px: int
    box: Tuple[int, int, int, int]
    activity: float
