"""What the tests of the service's sinks feed them with."""

import uuid
from contextlib import contextmanager
from fractions import Fraction

import numpy as np

from edge_attp.recognition import Event, RegionLogits, ScoredPicture, Verdict, score_region
from edge_attp.sinks import Header
from edge_attp.timing import Clock

LABELS = ("wave", "walk")
VERDICT = Verdict(None, 0, 0, 0, 0, 1.0, True)


def header(stream="door", source="rtsp://camera"):
    return Header(
        source, 64, 48, Fraction(25), "tiny", True, LABELS, "none", Clock(), stream=stream
    )


def event(number=0, stream="door", start_s=None, end_s=None, label="walk"):
    """An event that can be told from others by its start."""
    start_s = float(number) if start_s is None else start_s
    return Event(
        label=label,
        score=0.9,
        start_s=start_s,
        end_s=end_s or start_s + 0.5,
        peak_s=start_s + 0.25,
        stream=stream,
        id=uuid.uuid4().hex,
        phase="end",
    )


def result(index=0, start_s=0.0, logits=(0.0, 2.0), **changes):
    regions = () if logits is None else (score_region(RegionLogits(None, np.array(logits))),)
    values = dict(
        decode_index=index,
        packet=-1,
        pts=index,
        kind="P",
        is_key=False,
        integrity="ok",
        gop=0,
        start_s=start_s,
        end_s=start_s + 0.04,
        regions=regions,
        smoothed=regions[0].probabilities if regions else None,
    )
    values.update(changes)
    return ScoredPicture(**values)


@contextmanager
def closing():
    """A function that starts a sink and gives it back; in the end all of them are closed."""
    sinks = []

    def start(sink):
        sinks.append(sink)
        sink.begin(header())
        return sink

    yield start
    for sink in sinks:
        sink.close()
