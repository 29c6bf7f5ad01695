"""Several streams through one engine: takes pictures from each in turn, runs them as batches, gives back the scores.

The thread that calls run() owns the networks. As many runs are in flight as the engine takes, so that the
buffers of one batch are filled and read while the engine works on the other.
"""

import threading
from collections import deque
from types import TracebackType
from typing import Callable, Deque, List, NamedTuple, Optional, Type

from edge_attp.engine import IN_FLIGHT, Backend, Pack, Run, RunTimes
from edge_attp.pipeline.networks import Networks, NoNetworks
from edge_attp.pipeline.options import Job
from edge_attp.pipeline.stream import Scoring, Stream

__all__ = ["Session"]

IDLE_S = 1.0


class _Batch(NamedTuple):
    scorings: List[Scoring]
    run: Run


class Session:
    """Runs jobs on one pack and one engine; without either, detects motion and says where, with the label `motion`.

    batch: how many pictures, of any streams, run at once at most; no picture waits for others to fill a
    batch. on_end: called in run()'s thread with each Stream that has ended; it may submit others. As a
    context manager, closes the sinks of jobs that were submitted and never run. Raises ModelError or
    EngineError if the graphs cannot be loaded.
    """

    def __init__(
        self,
        pack: Optional[Pack],
        backend: Optional[Backend],
        batch: int = 1,
        on_end: Optional[Callable[[Stream], None]] = None,
    ) -> None:
        self._networks: Networks = NoNetworks()
        if pack is not None and backend is not None:
            self._networks = Networks(backend, pack, batch)
        self._on_end = on_end
        self._streams: List[Stream] = []
        self._submitted: Deque[Stream] = deque()
        self._wake = threading.Event()
        self._in_flight: Deque[_Batch] = deque()
        self._turn = 0
        self._is_stopping = False
        self.progress = 0

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self._abandon(error)

    @property
    def batch(self) -> int:
        """How many pictures run at once at most: as many as asked for, or as the engine allows."""
        return self._networks.batch

    @property
    def streams(self) -> List[Stream]:
        """The streams that have not ended."""
        return list(self._streams) + list(self._submitted)

    def submit(self, job: Job) -> Stream:
        """Adds a job, from any thread. Raises what its make_sinks raises."""
        stream = Stream(job, self._networks, self._wake.set)
        self._submitted.append(stream)
        self._wake.set()
        return stream

    def stop(self) -> None:
        """Ends all streams, and run(), from any thread or signal handler; what has been read is scored."""
        self._is_stopping = True
        for stream in self.streams:
            stream.stop()
        self._wake.set()

    def run(self, until_idle: bool = True) -> None:
        """Runs until all jobs have ended (until_idle), or until stop().

        The failure of one stream is in its `error`. EngineError and KeyboardInterrupt end all streams and are
        raised again. `progress` grows with every batch, and while there is nothing to do: it stands still
        only if the engine does.
        """
        try:
            while not self._is_finished(until_idle):
                self._wake.clear()
                if not self._round():
                    self.progress += 1
                    self._wake.wait(IDLE_S)
        except BaseException as error:
            self._abandon(error)
            raise

    def _is_finished(self, until_idle: bool) -> bool:
        return (until_idle or self._is_stopping) and not self._streams and not self._submitted

    def _round(self) -> bool:
        """Takes one step; False if there was nothing to do."""
        self._begin_submitted()
        scorings = self._gather()
        if scorings:
            run = self._networks.start_motion([scoring.motion for scoring in scorings])
            self._in_flight.append(_Batch(scorings, run))
        is_due = len(self._in_flight) >= IN_FLIGHT or not scorings
        if self._in_flight and is_due:
            self._finish_batch(self._in_flight.popleft())
            return True
        return self._drop_ended() or bool(scorings)

    def _begin_submitted(self) -> None:
        while self._submitted:
            stream = self._submitted.popleft()
            self._streams.append(stream)
            self._keep_buffers()
            stream.begin()
            if self._is_stopping:
                stream.stop()

    def _gather(self) -> List[Scoring]:
        """The pictures of one run, taken from each stream in turn."""
        scorings: List[Scoring] = []
        misses = 0
        while len(scorings) < self.batch and misses < len(self._streams):
            self._turn = (self._turn + 1) % len(self._streams)
            scoring = self._streams[self._turn].next_scoring()
            if scoring is None:
                misses += 1
            else:
                misses = 0
                scorings.append(scoring)
        return scorings

    def _finish_batch(self, batch: _Batch) -> None:
        times = batch.run.wait()
        share = RunTimes(*(seconds / len(batch.scorings) for seconds in times))
        for scoring in batch.scorings:
            scoring.stream.take_scores(scoring, share)
        self.progress += 1

    def _drop_ended(self) -> bool:
        ended = [stream for stream in self._streams if stream.is_over]
        for stream in ended:
            self._streams.remove(stream)
            stream.close()
            if self._on_end is not None:
                self._on_end(stream)
        self._keep_buffers()
        return bool(ended)

    def _keep_buffers(self) -> None:
        self._networks.keep_buffers_for(sum(max(stream.regions, 1) for stream in self._streams))

    def _abandon(self, error: Optional[BaseException]) -> None:
        streams, self._streams = self.streams, []
        self._submitted.clear()
        self._in_flight.clear()
        for stream in streams:
            stream.abandon_reading()
        for stream in streams:
            stream.conclude_early(error)
        for stream in streams:
            stream.close()
