"""What systemd hears of the service, by the sd_notify protocol: ready, its status line, and signs of life.

Without NOTIFY_SOCKET, as when run by hand, nothing is sent. A manager that is gone is no reason to stop. The
watchdog is fed by the progress of inference, never by a timer alone: an engine that hangs makes no
progress, so nothing is fed, and systemd kills and restarts the service.
"""

import os
import socket
import time
from typing import Callable, Mapping, Optional

from edge_attp.service.state import ServiceState

__all__ = ["StatusLine", "Watchdog", "notify", "ready", "reloading", "watchdog_interval_s"]

STATUS_INTERVAL_S = 10.0


def notify(**fields: object) -> bool:
    """notify(READY=1, STATUS="..."); True if it was sent."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):  # a name that lies in no file system
        address = "\0" + address[1:]
    text = "\n".join(f"{name}={_one_line(value)}" for name, value in fields.items())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.setblocking(False)  # a full queue must not hold the service up
        try:
            sender.sendto(text.encode(), address)
        except OSError:
            return False
    return True


def ready(status: str) -> bool:
    """The service does its work, for the first time or after a reload."""
    return notify(READY=1, STATUS=status)


def reloading() -> bool:
    """A reload has begun; ready() ends it. systemd before 253 does not ask for the time."""
    return notify(RELOADING=1, MONOTONIC_USEC=int(time.monotonic() * 1e6))


def watchdog_interval_s(environment: Optional[Mapping[str, str]] = None) -> Optional[float]:
    """Within how many seconds systemd wants to hear WATCHDOG=1; None if it does not ask this process."""
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
    """feed(): called when progress was made. interval_s: within which systemd wants to hear; None: never."""

    def __init__(
        self,
        interval_s: Optional[float],
        feed: Callable[[], object],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        # Half of the interval is what sd_watchdog_enabled(3) asks for; a quarter leaves room for a
        # loop that is late.
        self._period_s = None if interval_s is None else interval_s / 4
        self._feed = feed
        self._now = now
        self._fed_s = self._now()
        self._seen: Optional[object] = None

    def tick(self, progress: object) -> None:
        """Feeds if it is time, and `progress` is not what it was at the last feeding."""
        if self._period_s is None or self._now() - self._fed_s < self._period_s:
            return
        if progress != self._seen:
            self._feed()
            self._seen = progress
            self._fed_s = self._now()


class StatusLine:
    """Sends text() every STATUS_INTERVAL_S."""

    def __init__(self, state: ServiceState, now: Callable[[], float] = time.monotonic) -> None:
        self._state = state
        self._now = now
        self._since_s = now()
        self._scored = 0
        self._rate = 0.0

    def tick(self) -> None:
        seconds = self._now() - self._since_s
        if seconds < STATUS_INTERVAL_S:
            return
        scored = sum(stream.status.scored for stream in self._state.streams())
        # A stream that begins anew counts anew.
        self._rate = max(scored - self._scored, 0) / seconds
        self._since_s += seconds
        self._scored = scored
        notify(STATUS=self.text())

    def text(self) -> str:
        streams = self._state.streams()
        running = sum(stream.status.state == "running" for stream in streams)
        rate = f", {self._rate:.1f} pictures/s are scored" if self._rate else ""
        return f"{running} of {self._state.stream_count} streams run{rate}"
