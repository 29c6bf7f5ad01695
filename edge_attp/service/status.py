"""The one line that systemd shows of the service: how many streams run, and how fast."""

import time
from typing import Callable

from edge_attp.service.notify import notify
from edge_attp.service.state import ServiceState

__all__ = ["StatusLine"]

INTERVAL_S = 10.0


class StatusLine:
    """Sends text() every INTERVAL_S."""

    def __init__(self, state: ServiceState, now: Callable[[], float] = time.monotonic) -> None:
        self._state = state
        self._now = now
        self._since_s = now()
        self._scored = 0
        self._rate = 0.0

    def tick(self) -> None:
        seconds = self._now() - self._since_s
        if seconds < INTERVAL_S:
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
        rate = ", %.1f pictures/s are scored" % self._rate if self._rate else ""
        return "%d of %d streams run%s" % (running, self._state.stream_count, rate)
