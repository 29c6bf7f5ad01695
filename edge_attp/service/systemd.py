"""The service and its manager: signals that come in, and what systemd hears by the sd_notify protocol.

Without NOTIFY_SOCKET, as when started by hand, nothing is sent; a manager that has gone is no reason to
stop. The progress of inference feeds the watchdog, never a timer alone: an engine that hangs makes no
progress, so systemd kills and restarts the service.
"""

import os
import select
import signal
import socket
import time
from collections import deque
from types import FrameType
from typing import Callable, Deque, Dict, Mapping, Optional, Union

from edge_attp.service.state import ServiceState

__all__ = [
    "Signals",
    "StatusLine",
    "Watchdog",
    "notify",
    "notify_ready",
    "notify_reloading",
    "watchdog_interval_s",
]

STATUS_INTERVAL_S = 10.0
_Handler = Union[Callable[[int, Optional[FrameType]], object], int, None]


class Signals:
    """`with Signals(signal.SIGTERM) as signals:` catches these signals until the block ends, whichever
    thread the system delivers them to; wait_for_signal() returns them one by one. Needs the main thread.

    Blocking the signals would not do: threads that a library started earlier, as NumPy does, would get them.
    """

    def __init__(self, *numbers: int) -> None:
        self._numbers = frozenset(numbers)
        self._handlers: Dict[int, _Handler] = {}
        self._wakeup = -1
        self._caught: Deque[int] = deque()

    def __enter__(self) -> "Signals":
        self._reader, self._writer = os.pipe()
        for end in (self._reader, self._writer):
            os.set_blocking(end, False)
        self._wakeup = signal.set_wakeup_fd(self._writer)
        for number in self._numbers:
            self._handlers[number] = signal.signal(number, _do_nothing)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        os.close(self._reader)
        os.close(self._writer)

    def wait_for_signal(self, timeout_s: float) -> Optional[int]:
        """The next signal; None if none comes in time."""
        if not self._caught:
            select.select([self._reader], [], [], timeout_s)
            self._read_pipe()
        return self._caught.popleft() if self._caught else None

    def _read_pipe(self) -> None:
        """The interpreter writes the number of each signal as a byte, those of other handlers too."""
        try:
            numbers = os.read(self._reader, 4096)
        except BlockingIOError:
            return
        self._caught.extend(number for number in numbers if number in self._numbers)


def _do_nothing(*_: object) -> None:
    """Python writes to the pipe only for signals that have a handler."""


def notify(**fields: object) -> bool:
    """Sends fields to the service manager, as in notify(READY=1, STATUS="..."); True if they were sent."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):  # in the abstract namespace, not in the file system
        address = "\0" + address[1:]
    text = "\n".join(f"{name}={_one_line(value)}" for name, value in fields.items())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.setblocking(False)  # a full queue must not block the service
        try:
            sender.sendto(text.encode(), address)
        except OSError:
            return False
    return True


def notify_ready(status: str) -> bool:
    """Says that the service is at work, for the first time or after a reload."""
    return notify(READY=1, STATUS=status)


def notify_reloading() -> bool:
    """Says that a reload has begun; notify_ready() ends it. systemd before 253 ignores the time."""
    return notify(RELOADING=1, MONOTONIC_USEC=int(time.monotonic() * 1e6))


def watchdog_interval_s(environment: Optional[Mapping[str, str]] = None) -> Optional[float]:
    """How often systemd expects WATCHDOG=1; None if it does not expect it of this process."""
    given = os.environ if environment is None else environment
    try:
        interval_s = int(given.get("WATCHDOG_USEC", "")) / 1e6
        is_ours = int(given.get("WATCHDOG_PID") or os.getpid()) == os.getpid()
    except ValueError:
        return None
    return interval_s if is_ours and interval_s > 0 else None


def _one_line(value: object) -> str:
    return " ".join(str(value).split())


class Watchdog:
    """Feeds systemd's watchdog as long as there is progress.

    interval_s: see watchdog_interval_s(); None feeds nothing. feed: feeds the watchdog.
    """

    def __init__(
        self,
        interval_s: Optional[float],
        feed: Callable[[], object],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        # sd_watchdog_enabled(3) asks for half of the interval; a quarter leaves room for a late loop.
        self._period_s = None if interval_s is None else interval_s / 4
        self._feed = feed
        self._now = now
        self._fed_s = self._now()
        self._seen: Optional[object] = None

    def report_progress(self, progress: object) -> None:
        """Feeds if it is time and `progress` differs from what it was at the last feeding."""
        if self._period_s is None or self._now() - self._fed_s < self._period_s:
            return
        if progress != self._seen:
            self._feed()
            self._seen = progress
            self._fed_s = self._now()


class StatusLine:
    """The line that `systemctl status` shows, sent every STATUS_INTERVAL_S."""

    def __init__(self, state: ServiceState, now: Callable[[], float] = time.monotonic) -> None:
        self._state = state
        self._now = now
        self._since_s = now()
        self._scored = 0
        self._rate = 0.0

    def send_when_due(self) -> None:
        """Sends the line if the interval has passed."""
        seconds = self._now() - self._since_s
        if seconds < STATUS_INTERVAL_S:
            return
        scored = sum(stream.status.scored for stream in self._state.streams())
        # A restarted stream counts from 0 again.
        self._rate = max(scored - self._scored, 0) / seconds
        self._since_s += seconds
        self._scored = scored
        notify(STATUS=self.text())

    def text(self) -> str:
        """The line as it is now."""
        streams = self._state.streams()
        running = sum(stream.status.state == "running" for stream in streams)
        rate = f", scoring {self._rate:.1f} pictures/s" if self._rate else ""
        return f"{running} of {self._state.stream_count} streams running{rate}"
