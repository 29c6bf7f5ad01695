"""From the logits of single pictures, in decoding order, to what a video shows, in display order."""

from typing import List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from edge_attp.recognition.events import (
    DEFAULT,
    NOTHING,
    EventDetector,
    Smoother,
    Thresholds,
)
from edge_attp.recognition.order import DisplayOrder
from edge_attp.recognition.records import (
    Event,
    PictureFacts,
    PictureLogits,
    ScoredPicture,
    ScoredRegion,
    VideoScores,
)
from edge_attp.recognition.scores import (
    Activation,
    VideoMean,
    rank_regions,
    score_idle,
    score_region,
    score_video,
    softmax,
)
from edge_attp.recognition.times import DisplayTimes, Untimed

__all__ = ["Timeline"]

Shown = Tuple[ScoredPicture, List[Event]]


class _Scored(NamedTuple):
    """A picture with its scores, the decisive ones first, in decoding order."""

    facts: PictureFacts
    regions: Tuple[ScoredRegion, ...]
    is_idle: bool


class Timeline:
    """Puts pictures in order, gives them times, smooths their scores, finds events, takes the mean.

    interval_s, jump_s: see DisplayTimes; a picture is shown for interval_s. learned: see EventDetector. Events and
    the mean are those of the decisive region of each picture, see rank_regions(). An idle picture has the first of
    the labels in `background`; without one it has none, and so ends events. It takes no part in the mean, unless all
    are idle.
    """

    def __init__(
        self,
        labels: Sequence[str],
        stream: str,
        interval_s: float,
        thresholds: Thresholds = DEFAULT,
        jump_s: float = float("inf"),
        background: Sequence[str] = (),
        activation: Activation = softmax,
        learned: Mapping[str, float] = NOTHING,
    ) -> None:
        self._activation = activation
        self._background = [labels.index(label) for label in background]
        self._idle: Tuple[ScoredRegion, ...] = ()  # the scores of an idle picture
        if self._background:
            self._idle = (score_idle(self._background[0], len(labels)),)
        self._nothing = np.zeros(len(labels), np.float32)
        self._interval_s = interval_s
        # A hidden picture only has its place in the order.
        self._order: DisplayOrder[Optional[Untimed[_Scored]]] = DisplayOrder()
        self._times: DisplayTimes[_Scored] = DisplayTimes(interval_s, jump_s)
        self._mean = VideoMean()
        self._smoother = Smoother()
        self._smoothed: Optional[np.ndarray] = None
        self._events = EventDetector(labels, stream, thresholds, learned)
        self._start_s, self._end_s = float("inf"), 0.0

    def add_picture(self, picture: PictureLogits) -> List[Shown]:
        """Takes the next picture in decoding order.

        Returns the pictures that can be shown now, in display order, each with the events that it ends.
        """
        facts, regions = picture.facts, self._idle
        if not picture.is_idle:
            regions = rank_regions(
                [score_region(said, self._activation) for said in picture.regions], self._background
            )
            if regions:
                self._mean.add_logits(facts.gop, regions[0].logits)
        scored = _Scored(facts, regions, picture.is_idle)
        entry = Untimed(scored, facts.time_s, facts.step) if facts.is_shown else None
        return self._show_ordered(self._order.push(facts.poc, facts.starts_sequence, entry))

    def show_remaining(self) -> List[Shown]:
        """The pictures that are still held back: no other will come."""
        shown = self._show_ordered(self._order.release_all())
        return shown + self._show_timed(self._times.time_remaining())

    def end_events(self) -> List[Event]:
        """Ends the events that are still open, and returns them."""
        return self._events.end_all()

    @property
    def gops(self) -> int:
        """GOPs with at least one scored picture."""
        return self._mean.gops

    def video_scores(self) -> Optional[VideoScores]:
        """The video's scores so far: see VideoMean. None if nothing was scored and shown."""
        logits = self._mean.logits()
        if logits is None and self._idle:
            logits = self._idle[0].logits
        if logits is None or self._smoothed is None:
            return None
        return score_video(logits, self._start_s, self._end_s, self._activation)

    def _show_ordered(self, ready: List[Optional[Untimed[_Scored]]]) -> List[Shown]:
        shown = [entry for entry in ready if entry is not None]
        return self._show_timed(self._times.time_pictures(shown))

    def _show_timed(self, timed: List[Tuple[_Scored, float]]) -> List[Shown]:
        return [self._show(picture, start_s) for picture, start_s in timed]

    def _show(self, picture: _Scored, start_s: float) -> Shown:
        facts, end_s = picture.facts, start_s + self._interval_s
        events: List[Event] = []
        if picture.regions:
            events = self._follow(picture.regions[0], start_s, end_s)
        elif picture.is_idle and self._smoothed is not None:
            self._smoothed = self._smoother.smooth(self._nothing, start_s)
            events = self._events.detect(self._smoothed, start_s, end_s)
        shown = ScoredPicture(
            decode_index=facts.decode_index,
            packet=facts.packet,
            pts=facts.pts,
            kind=facts.kind,
            is_key=facts.is_key,
            integrity=facts.integrity,
            gop=facts.gop,
            start_s=start_s,
            end_s=end_s,
            regions=picture.regions,
            smoothed=self._smoothed,
            is_idle=picture.is_idle,
        )
        return shown, events

    def _follow(self, decisive: ScoredRegion, start_s: float, end_s: float) -> List[Event]:
        """Smooths the scores of a picture; returns the events that it ends."""
        self._smoothed = self._smoother.smooth(decisive.probabilities, start_s)
        self._start_s = min(self._start_s, start_s)
        self._end_s = max(self._end_s, end_s)
        box = None if decisive.region is None else decisive.region.box
        return self._events.detect(self._smoothed, start_s, end_s, box)
