"""One stream of a session: its reader, its scorer and its writer, and the order between them."""

import time
from collections import deque
from typing import Callable, Deque, List, NamedTuple, Optional

from edge_attp.bitstream import CompressedVideo
from edge_attp.bitstream.orientation import Orientation
from edge_attp.bitstream.source import ASSUMED_RATE
from edge_attp.engine import Buffers, Pack, RunTimes
from edge_attp.errors import EdgeAttpError
from edge_attp.log import logger, without_password
from edge_attp.pipeline.networks import QUEUED_PICTURES, Networks, record_run
from edge_attp.pipeline.options import Job, StreamStatus
from edge_attp.pipeline.reader import EndOfReading, Reader, ReadPicture
from edge_attp.pipeline.scorer import Scorer
from edge_attp.pipeline.views import (
    InputFiller,
    MotionViews,
    RegionViews,
    Viewer,
    WholeViews,
)
from edge_attp.pipeline.writer import Conclusion, Writer
from edge_attp.recognition import PictureLogits, RegionLogits, Verdict
from edge_attp.sinks import Header, Observer, Sink
from edge_attp.timing import Clock

__all__ = ["Scoring", "Stream"]

CLOSE_TIMEOUT_S = 10.0


class _Awaited:
    """A picture on its way to the writer. regions: in the order of its views, None where the scores are still to
    come."""

    def __init__(self, picture: ReadPicture) -> None:
        self.facts, self.is_idle = picture.facts, picture.is_idle
        self.views = [v for v in picture.views if v.motion is not None or v.logits is not None]
        self.regions = [
            None if view.logits is None else RegionLogits(view.region, view.logits)
            for view in self.views
        ]

    @property
    def is_complete(self) -> bool:
        return None not in self.regions

    def logits(self) -> PictureLogits:
        """The picture with its scores, once it is complete."""
        scored = tuple(region for region in self.regions if region is not None)
        return PictureLogits(self.facts, scored, self.is_idle)


class Scoring(NamedTuple):
    """A view of a picture whose buffers are filled for the motion network. place: of the view among those of its
    picture. fuse_s: what fusing its appearance took."""

    stream: "Stream"
    picture: _Awaited
    place: int
    motion: Buffers
    fuse_s: float


class Stream:
    """A job in a session. Any thread may read `status` and call stop(); `verdict` and `error` are set once it has
    ended. All other methods belong to the session."""

    def __init__(self, job: Job, networks: Networks, wake: Callable[[], None]) -> None:
        self.job = job = _suited(job, networks.pack)
        source = job.source
        self.source = without_password(source) if isinstance(source, str) else source.name
        self.name = job.name or self.source
        self.error: Optional[BaseException] = None
        self.status = status = StreamStatus(job.clock or Clock())
        if not isinstance(job.source, str):
            status.source_counters = job.source.counters.copy
        self._networks = networks
        self._wake = wake
        sinks, options = list(job.make_sinks()), job.options
        self._scorer = Scorer(networks, status.clock)
        self.regions = options.regions_of(networks.pack)
        self._writer = Writer(sinks, status, options.thresholds, networks.activation, wake)
        self._pools = networks.pools.copy()
        observers = _observers(job, sinks)
        self._reader = Reader(
            job, status, self._new_viewer, self.regions > 0, observers, self._announce, wake
        )
        self._order: Deque[_Awaited] = deque()  # in decoding order, until all before are scored
        self._scorings: Deque[Scoring] = deque()  # of the newest of these, yet to be started
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

    def _new_viewer(self, video: CompressedVideo) -> Viewer:
        clock = self.status.clock
        if not self._networks.pools:
            return MotionViews(video, self.regions, clock)
        filler = InputFiller(self._networks.pack.input, self._pools, clock, video.bit_depth)
        if self.regions:
            return RegionViews(filler, video, self.regions, clock)
        return WholeViews(filler, self.job.options.wait)

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
            background=pack.background,
            thresholds=pack.thresholds,
            regions=self.regions,
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
        """The next view to score; None if there is none now."""
        if self._writer.failure is not None:
            self._give_up()
        taken = 0
        while not self._is_concluded and not self._scorings and self._has_room:
            if (
                taken == QUEUED_PICTURES
            ):  # a stream in which nothing moves must leave time to others
                self._wake()
                return None
            taken += 1
            while self._scorer.has_room and self._take_entry():
                pass
            picture = self._scorer.next_ready()
            if picture is None:
                if self._take_entry():  # all that was read before has only begun to wait
                    continue
                self._conclude_at_end()
                return None
            awaited = _Awaited(picture)
            self._order.append(awaited)
            self._prepare_scorings(awaited)
            self._hand_over()
        return self._scorings.popleft() if self._scorings else None

    def _prepare_scorings(self, picture: _Awaited) -> None:
        for place, view in enumerate(picture.views):
            if view.motion is None:
                continue
            began_s = time.monotonic()
            self._scorer.fuse_appearance(view)
            fuse_s = time.monotonic() - began_s
            self._scorings.append(Scoring(self, picture, place, view.motion, fuse_s))

    def take_scores(self, scoring: Scoring, times: RunTimes) -> None:
        """Takes the scores that the motion network has given to this view; times: its share of the batch."""
        picture, place = scoring.picture, scoring.place
        logits = scoring.motion.outputs["scores"][0].copy()
        picture.regions[place] = RegionLogits(picture.views[place].region, logits)
        self._networks.pools["motion"].return_buffers(scoring.motion)
        record_run(self.status.clock, "motion", times, scoring.fuse_s)
        self._hand_over()

    def close(self) -> None:
        """Once is_over: waits for the threads, sets `error`, and drops the engine, which whoever keeps the stream from
        now on does not need."""
        self._reader.close()
        self._writer.join_thread(CLOSE_TIMEOUT_S)
        self._order.clear()
        self._pools.clear()
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
        while self._order and self._order[0].is_complete:
            picture = self._order.popleft()
            if picture.is_idle or picture.regions:
                self.status.idle += picture.is_idle
                self.status.scored += not picture.is_idle
                self._note_result()
            if not self._is_concluded:
                self._writer.write_picture(picture.logits())

    def _note_result(self) -> None:
        """A picture was scored, or found to be idle."""
        status, now_s = self.status, time.monotonic()
        if status.last_scored_s is not None:
            status.clock.record("total", now_s - status.last_scored_s)
        status.last_scored_s = now_s

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


def _suited(job: Job, pack: Pack) -> Job:
    """The job without anchors where nothing looks at them: decoding them would take most of the time."""
    if job.options.anchor is None or pack.has_appearance:
        return job
    logger.warning(
        "anchor %d is of no use: the model %s looks at no key pictures",
        job.options.anchor,
        pack.name,
    )
    return job._replace(options=job.options._replace(anchor=None))


def _observers(job: Job, sinks: List[Sink]) -> List[Observer]:
    of_sinks = [sink.observer for sink in sinks]
    return list(job.observers) + [observer for observer in of_sinks if observer is not None]
