"""One stream of a session: its reader, its scorer and its writer, and the order between them."""

import time
from collections import deque
from typing import Callable, Deque, Dict, List, NamedTuple, Optional

from edge_attp.bitstream import CompressedVideo
from edge_attp.bitstream.orientation import Orientation
from edge_attp.bitstream.source import ASSUMED_RATE
from edge_attp.engine import Buffers, RunTimes
from edge_attp.errors import EdgeAttpError
from edge_attp.log import logger, without_password
from edge_attp.pipeline.networks import QUEUED_PICTURES, Networks, record_run
from edge_attp.pipeline.options import Job, StreamStatus
from edge_attp.pipeline.reader import EndOfReading, Reader, ReadPicture
from edge_attp.pipeline.scorer import Scorer
from edge_attp.pipeline.writer import Conclusion, Writer
from edge_attp.recognition import PictureLogits, RegionLogits, Verdict
from edge_attp.sinks import Header, Observer, Sink
from edge_attp.timing import Clock

__all__ = ["Scoring", "Stream"]

CLOSE_TIMEOUT_S = 10.0


class Scoring(NamedTuple):
    """A picture whose buffers are filled for the motion network. fuse_s: what fusing its appearance took."""

    stream: "Stream"
    decode_index: int
    motion: Buffers
    fuse_s: float


