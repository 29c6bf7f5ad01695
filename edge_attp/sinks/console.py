"""Results for people: lines of text, and a line on a terminal that shows the progress of a run."""

import time
from typing import List, TextIO, Tuple

from edge_attp.recognition import Event, ScoredPicture, Verdict, top
from edge_attp.sinks.base import Header, Sink

__all__ = ["ProgressSink", "TextSink", "verdict_line"]

PROGRESS_INTERVAL_S = 0.2


class TextSink(Sink):
    """A line per scored picture, a line per event, and the verdict. with_names: puts the name of the stream
    before each line."""

    def __init__(self, stream: TextIO, top_count: int, with_names: bool = False) -> None:
        self._stream = stream
        self._top = top_count
        self._with_names = with_names
        self._prefix = ""
        self._labels: Tuple[str, ...] = ()

    def begin(self, header: Header) -> None:
        self._labels = header.labels
        self._prefix = header.stream + ": " if self._with_names else ""

    def picture(self, picture: ScoredPicture) -> None:
        if picture.decisive is None:
            return
        best = top(picture.decisive.probabilities, self._labels, self._top)
        idle = "  idle" if picture.is_idle else ""
        self._write_line(f"{picture.start_s:9.3f} s  {picture.kind}  {_format_columns(best)}{idle}")

    def event(self, event: Event) -> None:
        where = "" if event.box is None else " in {},{} to {},{}".format(*event.box)
        self._write_line(
            f"event: {event.label} from {event.start_s:.2f} s to {event.end_s:.2f} s, "
            f"{event.score:.2f} at {event.peak_s:.2f} s{where}"
        )

    def finish(self, verdict: Verdict) -> None:
        self._write_line(verdict_line(verdict, self._labels, self._top))

    def _write_line(self, text: str) -> None:
        self._stream.write(self._prefix + text + "\n")
        self._stream.flush()


class ProgressSink(Sink):
    """Rewrites one line of `stream`, which must be a terminal, a few times a second."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._labels: Tuple[str, ...] = ()
        self._pictures = self._scored = 0
        self._began_s = self._shown_s = 0.0

    def begin(self, header: Header) -> None:
        self._labels = header.labels
        self._began_s = time.monotonic()

    def picture(self, picture: ScoredPicture) -> None:
        self._pictures += 1
        self._scored += picture.decisive is not None
        now = time.monotonic()
        if now - self._shown_s < PROGRESS_INTERVAL_S:
            return
        self._shown_s = now
        speed = self._scored / max(now - self._began_s, 1e-3)
        text = f"{self._pictures} pictures, {picture.end_s:.1f} s of video, {speed:.1f}/s"
        if picture.smoothed is not None:
            text += ", {} {:.2f}".format(*top(picture.smoothed, self._labels, 1)[0])
        self._stream.write("\r\033[K" + text[:78])
        self._stream.flush()

    def finish(self, verdict: Verdict) -> None:
        self.close()

    def close(self) -> None:
        if self._shown_s:
            self._stream.write("\r\033[K")
            self._stream.flush()
            self._shown_s = 0.0


def verdict_line(verdict: Verdict, labels: Tuple[str, ...], top_count: int) -> str:
    """The last line: the labels of the whole video, the pictures they are based on, and the speed."""
    if verdict.scores is None:
        answer = "none: no picture was scored"
    else:
        answer = ", ".join(
            "{} {:.3f}".format(*entry)
            for entry in top(verdict.scores.probabilities, labels, top_count)
        )
    counts = "{} of {} pictures scored in {} GOP{}".format(
        verdict.scored, verdict.pictures, verdict.gops, "" if verdict.gops == 1 else "s"
    )
    if verdict.idle:
        counts += f", {verdict.idle} idle"
    if verdict.damaged:
        counts += f", {verdict.damaged} damaged"
    if not verdict.is_complete:
        counts += ", ended early"
    return f"verdict: {answer} ({counts}; {verdict.pictures_per_second:.1f} pictures/s)"


def _format_columns(best: List[Tuple[str, float]]) -> str:
    return "  ".join(f"{label[:16]!s:16} {probability:.3f}" for label, probability in best)
