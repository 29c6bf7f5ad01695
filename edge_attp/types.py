"""Immutable records that more than one part of the package passes on. No code, no imports of ours."""

from fractions import Fraction
from typing import NamedTuple, Optional, Tuple

__all__ = ["EncodedPacket", "MacroblockCounts", "StreamInfo", "StreamStats"]


class EncodedPacket(NamedTuple):
    """Bytes of about one access unit, as they come out of a container or a raw stream.

    `pts` and `dts` are in the time base of the stream, None where there is none.
    """

    data: bytes
    pts: Optional[int]
    dts: Optional[int]
    is_key: bool


class MacroblockCounts(NamedTuple):
    """Macroblocks of one picture by mode (16x16 luma samples each)."""

    intra: int
    inter: int
    skip: int
    pcm: int


class StreamInfo(NamedTuple):
    """What is known of a stream: from its container and from its active sequence parameter set.

    Sizes are in luma samples after cropping. `poc_step` is the picture order count difference of two
    neighbours in display order. `tools` grows while pictures are read.
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
    max_num_ref_frames: int
    pic_order_cnt_type: int
    poc_step: int
    tools: Tuple[str, ...]
    frame_rate: Optional[Fraction]
    time_base: Optional[Fraction]


class StreamStats(NamedTuple):
    """Counts of what was read so far; `damaged` counts pictures, `demux_s` is the time spent on reading
    packets, in seconds."""

    pictures: int
    damaged: int
    nal_units: int
    ignored_nal_units: int
    damaged_nal_units: int
    demux_s: float
