"""Results as JSON lines: a header, then a record per scored picture and event, then the verdict.

Every record has a "type" and the name of its "stream"; the header has "format" and "version". The
service's records also have the "time" at which they were written, and its events an "id". Where regions are
scored, pictures have "regions", each with its "window" [x, y, side], the "box" of what is active in it, in luma
samples, and a "top" of its own, the one that speaks for the picture first; or "idle": true, with the background
label of the pack in "top" if it names one. Events then have a "box". Version 1.
"""

import json
import time
from typing import Dict, List, Tuple

import numpy as np

from edge_attp.protocols import Protocol
from edge_attp.recognition import Event, ScoredPicture, ScoredRegion, Verdict, top
from edge_attp.sinks.base import Header, Sink
from edge_attp.timing import Clock

__all__ = ["JsonLinesSink", "event_record", "stamped", "utc"]

Record = Dict[str, object]
FORMAT = "edge-attp-results"
VERSION = 1


class LineWriter(Protocol):
    """What lines are written to: a text file, or less."""

    def write(self, __text: str) -> object: ...

    def flush(self) -> None: ...


class JsonLinesSink(Sink):
    """One JSON object per line; times in seconds, rounded to microseconds.

    with_stamps: adds the time to each record, and the id to events.
    """

    def __init__(
        self,
        stream: "LineWriter",
        top_count: int,
        with_timing: bool = False,
        with_stamps: bool = False,
    ) -> None:
        self._stream = stream
        self._top = top_count
        self._with_timing = with_timing
        self._with_stamps = with_stamps
        self._name = ""
        self._labels: Tuple[str, ...] = ()
        self._clock = Clock()

    def begin(self, header: Header) -> None:
        self._name, self._labels, self._clock = header.stream, header.labels, header.clock
        more: Record = {"regions": header.regions} if header.regions else {}
        self._write_values(
            "header",
            format=FORMAT,
            version=VERSION,
            source=header.source,
            width=header.width,
            height=header.height,
            frame_rate=None if header.frame_rate is None else str(header.frame_rate),
            model=header.model,
            trained=header.is_trained,
            labels=list(header.labels),
            backend=header.backend,
            **more,
        )

    def picture(self, picture: ScoredPicture) -> None:
        if picture.decisive is None and not picture.is_idle:
            return
        more: Record = {"idle": True} if picture.is_idle else {}
        regions = [self._describe_region(scored) for scored in picture.regions if scored.region]
        if regions:
            more["regions"] = regions
        best = picture.decisive
        self._write_values(
            "picture",
            decode_index=picture.decode_index,
            pts=picture.pts,
            start_s=_seconds(picture.start_s),
            end_s=_seconds(picture.end_s),
            kind=picture.kind,
            gop=picture.gop,
            top=[] if best is None else self._describe_best(best.probabilities),
            **more,
        )

    def _describe_region(self, scored: ScoredRegion) -> Record:
        region = scored.region
        assert region is not None
        return {
            "id": region.id,
            "window": [region.x_px, region.y_px, region.side_px],
            "box": list(region.box),
            "activity": round(region.activity, 6),
            "top": self._describe_best(scored.probabilities),
        }

    def event(self, event: Event) -> None:
        self._write_record(event_record(event, self._with_stamps))

    def finish(self, verdict: Verdict) -> None:
        scores = verdict.scores
        record: Record = {
            "top": [] if scores is None else self._describe_best(scores.probabilities),
            "gops": verdict.gops,
            "pictures": verdict.pictures,
            "scored": verdict.scored,
            "damaged": verdict.damaged,
            "seconds": round(verdict.seconds, 3),
            "pictures_per_second": round(verdict.pictures_per_second, 2),
            "complete": verdict.is_complete,
        }
        if verdict.idle:
            record["idle"] = verdict.idle
        if self._with_timing:
            record["timing_ms"] = {
                name: {
                    "runs": times.runs,
                    "mean": round(times.mean_ms, 3),
                    "p50": round(times.p50_ms, 3),
                    "p90": round(times.p90_ms, 3),
                    "p99": round(times.p99_ms, 3),
                }
                for name, times in self._clock.summary().items()
            }
        self._write_values("verdict", **record)

    def _describe_best(self, probabilities: np.ndarray) -> List[Record]:
        return [
            {"label": label, "probability": round(probability, 6)}
            for label, probability in top(probabilities, self._labels, self._top)
        ]

    def _write_values(self, record_type: str, **values: object) -> None:
        record: Record = {"type": record_type, "stream": self._name}
        record.update(values)
        self._write_record(record)

    def _write_record(self, record: Record) -> None:
        if self._with_stamps:
            record = stamped(record)
        self._stream.write(json.dumps(record) + "\n")
        self._stream.flush()


def event_record(event: Event, with_id: bool) -> Record:
    """The record of an event. Its `score` is a probability; `box` is missing where the whole picture was scored."""
    record: Record = {
        "type": "event",
        "stream": event.stream,
        "label": event.label,
        "score": round(event.score, 6),
        "start_s": _seconds(event.start_s),
        "end_s": _seconds(event.end_s),
        "peak_s": _seconds(event.peak_s),
    }
    if event.box is not None:
        record["box"] = list(event.box)
    return dict(record, id=event.id) if with_id else record


def stamped(record: Record) -> Record:
    """The record with the current wall-clock "time"."""
    return dict(record, time=utc(time.time()))


def utc(seconds: float) -> str:
    """Seconds since 1970 as ISO 8601 text with milliseconds."""
    milliseconds = int(seconds * 1000)
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(milliseconds // 1000))
    return f"{whole}.{milliseconds % 1000:03d}Z"


def _seconds(value: float) -> float:
    return round(value, 6)
