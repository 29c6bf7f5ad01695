"""Feeds systemd's watchdog by the progress of inference, never by a timer alone.

An engine that hangs makes no progress, so nothing is fed, and systemd kills and restarts the service.
"""

import time
from typing import Callable, Optional

__all__ = ["Watchdog"]


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
