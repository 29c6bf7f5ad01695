"""Results as CSV: one row per picture and label, per event, and per label of the verdict. Version 1.

Where regions are scored, a picture's rows are those of the region that speaks for it, with its number and the box of
what is active in it; `idle` is 1 where nothing moves.
"""

import csv
from typing import Dict, Optional, TextIO, Tuple

import numpy as np

from edge_attp.recognition import Box, Event, ScoredPicture, Verdict, top
from edge_attp.sinks.base import Header, Sink

__all__ = ["COLUMNS", "CsvSink", "write_csv_header"]

VERSION = 1
BOX = ("left", "top", "right", "bottom")
COLUMNS = (
    (
        "version",
        "record",
        "decode_index",
        "pts",
        "start_s",
        "end_s",
        "kind",
        "gop",
        "rank",
        "label",
        "probability",
        "stream",
        "region",
    )
    + BOX
    + ("idle",)
)


def write_csv_header(stream: TextIO) -> None:
    """Writes the line with the names of the columns."""
    csv.writer(stream, lineterminator="\n").writerow(COLUMNS)


class CsvSink(Sink):
    """Rows with the columns of COLUMNS, empty where they do not apply. with_header: writes their names first."""

    def __init__(self, stream: TextIO, top_count: int, with_header: bool = True) -> None:
        self._stream = stream
        self._with_header = with_header
        self._name = ""
        self._top = top_count
        self._rows = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\n")
        self._labels: Tuple[str, ...] = ()

    def begin(self, header: Header) -> None:
        self._labels, self._name = header.labels, header.stream
        if self._with_header:
            write_csv_header(self._stream)

    def picture(self, picture: ScoredPicture) -> None:
        best = picture.decisive
        if best is not None:
            place: Dict[str, object] = {"idle": 1} if picture.is_idle else {}
            if best.region is not None:
                place.update(_describe_box(best.region.box), region=best.region.id)
            self._write_ranked(
                best.probabilities,
                picture.start_s,
                picture.end_s,
                record="picture",
                decode_index=picture.decode_index,
                pts="" if picture.pts is None else picture.pts,
                kind=picture.kind,
                gop=picture.gop,
                **place,
            )

    def event(self, event: Event) -> None:
        self._write_row(
            record="event",
            start_s=f"{event.start_s:.6f}",
            end_s=f"{event.end_s:.6f}",
            label=event.label,
            probability=f"{event.score:.6f}",
            **_describe_box(event.box),
        )

    def finish(self, verdict: Verdict) -> None:
        scores = verdict.scores
        if scores is not None:
            self._write_ranked(scores.probabilities, scores.start_s, scores.end_s, record="verdict")

    def _write_ranked(
        self, probabilities: np.ndarray, start_s: float, end_s: float, **values: object
    ) -> None:
        times = {"start_s": f"{start_s:.6f}", "end_s": f"{end_s:.6f}"}
        best = top(probabilities, self._labels, self._top)
        for rank, (label, probability) in enumerate(best, 1):
            self._write_row(
                rank=rank, label=label, probability=f"{probability:.6f}", **times, **values
            )

    def _write_row(self, **values: object) -> None:
        self._rows.writerow(dict(values, version=VERSION, stream=self._name))
        self._stream.flush()


def _describe_box(box: Optional[Box]) -> Dict[str, object]:
    return {} if box is None else dict(zip(BOX, box))
