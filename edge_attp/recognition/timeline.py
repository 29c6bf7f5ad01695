"""From the logits of single pictures, in decoding order, to what a video shows, in display order."""

from typing import List, Optional, Sequence, Tuple

import numpy as np

from edge_attp.recognition.events import DEFAULT, EventDetector, Smoother, Thresholds
from edge_attp.recognition.order import DisplayOrder
from edge_attp.recognition.records import Event, PictureLogits, ScoredPicture, VideoScores
from edge_attp.recognition.scores import VideoMean, score_region, score_video
from edge_attp.recognition.times import DisplayTimes, Untimed

__all__ = ["Timeline"]

Shown = Tuple[ScoredPicture, List[Event]]


class Timeline:
    """Puts pictures in order, gives them times, smooths their scores, finds events, takes the mean.

    interval_s, jump_s: see DisplayTimes; a picture is shown for interval_s. Events and the mean are those
    of the whole picture.
    """

    def __init__(
        self,
        labels: Sequence[str],
        stream: str,
        interval_s: float,
        thresholds: Thresholds = DEFAULT,
        jump_s: float = float("inf"),
    ) -> None:
        self._interval_s = interval_s
        # A hidden picture only has its place in the order.
        self._order: DisplayOrder[Optional[Untimed[PictureLogits]]] = DisplayOrder()
        self._times: DisplayTimes[PictureLogits] = DisplayTimes(interval_s, jump_s)
        self._mean = VideoMean()
        self._smoother = Smoother()
        self._smoothed: Optional[np.ndarray] = None
        self._events = EventDetector(labels, stream, thresholds)
        self._start_s, self._end_s = float("inf"), 0.0

    def add_picture(self, picture: PictureLogits) -> List[Shown]:
        """Takes the next picture in decoding order.

        Returns the pictures that can be shown now, in display order, each with the events that it ends.
        """
        facts, whole = picture.facts, picture.whole
        if whole is not None:
            self._mean.add_logits(facts.gop, whole.logits)
        entry = Untimed(picture, facts.time_s, facts.step) if facts.is_shown else None
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
        if logits is None or self._smoothed is None:
            return None
        return score_video(logits, self._start_s, self._end_s)

    def _show_ordered(self, ready: List[Optional[Untimed[PictureLogits]]]) -> List[Shown]:
        shown = [entry for entry in ready if entry is not None]
        return self._show_timed(self._times.time_pictures(shown))

    def _show_timed(self, timed: List[Tuple[PictureLogits, float]]) -> List[Shown]:
        return [self._show(picture, start_s) for picture, start_s in timed]

    def _show(self, picture: PictureLogits, start_s: float) -> Shown:
        facts, end_s = picture.facts, start_s + self._interval_s
        regions = tuple(map(score_region, picture.regions))
        events: List[Event] = []
        for scored in regions:
            if scored.region is None:
                events = self._follow(scored.probabilities, start_s, end_s)
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
            regions=regions,
            smoothed=self._smoothed,
        )
        return shown, events

    def _follow(self, probabilities: np.ndarray, start_s: float, end_s: float) -> List[Event]:
        """Smooths the scores of a whole picture; returns the events that it ends."""
        self._smoothed = self._smoother.smooth(probabilities, start_s)
        self._start_s = min(self._start_s, start_s)
        self._end_s = max(self._end_s, end_s)
        return self._events.detect(self._smoothed, start_s, end_s)
