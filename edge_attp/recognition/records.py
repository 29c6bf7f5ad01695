"""What recognition takes and hands on: immutable records, each made by one author and complete from then on.

A picture passes through three of them: `PictureFacts` from the reader, `PictureLogits` once the networks
have run, `ScoredPicture` once its place in the video is known. Times are in seconds of the stream.
"""

from typing import NamedTuple, Optional, Tuple

import numpy as np

from edge_attp.types import Region

__all__ = [
    "Box",
    "Event",
    "PictureFacts",
    "PictureLogits",
    "RegionLogits",
    "ScoredPicture",
    "ScoredRegion",
    "Verdict",
    "VideoScores",
]

Box = Tuple[int, int, int, int]  # left, top, right, bottom; right and bottom are outside


class PictureFacts(NamedTuple):
    """A picture as it was read, in decoding order.

    decode_index, pts, poc, kind ('I', 'P', 'B'), integrity ('ok', 'damaged'), time_s, is_shown: see
    edge_attp.bitstream.Picture. packet: number of the packet in which it begins. gop: counted from 0, -1
    before the first key picture; is_key: it begins one. starts_sequence: its poc may begin again from 0.
    step: how many pictures of the stream it comes after the one that was read before it.
    """

    decode_index: int
    packet: int
    pts: Optional[int]
    poc: int
    kind: str
    is_key: bool
    integrity: str
    gop: int
    starts_sequence: bool
    time_s: Optional[float]
    step: int
    is_shown: bool


class RegionLogits(NamedTuple):
    """What the networks said of a region: logits, float (classes,). region: None is the whole picture."""

    region: Optional[Region]
    logits: np.ndarray


class PictureLogits(NamedTuple):
    """A picture after the networks, in decoding order. regions: empty if it was not scored. is_idle: it was to be
    scored, but nothing moves in it."""

    facts: PictureFacts
    regions: Tuple[RegionLogits, ...]
    is_idle: bool = False


class ScoredRegion(NamedTuple):
    """Scores of one region: logits and probabilities, float32 (classes,). region: None is the whole picture."""

    region: Optional[Region]
    logits: np.ndarray
    probabilities: np.ndarray


class ScoredPicture(NamedTuple):
    """One picture in display order, shown from start_s to end_s.

    The fields that it shares with PictureFacts mean the same. start_s, end_s: seconds from the first picture
    shown. regions: empty if the picture was not scored; the first one speaks for the picture, see rank_regions().
    smoothed: probabilities, float32 (classes,), averaged over time up to this picture; None as long as no
    picture was scored. is_idle: nothing moves in it, so no network ran; `regions` has the background label for the
    whole picture if the pack names one, else nothing.
    """

    decode_index: int
    packet: int
    pts: Optional[int]
    kind: str
    is_key: bool
    integrity: str
    gop: int
    start_s: float
    end_s: float
    regions: Tuple[ScoredRegion, ...]
    smoothed: Optional[np.ndarray]
    is_idle: bool = False

    @property
    def decisive(self) -> Optional[ScoredRegion]:
        """The region that speaks for the picture; None if it was not scored."""
        return self.regions[0] if self.regions else None


class Event(NamedTuple):
    """A label that held for a while. score: its highest smoothed probability, reached at peak_s. id: the same
    in all phases of one event and for every sink. phase: 'start', 'update' or 'end'; only 'end' is
    reported so far. box: left, top, right and bottom of what is active in the region at the peak, in luma
    samples of the upright picture; None where the whole picture was scored."""

    label: str
    score: float
    start_s: float
    end_s: float
    peak_s: float
    stream: str
    id: str
    phase: str
    box: Optional[Box] = None


class VideoScores(NamedTuple):
    """Scores of a whole video, float32 (classes,) each. start_s, end_s: the first scored picture's start and
    the last one's end."""

    logits: np.ndarray
    probabilities: np.ndarray
    start_s: float
    end_s: float


class Verdict(NamedTuple):
    """What the whole video came to. scores: None if no picture was scored; if all of them were idle, those of the
    background label. seconds: of work, not of video. is_complete: False if the run ended early. idle: pictures
    that were not scored because nothing moves in them."""

    scores: Optional[VideoScores]
    gops: int
    pictures: int
    scored: int
    damaged: int
    seconds: float
    is_complete: bool
    idle: int = 0

    @property
    def pictures_per_second(self) -> float:
        """Pictures of the video, scored or not, per second of work."""
        return self.pictures / self.seconds if self.seconds > 0 else 0.0
