"""One stream of a session: its reader, its scorer and its writer, and the order between them."""

import time
from collections import deque
from typing import Any, Callable, Deque, Optional

import numpy as np

from edge_attp.bitstream.orientation import Orientation
from edge_attp.engine import RunTimes
from edge_attp.log import logger, without_password
from edge_attp.pipeline.networks import QUEUED_PICTURES, Networks, record_run
from edge_attp.pipeline.options import Job, StreamStatus
from edge_attp.pipeline.reader import ASSUMED_RATE, End, Item, Reader
from edge_attp.pipeline.scorer import Scorer
from edge_attp.pipeline.writer import Conclusion, Writer
from edge_attp.recognition import Verdict
from edge_attp.sinks import Header
from edge_attp.timing import Clock

__all__ = ["Scoring", "Stream"]

CLOSE_TIMEOUT_S = 10.0


class Scoring:
    """A picture on its way from the scorer to the writer; pictures without motion only pass through."""

    def __init__(self, stream: "Stream", item: Item) -> None:
        self.stream = stream
        self.item = item
        self.fuse_s = 0.0
        self.logits: Optional[np.ndarray] = None
        self.is_done = item.motion is None


class Stream:
    """A job in a session. Any thread may read `status` and call stop(); `verdict` and `error` are there
    when it has ended. All other methods belong to the session."""

    def __init__(self, job: Job, networks: Networks, wake: Callable[[], None]) -> None:
        self.job = job
        source = job.source
        self.source = without_password(source) if isinstance(source, str) else source.name
        self.name = job.name or self.source
        self.error: Optional[BaseException] = None
        self.status = status = StreamStatus(job.clock or Clock())
        if not isinstance(job.source, str):
            status.source_counters = job.source.counters.copy
        self._networks = networks
        sinks, options = list(job.make_sinks()), job.options
        self._scorer = Scorer(networks, status.clock, options.wait)
        self._writer = Writer(sinks, status, options.thresholds, wake)
        pools = {"appearance": networks.appearance, "motion": networks.motion}
        self._reader = Reader(job, status, networks.pack.input, pools, sinks, self._begin, wake)
        self._order: Deque[Scoring] = deque()  # in decoding order, until all before are scored
        self._end: Optional[End] = None
        self._is_concluded = False

    @property
    def verdict(self) -> Optional[Verdict]:
        return self._writer.verdict

    def start(self) -> None:
        if self.job.options.overlap:
            self._writer.start()
        self._reader.start()

    def stop(self) -> None:
        """Ends the reading; what was read is still scored."""
        self._reader.stop()

    def desert(self) -> None:
        """Ends the reading; what was read is not scored any more."""
        self._reader.desert()

    def _begin(self, video: Any) -> None:
        networks, status = self._networks, self.status
        status.width, status.height = video.width, video.height
        status.frame_rate = video.frame_rate
        header = Header(
            self.source,
            video.width,
            video.height,
            video.frame_rate,
            networks.pack.name,
            networks.pack.trained,
            networks.pack.labels,
            networks.describe(),
            status.clock,
            video.bit_depth,
            self.name,
            jump_s=video.jump_s,
            orientation=Orientation(video.rotation_deg, video.is_mirrored),
            display_matrix=video.display_matrix,
            track=video.track,
        )
        if video.frame_rate is None and video.time_base is None:
            logger.warning(
                "%s: the stream does not tell its rate: times are those of %g pictures a second",
                self.name,
                ASSUMED_RATE,
            )
        self._writer.begin(header)
        status.state = "running"

    def next_scoring(self) -> Optional[Scoring]:
        """The next picture to score; None if there is none now."""
        if self._writer.failure is not None:
            self._give_up()
        while not self._is_concluded and self._has_room:
            while self._scorer.has_room and self._read():
                pass
            item = self._scorer.next()
            if item is None:
                if self._read():  # all that was read before only went to wait
                    continue
                self._conclude_at_end()
                return None
            scoring = Scoring(self, item)
            self._order.append(scoring)
            if item.motion is not None:
                began = time.monotonic()
                self._scorer.fuse(item.motion)
                scoring.fuse_s = time.monotonic() - began
                return scoring
            self._hand_over()
        return None

    def deliver(self, scoring: Scoring, times: RunTimes) -> None:
        """The motion network has run on this picture; times: its share of the batch."""
        motion = scoring.item.motion
        assert motion is not None
        scoring.logits = motion.outputs["scores"][0].copy()
        scoring.is_done = True
        self._networks.motion.give(motion)
        self._record(scoring.fuse_s, times)
        self._hand_over()

    def close(self) -> None:
        """Once is_over: waits for the threads, and says how it ended. Who keeps the stream from now on
        does not keep the engine."""
        self._reader.close()
        self._writer.join(CLOSE_TIMEOUT_S)
        self._order.clear()
        del self._networks, self._scorer
        failure = None if self._end is None else self._end.failure
        self.error = self.error or failure or self._writer.failure
        self.status.state = "ended" if self.error is None else "failed"

    def abandon(self, error: Optional[BaseException]) -> None:
        """Instead of going on: what was shown until now is all there will be."""
        self._reader.join()
        self.error = error
        if not self._is_concluded:
            is_told = isinstance(error, KeyboardInterrupt) and self._reader.stats.pictures > 0
            self._conclude(is_complete=False, is_told=is_told, why_nothing=None)

    @property
    def is_over(self) -> bool:
        is_in_flight = bool(self._order)
        return self._is_concluded and self._writer.is_over and not is_in_flight

    @property
    def _has_room(self) -> bool:
        waiting = self._writer.backlog + len(self._order)
        return waiting < QUEUED_PICTURES + self._networks.batch

    def _read(self) -> bool:
        """Takes one entry from the reader; False if it has none now."""
        entry = None if self._end is not None else self._reader.next()
        if isinstance(entry, End):
            self._end = entry
            if not isinstance(entry.failure, KeyboardInterrupt):
                self._scorer.end()
        elif entry is not None:
            self._scorer.add(entry)
        return entry is not None

    def _hand_over(self) -> None:
        while self._order and self._order[0].is_done:
            scoring = self._order.popleft()
            if not self._is_concluded:
                self._writer.put(scoring.item, scoring.logits)

    def _record(self, fuse_s: float, times: RunTimes) -> None:
        status, now_s = self.status, time.monotonic()
        record_run(status.clock, "motion", times, fuse_s)
        if status.last_scored_s is not None:
            status.clock.record("total", now_s - status.last_scored_s)
        status.last_scored_s = now_s
        status.scored += 1

    def _conclude_at_end(self) -> None:
        end = self._end
        if end is None or self._order:
            return
        is_told = end.failure is None or self._reader.stats.pictures > 0
        why_nothing = self._scorer.why_nothing() if end.failure is None else None
        self._conclude(end.is_whole, is_told, why_nothing)

    def _give_up(self) -> None:
        """A sink has failed."""
        self._reader.desert()
        if not self._is_concluded:
            self._conclude(is_complete=False, is_told=False, why_nothing=None)

    def _conclude(self, is_complete: bool, is_told: bool, why_nothing: Optional[str]) -> None:
        self._is_concluded = True
        self._writer.conclude(Conclusion(self._reader.stats, is_complete, is_told, why_nothing))
