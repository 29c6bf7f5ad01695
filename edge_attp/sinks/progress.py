"""A line on a terminal that shows the progress of a run."""

import time
from typing import TextIO, Tuple

from edge_attp.recognition import ScoredPicture, Verdict, top
from edge_attp.sinks.base import Header, Sink

__all__ = ["ProgressSink"]

INTERVAL_S = 0.2


class ProgressSink(Sink):
    """Rewrites one line of `stream`, which must be a terminal, a few times a second."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._labels: Tuple[str, ...] = ()
        self._pictures = self._scored = 0
        self._start = self._shown = 0.0

    def begin(self, header: Header) -> None:
        self._labels = header.labels
        self._start = time.monotonic()

    def picture(self, picture: ScoredPicture) -> None:
        self._pictures += 1
        self._scored += picture.whole is not None
        now = time.monotonic()
        if now - self._shown < INTERVAL_S:
            return
        self._shown = now
        speed = self._scored / max(now - self._start, 1e-3)
        text = f"{self._pictures} pictures, {picture.end_s:.1f} s of video, {speed:.1f}/s"
        if picture.smoothed is not None:
            text += ", {} {:.2f}".format(*top(picture.smoothed, self._labels, 1)[0])
        self._stream.write("\r\033[K" + text[:78])
        self._stream.flush()

    def finish(self, verdict: Verdict) -> None:
        self.close()

    def close(self) -> None:
        if self._shown:
            self._stream.write("\r\033[K")
            self._stream.flush()
            self._shown = 0.0
