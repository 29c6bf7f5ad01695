"""Reads a live source in a thread and remembers what it saw, for the tests of this folder."""

import threading
import time
from typing import NamedTuple

from edge_attp.bitstream import CompressedVideo
from edge_attp.sources.live import ConnectionOptions, LiveOptions, LiveSource

STALL_S = 1.0


class Seen(NamedTuple):
    at_s: float  # time.monotonic()
    time_s: float
    kind: str
    integrity: str
    shape: tuple
    is_key: bool
    lag_s: float


class Viewer:
    """Pictures of an address, as they come."""

    def __init__(self, address, transport="tcp", stall_s=STALL_S, **options):
        connection = ConnectionOptions(transport, connect_s=3.0, stall_s=stall_s)
        self.source = LiveSource(
            address, options=LiveOptions(connection, reconnect_max_s=0.5, **options)
        )
        self.seen = []
        self.failure = None
        self._thread = threading.Thread(target=self._view)
        self._thread.start()

    def _view(self):
        try:
            with CompressedVideo(self.source) as video:
                for picture in video:
                    self.seen.append(self._seen(picture))
        except Exception as error:
            self.failure = error

    def _seen(self, picture):
        return Seen(
            time.monotonic(),
            picture.time_s,
            picture.kind,
            picture.integrity,
            picture.shape,
            picture.is_random_access,
            self.source.lag_s,
        )

    def wait(self, condition, timeout_s=20.0):
        """Until condition(pictures seen since now) holds; returns these pictures."""
        start, deadline = len(self.seen), time.monotonic() + timeout_s
        while not condition(self.seen[start:]):
            assert time.monotonic() < deadline, self.source.counters
            assert self.failure is None, self.failure
            time.sleep(0.02)
        return self.seen[start:]

    def wait_for(self, pictures):
        """So many more pictures."""
        return self.wait(lambda seen: len(seen) >= pictures)

    def close(self):
        """Stops it; returns how long that took."""
        began_s = time.monotonic()
        self.source.stop()
        self._thread.join(5.0)
        assert not self._thread.is_alive()
        return time.monotonic() - began_s


def drift_s(seen):
    """By how much the times of pictures ran off the wall clock, at most."""
    offsets = [entry.at_s - entry.time_s for entry in seen]
    return max(offsets) - min(offsets)
