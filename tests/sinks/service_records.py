"""What the tests of the service's sinks feed them with."""

import uuid
from contextlib import contextmanager
from fractions import Fraction

import numpy as np

from edge_attp.recognition import Event, Result, Verdict, score
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
        label, 0.9, start_s, end_s or start_s + 0.5, start_s + 0.25, stream, uuid.uuid4().hex
    )


def result(index=0, start_s=0.0, logits=(0.0, 2.0), **changes):
    scores = None if logits is None else score(np.array(logits), start_s, start_s + 0.04)
    smoothed = None if scores is None else scores.probabilities
    whole = Result(
        index, index, start_s, start_s + 0.04, "P", False, "ok", 0, scores, smoothed, None
    )
    return whole._replace(**changes)


@contextmanager
def closing():
    """A function that starts a sink and gives it back; in the end all of them are closed."""
    sinks = []

    def start(sink):
        sinks.append(sink)
        sink.start(header())
        return sink

    yield start
    for sink in sinks:
        sink.close()