class Stream:
    """A job in a session. Any thread may read `status` and call stop(); `verdict` and `error` are set once it has
    ended. All other methods belong to the session."""

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
        spec, observers = networks.pack.input, _observers(job, sinks)
        self._reader = Reader(job, status, spec, pools, observers, self._announce, wake)
        self._order: Deque[ReadPicture] = deque()  # in decoding order, until all before are scored
        self._scored: Dict[int, RegionLogits] = {}  # of these, by decode_index
        self._end: Optional[EndOfReading] = None
        self._is_concluded = False

    @property
    def verdict(self) -> Optional[Verdict]:
        """The verdict of the whole video; None before the end, or if the stream failed early."""
        return self._writer.verdict

    def begin(self) -> None:
        """Begins to read and, with overlap, to write, each in a thread of its own."""
        if self.job.options.overlap:
            self._writer.start_thread()
        self._reader.begin_reading()

    def stop(self) -> None:
        """Ends the reading; what was read is still scored."""
        self._reader.stop_reading()

    def abandon_reading(self) -> None:
        """Ends the reading; what was read is not scored any more."""
        self._reader.abandon()

    def _announce(self, video: CompressedVideo) -> Header:
        """Begins the sinks, in the reading thread, once the source is open. Raises what a sink raises."""
        if self._is_concluded:
            raise EdgeAttpError(f"{self.name}: opened too late, the stream has ended")
        status = self.status
        status.width, status.height = video.width, video.height
        status.frame_rate = video.frame_rate
        if video.frame_rate is None and video.time_base is None:
            logger.warning(
                "%s: the stream does not say its rate: times are those of %g pictures a second",
                self.name,
                ASSUMED_RATE,
            )
        header = self._header(video)
        self._writer.begin_sinks(header)
        status.state = "running"
        return header

    def _header(self, video: CompressedVideo) -> Header:
        pack = self._networks.pack
        return Header(
            source=self.source,
            width=video.width,
            height=video.height,
            frame_rate=video.frame_rate,
            model=pack.name,
            is_trained=pack.trained,
            labels=pack.labels,
            backend=self._networks.describe(),
            clock=self.status.clock,
            bit_depth=video.bit_depth,
            stream=self.name,
            jump_s=video.jump_s,
            orientation=Orientation(video.rotation_deg, video.is_mirrored),
            display_matrix=video.display_matrix,
            track=video.track,
        )

    def next_scoring(self) -> Optional[Scoring]:
        """The next picture to score; None if there is none now."""
        if self._writer.failure is not None:
            self._give_up()
        while not self._is_concluded and self._has_room:
            while self._scorer.has_room and self._take_entry():
                pass
            picture = self._scorer.next_ready()
            if picture is None:
                if self._take_entry():  # all that was read before has only begun to wait
                    continue
                self._conclude_at_end()
                return None
            self._order.append(picture)
            if picture.motion is not None:
                began_s = time.monotonic()
                self._scorer.fuse_appearance(picture.motion)
                fuse_s = time.monotonic() - began_s
                return Scoring(self, picture.facts.decode_index, picture.motion, fuse_s)
            self._hand_over()
        return None

    def take_scores(self, scoring: Scoring, times: RunTimes) -> None:
        """Takes the scores that the motion network has given to this picture; times: its share of the batch."""
        logits = scoring.motion.outputs["scores"][0].copy()
        self._scored[scoring.decode_index] = RegionLogits(None, logits)
        self._networks.motion.return_buffers(scoring.motion)
        self._record_times(scoring.fuse_s, times)
        self._hand_over()

    def close(self) -> None:
        """Once is_over: waits for the threads, sets `error`, and drops the engine, which whoever keeps the stream from
        now on does not need."""
        self._reader.close()
        self._writer.join_thread(CLOSE_TIMEOUT_S)
        self._order.clear()
        del self._networks, self._scorer
        failure = None if self._end is None else self._end.failure
        self.error = self.error or failure or self._writer.failure
        self.status.state = "ended" if self.error is None else "failed"

    def conclude_early(self, error: Optional[BaseException]) -> None:
        """After abandon_reading(): what has been shown until now is all there will be."""
        self._reader.join_thread()
        self.error = error
        if not self._is_concluded:
            with_verdict = isinstance(error, KeyboardInterrupt) and self._reader.stats.pictures > 0
            self._conclude(is_complete=False, with_verdict=with_verdict, explanation=None)

    @property
    def is_over(self) -> bool:
        """Whether everything has been read, scored and written."""
        is_in_flight = bool(self._order)
        return self._is_concluded and self._writer.is_over and not is_in_flight

    @property
    def _has_room(self) -> bool:
        waiting = self._writer.backlog + len(self._order)
        return waiting < QUEUED_PICTURES + self._networks.batch

    def _take_entry(self) -> bool:
        """Takes one entry from the reader; False if it has none now."""
        entry = None if self._end is not None else self._reader.next_entry()
        if isinstance(entry, EndOfReading):
            self._end = entry
            if not isinstance(entry.failure, KeyboardInterrupt):
                self._scorer.end_pictures()
        elif entry is not None:
            self._scorer.add_picture(entry)
        return entry is not None

    def _hand_over(self) -> None:
        """Gives the writer the pictures up to the first one whose scores are still to come."""
        while self._order:
            picture = self._order[0]
            scored = self._scored.pop(picture.facts.decode_index, None)
            if scored is None and picture.motion is not None:
                return
            self._order.popleft()
            if not self._is_concluded:
                regions = () if scored is None else (scored,)
                self._writer.write_picture(PictureLogits(picture.facts, regions))

    def _record_times(self, fuse_s: float, times: RunTimes) -> None:
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
        with_verdict = end.failure is None or self._reader.stats.pictures > 0
        explanation = self._scorer.explain_nothing_scored() if end.failure is None else None
        self._conclude(end.is_whole, with_verdict, explanation)

    def _give_up(self) -> None:
        """A sink has failed."""
        self._reader.abandon()
        if not self._is_concluded:
            self._conclude(is_complete=False, with_verdict=False, explanation=None)

    def _conclude(self, is_complete: bool, with_verdict: bool, explanation: Optional[str]) -> None:
        self._is_concluded = True
        self._writer.conclude(
            Conclusion(self._reader.stats, is_complete, with_verdict, explanation)
        )


def _observers(job: Job, sinks: List[Sink]) -> List[Observer]:
    of_sinks = [sink.observer for sink in sinks]
    return list(job.observers) + [observer for observer in of_sinks if observer is not None]
