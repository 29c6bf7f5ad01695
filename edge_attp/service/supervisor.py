"""Keeps the streams of a configuration running: starts each, and starts it again when it has failed.

It knows jobs and how they end, and nothing of where they read or write. All of it runs in the main loop's
thread, one tick() at a time.
"""

import threading
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from edge_attp.backoff import Backoff
from edge_attp.errors import CorruptStream, EdgeAttpError, UnsupportedStream, UsageError
from edge_attp.log import logger
from edge_attp.pipeline import Job, Session, Stream
from edge_attp.service.state import ServiceState
from edge_attp.sinks import Sink

__all__ = ["Plan", "Supervisor", "Work"]

LONGEST_PAUSE_S = 60.0
SUCCESS_S = 60.0  # a stream that ran for so long begins anew with short pauses
MOST_REPEATS = 5  # of a file, which is the same each time: so often it may end in the same error


class Work(NamedTuple):
    """A job, and those of its sinks that have a name. The job's make_sinks gives them out."""

    job: Job
    sinks: Sequence[Tuple[str, Sink]] = ()


class Plan(NamedTuple):
    """How to run one stream. tables: what it was made from; a plan with equal tables is the same one.
    next_work: None if there is nothing to do now. is_series: one work after the other, without end;
    else a work that ends without an error was the only one. is_file: what it reads is there, and the same,
    each time. close: called once in a thread of its own, when there is nothing more to run."""

    name: str
    tables: Any
    next_work: Callable[[], Optional[Work]]
    is_series: bool = False
    is_file: bool = False
    close: Callable[[], None] = lambda: None


class Supervisor:
    """Runs plans on a session. `follow` may replace the plans at any time."""

    def __init__(
        self, session: Session, state: ServiceState, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._session = session
        self._state = state
        self._now = now
        self._keepers: Dict[str, _Keeper] = {}
        self._leaving: List[_Keeper] = []

    def follow(self, plans: Sequence[Plan]) -> None:
        """These plans from now on: what is the same goes on, the rest is stopped or started."""
        wanted = {plan.name: plan for plan in plans}
        for name, keeper in list(self._keepers.items()):
            if name not in wanted or wanted[name].tables != keeper.plan.tables:
                keeper.leave()
                self._leaving.append(self._keepers.pop(name))
        for plan in plans:
            if plan.name not in self._keepers:
                self._keepers[plan.name] = _Keeper(plan, self._session, self._state, self._now)

    def tick(self) -> None:
        """Starts what is due, and takes note of what has ended. UsageError: a plan can never run."""
        for keeper in self._leaving:
            keeper.tick()
        self._leaving = [keeper for keeper in self._leaving if not keeper.is_closed]
        busy = {keeper.plan.name for keeper in self._leaving}  # its files may still be open
        for name, keeper in self._keepers.items():
            if name not in busy:
                keeper.tick()

    def leave(self) -> None:
        """Stops all streams; those that have ended are dropped by later ticks."""
        self.follow([])

    @property
    def count(self) -> int:
        """Streams that are to run."""
        return len(self._keepers)

    @property
    def streams(self) -> List[Stream]:
        """The newest of each stream that was started."""
        keepers = list(self._keepers.values())
        return [keeper.newest for keeper in keepers if keeper.newest is not None]

    @property
    def is_settled(self) -> bool:
        """A source is open, or all have been tried."""
        keepers = list(self._keepers.values())
        return any(keeper.was_open for keeper in keepers) or all(k.was_tried for k in keepers)

    @property
    def is_done(self) -> bool:
        """Nothing is left to do, ever."""
        return not self._leaving and all(keeper.is_closed for keeper in self._keepers.values())


class _Keeper:
    """One stream. stream: the one that runs; newest: also after it has ended."""

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

    def leave(self) -> None:
        self.is_done = True
        if self.stream is not None:
            self.stream.stop()

    @property
    def is_closed(self) -> bool:
        """It is done, and so is its plan."""
        return self._closing is not None and not self._closing.is_alive()

    def tick(self) -> None:
        if self.stream is not None:
            self._look(self.stream)
        elif not self.is_done and self._now() >= self._due_s:
            self._start()
        if self.is_done and self.stream is None and self._closing is None:
            self._closing = threading.Thread(target=self.plan.close, name="edge-attp-closing")
            self._closing.daemon = True
            self._closing.start()

    def _start(self) -> None:
        try:
            work = self.plan.next_work()
            if work is not None:
                self.stream = self.newest = self._session.submit(work.job)
                self._sinks, self._open_s = work.sinks, None
                self._state.add_sinks(work.sinks)
        except (EdgeAttpError, OSError) as error:
            self._fail(error)
        self.was_tried = self.was_tried or self.stream is None

    def _look(self, stream: Stream) -> None:
        status = stream.status
        if status.state == "running" and self._open_s is None:
            self._open_s = self._now()
            self.was_open = True
            self._say("")
        if status.source_counters().get("connection_failures"):
            self.was_tried = True  # a camera goes on trying by itself, for ever
        if status.state in ("ended", "failed"):
            self.stream = None
            self.was_tried = True
            self._state.drop_sinks(self._sinks)
            self._end(stream)

    def _end(self, stream: Stream) -> None:
        if stream.error is not None and not self.is_done:
            self._fail(stream.error)
        elif not self.plan.is_series and not self.is_done:
            self.is_done = True
            logger.info("%s: done: %d pictures", self.plan.name, stream.status.pictures)

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, UsageError) and not self._state.is_ready:
            raise error
        if self.plan.is_series:
            logger.warning("%s: %s; going on with the next", self.plan.name, error)
            return
        if self._is_hopeless(error):
            self.is_done = True
            logger.error(
                "%s: %s; given up: it has ended so %d times", self.plan.name, error, self._repeats
            )
            return
        if self._open_s is not None and self._now() - self._open_s >= SUCCESS_S:
            self._backoff.reset()
        self._due_s = self._now() + self._backoff.next_s()
        restarts = self._state.restarts
        restarts[self.plan.name] = restarts.get(self.plan.name, 0) + 1
        self._say(str(error))

    def _is_hopeless(self, error: BaseException) -> bool:
        """A file that could be opened, or is what cannot be read, has failed in the same way again and
        again. One that cannot be opened may still come."""
        self._repeats = self._repeats + 1 if str(error) == self._error else 1
        self._error = str(error)
        is_of_content = isinstance(error, (CorruptStream, UnsupportedStream))
        is_there = self._open_s is not None or is_of_content
        return self.plan.is_file and is_there and self._repeats >= MOST_REPEATS

    def _say(self, complaint: str) -> None:
        """Logs what is wrong when that has changed, and when nothing is any more."""
        if complaint and complaint != self._complaint:
            logger.warning("%s: %s; it is tried again", self.plan.name, complaint)
        elif self._complaint and not complaint:
            logger.info("%s: works again", self.plan.name)
        self._complaint = complaint
