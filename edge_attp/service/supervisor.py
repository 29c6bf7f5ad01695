"""Keeps the streams of a configuration running: starts each, and restarts it when it fails.

It knows jobs and how they end, and nothing of where they read or write. All of it runs in the main loop's
thread, one tend_streams() at a time.
"""

import threading
import time
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from edge_attp.backoff import Backoff
from edge_attp.errors import CorruptStream, EdgeAttpError, UnsupportedStream, UsageError
from edge_attp.log import logger
from edge_attp.pipeline import Job, Session, Stream
from edge_attp.service.state import ServiceState
from edge_attp.sinks import Sink

__all__ = ["Plan", "Supervisor", "Work"]

LONGEST_PAUSE_S = 60.0
SUCCESS_S = 60.0  # a stream that ran for this long is restarted after a short pause again
MOST_REPEATS = 5  # of one error of a file, whose content is the same each time


class Work(NamedTuple):
    """A job, and those of its sinks that have a name. The job's make_sinks returns the same objects."""

    job: Job
    sinks: Sequence[Tuple[str, Sink]] = ()


class Plan(NamedTuple):
    """How to run one stream.

    tables: what the plan was made from; plans with equal tables are the same. next_work: returns None if
    there is nothing to do now. is_series: works follow one another without end; else the first that ends
    without an error is the only one. is_file: the source is a file, the same at each attempt. close: called
    once, in a thread of its own, when there is nothing more to run.
    """

    name: str
    tables: object
    next_work: Callable[[], Optional[Work]]
    is_series: bool = False
    is_file: bool = False
    close: Callable[[], None] = lambda: None


