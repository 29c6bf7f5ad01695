"""Turns what was measured into one record (see record), whose medians are taken over the repetitions.

A stage runs once per picture, or once per group of pictures; `per_picture_ms` is what it costs for each scored
picture, so these add up and the others do not.
"""

import json
import os
import platform
import subprocess
from statistics import median
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

import numpy as np

from edge_attp import __version__
from edge_attp.bench.choices import Comparison
from edge_attp.bench.record import (
    FORMAT,
    VERSION,
    PackFacts,
    Rates,
    Report,
    Software,
    StageFacts,
    Times,
    VideoFacts,
)
from edge_attp.bench.runs import WARM_UP, Measurement, Repetition
from edge_attp.bench.streams import Streams
from edge_attp.bitstream import CompressedVideo
from edge_attp.engine import Pack
from edge_attp.pipeline import Options
from edge_attp.platforms import Board
from edge_attp.platforms.layers import Layer
from edge_attp.platforms.roofline import HostTimes, estimate
from edge_attp.timing import STAGES

__all__ = ["add_choices", "add_streams", "add_tx2_estimate", "new_report", "to_json"]

# The two columns of the paper's Table 1. `sink` is in neither.
PREPROCESS = ("demux", "parse", "decode_key", "regions", "tensors", "upload")
CNN = ("appearance", "motion", "score")
AFTER_NETWORKS = ("score", "sink")


def new_report(
    found: Measurement,
    pack: Pack,
    board: Board,
    options: Options,
    target: float,
    remarks: List[str],
) -> Report:
    """The record of a measurement. target: pictures per second to reach."""
    stages = _stages(found)
    rates = _rates(found, stages)
    return {
        "format": FORMAT,
        "version": VERSION,
        "machine": board.name,
        "board": _plain(board),
        "remarks": remarks,
        "software": _software(),
        "backend": found.header.backend,
        "pack": _pack(pack),
        "video": _video(found, options),
        "settings": {
            "threads": options.parse_threads,
            "warm_up": WARM_UP,
            "repeat": len(found.repetitions),
        },
        "stages": stages,
        "total": _times(found, "total"),
        "load_ms": 1000.0 * _median(found, lambda run: run.load_s),
        "pictures_per_s": rates,
        "cpu": {
            "ms_per_picture": 1000.0 * _median(found, lambda run: run.cpu_s / run.scored),
            "cores_busy": _median(found, lambda run: run.cpu_s / run.seconds),
        },
        "memory": {"peak_rss_bytes": found.peak_rss_bytes, "device_bytes": found.device_bytes},
        "target": {
            "pictures_per_s": target,
            "margin": rates["pipelined"] / target,
            "is_reached": rates["pipelined"] >= target,
        },
    }


def add_tx2_estimate(report: Report, graphs: Mapping[str, Sequence[Layer]]) -> None:
    """Adds an estimate of what a TX2 would do. graphs: layers by graph name."""
    stages, scored = report["stages"], report["video"]["scored"]
    keys = stages["appearance"]["runs"] if "appearance" in stages else 0
    after_ms = sum(stages[name]["per_picture_ms"] for name in AFTER_NETWORKS if name in stages)
    host = HostTimes(
        before_ms=1000.0 / report["pictures_per_s"]["preprocess"],
        after_ms=after_ms,
        keys_per_picture=keys / scored,
    )
    found = estimate(graphs.get("appearance", ()), graphs["motion"], host)
    report["tx2_estimate"] = _plain(found)


def add_streams(report: Report, found: Streams) -> None:
    """Adds how several copies at once did."""
    report["streams"] = _plain(found)


def add_choices(report: Report, found: Sequence[Comparison]) -> None:
    """Adds the comparisons."""
    report["choices"] = [_plain(comparison) for comparison in found]


def to_json(report: Report) -> str:
    """The record as text."""
    return json.dumps(report, indent=2) + "\n"


def _plain(value: Any) -> Any:
    """Named tuples become dicts, other tuples lists."""
    if hasattr(value, "_asdict"):
        return {name: _plain(part) for name, part in value._asdict().items()}
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


def _median(found: Measurement, value: Callable[[Repetition], float]) -> float:
    return float(median(value(run) for run in found.repetitions))


def _times(found: Measurement, stage: str) -> Times:
    """How often a stage ran in one run, and its times."""
    runs = [run.stages[stage] for run in found.repetitions]
    return {
        "runs": int(median(run.runs for run in runs)),
        "mean_ms": median(run.mean_ms for run in runs),
        "p50_ms": median(run.p50_ms for run in runs),
        "p90_ms": median(run.p90_ms for run in runs),
        "p99_ms": median(run.p99_ms for run in runs),
    }


def _stages(found: Measurement) -> Dict[str, StageFacts]:
    """Each stage but the total, which is no part of the sum."""
    stages: Dict[str, StageFacts] = {}
    for name in STAGES[:-1]:
        if all(name in run.stages for run in found.repetitions):
            cost_ms = _per_picture_ms(found, name)
            stages[name] = {**_times(found, name), "per_picture_ms": cost_ms}
    return stages


def _per_picture_ms(found: Measurement, stage: str) -> float:
    def cost(run: Repetition) -> float:
        times = run.stages[stage]
        return times.runs * times.mean_ms / run.scored

    return _median(found, cost)


def _rates(found: Measurement, stages: Mapping[str, StageFacts]) -> Rates:
    """Scored pictures per second: of the pipeline, in one thread, and of parts of the stages alone."""
    measured = [run.scored / run.seconds for run in found.repetitions]
    costs = {name: times["per_picture_ms"] for name, times in stages.items()}
    return {
        "pipelined": median(measured),
        "pipelined_min": min(measured),
        "pipelined_max": max(measured),
        "sequential": median(run.scored / run.seconds for run in found.sequential),
        "preprocess": _rate(costs, PREPROCESS),
        "cnn": _rate(costs, CNN),
    }


def _rate(costs: Mapping[str, float], names: Sequence[str]) -> float:
    return 1000.0 / sum(costs.get(name, 0.0) for name in names)


def _software() -> Software:
    return {
        "edge_attp": __version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def _commit() -> Optional[str]:
    """Of the checkout that runs, with "-dirty" if it has been changed since; None outside one."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    if not os.path.exists(os.path.join(root, ".git")):
        return None
    command = ["git", "-C", root, "describe", "--always", "--dirty", "--exclude", "*"]
    try:
        said = subprocess.check_output(command, stderr=subprocess.DEVNULL, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return said.decode("ascii", "replace").strip()


def _pack(pack: Pack) -> PackFacts:
    return {
        "name": pack.name,
        "backbone": pack.backbone,
        "precision": pack.precision,
        "input": list(pack.input.crop),
        "is_trained": pack.trained,
    }


def _video(found: Measurement, options: Options) -> VideoFacts:
    header, run = found.header, found.repetitions[0]
    video = CompressedVideo(
        header.source, residual=False, transcode=options.transcode, track=header.track
    )
    with video:
        info = video.info()
    rate = header.frame_rate
    return {
        "file": os.path.basename(header.source),
        "codec": info.codec,
        "profile": info.profile,
        "width": header.width,
        "height": header.height,
        "frame_rate": None if rate is None else float(rate),
        "pictures": run.pictures,
        "scored": run.scored,
        "kinds": found.kinds,
    }
