"""A measurement made up by hand, and its record: runs of the demo clip, round numbers."""

import os

from edge_attp.bench.choices import Choice, Comparison
from edge_attp.bench.report import new_report
from edge_attp.bench.runs import Measurement, Repetition
from edge_attp.bench.streams import Streams, Throughput, Trial
from edge_attp.pipeline import Options
from edge_attp.platforms import Board, Frequency
from edge_attp.sinks import Header
from edge_attp.timing import Clock, StageTimes

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLIP = os.path.join(ROOT, "examples", "demo.mp4")
BOARD = Board(
    name="Test board",
    soc=None,
    gpu=None,
    gpu_arch=None,
    release="L4T R32.7.6",
    cpu="test",
    cores=2,
    memory_bytes=1 << 30,
    power_mode="MAXQ",
    clocks=(Frequency("gpu", 500000000, 100000000, 850000000),),
    temperatures_c={"GPU-therm": 30.0},
)


def times(runs, mean_ms):
    return StageTimes(runs, mean_ms, 0.9 * mean_ms, 1.5 * mean_ms, 3.0 * mean_ms)


def repetition(factor):
    """100 scored pictures out of 104 in 1 s x factor; 2 ms preprocess and 6 ms CNN each, x factor."""
    stages = {
        "demux": times(104, factor * 100 / 104),
        "parse": times(104, factor * 50 / 104),
        "decode_key": times(4, factor * 2.5),
        "tensors": times(104, factor * 40 / 104),
        "appearance": times(4, factor * 25),
        "motion": times(100, factor * 4.5),
        "score": times(104, factor * 50 / 104),
        "sink": times(104, factor * 100 / 104),
        "total": times(99, factor * 10),
    }
    return Repetition(stages, 104, 100, factor * 1.0, factor * 0.5, 0.25)


def streams(trials=((5, 7.0, 1.0, False), (4, 6.1, 0.995, True))):
    """Five streams were expected, four kept up."""
    return Streams(
        copies=6,
        runs=3,
        throughputs=(Throughput(6, 130.0, 125.0), Throughput(1, 104.0, 100.0)),
        frame_rate=25.0,
        estimated=5,
        allowed_s=6.25,
        least_scored=0.99,
        trials=tuple(Trial(*trial) for trial in trials),
        sustained=trials[-1][0] if trials and trials[-1][3] else 0,
    )


def comparison():
    choices = (Choice("1", 40.0, 39.0, 41.0), Choice("2", 50.0, 48.0, 55.5))
    return Comparison("threads", "2", 1, 5, choices)


def measurement(factors=(1.0, 2.0, 3.0), device_bytes=None):
    header = Header(CLIP, 340, 256, 25, "tiny", False, ("a", "b"), "an engine", Clock())
    kinds = {"I": 4, "P": 30, "B": 70}
    runs = tuple(map(repetition, factors))
    alone = tuple(repetition(1.25 * factor) for factor in factors)
    return Measurement(header, kinds, runs, alone, 123456789, device_bytes)


def report(pack, factors=(1.0, 2.0, 3.0), target=40.0, remarks=(), device_bytes=None):
    found = measurement(factors, device_bytes)
    return new_report(found, pack, BOARD, Options(parse_threads=2), target, list(remarks))