class Supervisor:
    """Runs plans on a session. follow_plans() may replace the plans at any time."""

    def __init__(
        self, session: Session, state: ServiceState, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._session = session
        self._state = state
        self._now = now
        self._keepers: Dict[str, _Keeper] = {}
        self._stopping: List[_Keeper] = []

    def follow_plans(self, plans: Sequence[Plan]) -> None:
        """Runs these plans from now on: equal ones keep running, others are stopped or started."""
        wanted = {plan.name: plan for plan in plans}
        for name, keeper in list(self._keepers.items()):
            if name not in wanted or wanted[name].tables != keeper.plan.tables:
                keeper.stop_stream()
                self._stopping.append(self._keepers.pop(name))
        for plan in plans:
            if plan.name not in self._keepers:
                self._keepers[plan.name] = _Keeper(plan, self._session, self._state, self._now)

    def tend_streams(self) -> None:
        """Starts what is due and notes what has ended. Raises UsageError if a plan can never run."""
        for keeper in self._stopping:
            keeper.tend_stream()
        self._stopping = [keeper for keeper in self._stopping if not keeper.is_closed]
        busy = {keeper.plan.name for keeper in self._stopping}  # their files may still be open
        for name, keeper in self._keepers.items():
            if name not in busy:
                keeper.tend_stream()

    def stop_streams(self) -> None:
        """Asks all streams to stop; later tend_streams() drop those that have ended."""
        self.follow_plans([])

    @property
    def count(self) -> int:
        """Number of streams that should run."""
        return len(self._keepers)

    @property
    def streams(self) -> List[Stream]:
        """The newest run of each stream that was started."""
        keepers = list(self._keepers.values())
        return [keeper.newest for keeper in keepers if keeper.newest is not None]

    @property
    def is_settled(self) -> bool:
        """Whether a source is open, or all have been tried."""
        keepers = list(self._keepers.values())
        return any(keeper.was_open for keeper in keepers) or all(k.was_tried for k in keepers)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do, ever."""
        return not self._stopping and all(keeper.is_closed for keeper in self._keepers.values())


class _Keeper:
    """Runs one plan. stream: the current run, if any; newest: the last one, also after its end."""

    def __init__(
        self, plan: Plan, session: Session, state: ServiceState, now: Callable[[], float]
    ) -> None:
        self.plan = plan
        self.stream: Optional[Stream] = None
        self.newest: Optional[Stream] = None
        self.is_done = self.was_tried = self.was_open = False
        self._session = session
        self._state = state
        self._now = now
        self._sinks: Sequence[Tuple[str, Sink]] = ()
        self._backoff = Backoff(LONGEST_PAUSE_S)
        self._due_s = now()
        self._open_s: Optional[float] = None
        self._complaint = ""
        self._error = ""  # the last one
        self._repeats = 0  # of it, in a row
        self._closing: Optional[threading.Thread] = None

    def stop_stream(self) -> None:
        self.is_done = True
        if self.stream is not None:
            self.stream.stop()

    @property
    def is_closed(self) -> bool:
        """Whether the stream is done and its plan is closed."""
        return self._closing is not None and not self._closing.is_alive()

    def tend_stream(self) -> None:
        if self.stream is not None:
            self._check_stream(self.stream)
        elif not self.is_done and self._now() >= self._due_s:
            self._start_work()
        if self.is_done and self.stream is None and self._closing is None:
            self._closing = threading.Thread(target=self.plan.close, name="edge-attp-closing")
            self._closing.daemon = True
            self._closing.start()

    def _start_work(self) -> None:
        try:
            work = self.plan.next_work()
            if work is not None:
                self.stream = self.newest = self._session.submit(work.job)
                self._sinks, self._open_s = work.sinks, None
                self._state.add_sinks(work.sinks)
        except (EdgeAttpError, OSError) as error:
            self._handle_failure(error)
        self.was_tried = self.was_tried or self.stream is None

    def _check_stream(self, stream: Stream) -> None:
        status = stream.status
        if status.state == "running" and self._open_s is None:
            self._open_s = self._now()
            self.was_open = True
            self._log_change("")
        if status.source_counters().get("connection_failures"):
            self.was_tried = True  # a camera keeps trying by itself
        if status.state in ("ended", "failed"):
            self.stream = None
            self.was_tried = True
            self._state.drop_sinks(self._sinks)
            self._handle_end(stream)

    def _handle_end(self, stream: Stream) -> None:
        if stream.error is not None and not self.is_done:
            self._handle_failure(stream.error)
        elif not self.plan.is_series and not self.is_done:
            self.is_done = True
            logger.info("%s: done: %d pictures", self.plan.name, stream.status.pictures)

    def _handle_failure(self, error: BaseException) -> None:
        if isinstance(error, UsageError) and not self._state.is_ready:
            raise error
        if self.plan.is_series:
            logger.warning("%s: %s; continuing with the next clip", self.plan.name, error)
            return
        if self._is_hopeless(error):
            self.is_done = True
            logger.error(
                "%s: %s; giving up after the same error %d times",
                self.plan.name,
                error,
                self._repeats,
            )
            return
        if self._open_s is not None and self._now() - self._open_s >= SUCCESS_S:
            self._backoff.reset()
        self._due_s = self._now() + self._backoff.next_s()
        restarts = self._state.restarts
        restarts[self.plan.name] = restarts.get(self.plan.name, 0) + 1
        self._log_change(str(error))

    def _is_hopeless(self, error: BaseException) -> bool:
        """Whether a file has failed in the same way again and again, although it could be opened or its
        content is at fault. A file that cannot be opened may still appear."""
        self._repeats = self._repeats + 1 if str(error) == self._error else 1
        self._error = str(error)
        is_of_content = isinstance(error, (CorruptStream, UnsupportedStream))
        was_readable = self._open_s is not None or is_of_content
        return self.plan.is_file and was_readable and self._repeats >= MOST_REPEATS

    def _log_change(self, complaint: str) -> None:
        """Logs a complaint when it is new, and a recovery."""
        if complaint and complaint != self._complaint:
            logger.warning("%s: %s; trying again", self.plan.name, complaint)
        elif self._complaint and not complaint:
            logger.info("%s: works again", self.plan.name)
        self._complaint = complaint
