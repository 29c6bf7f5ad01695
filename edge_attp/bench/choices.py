"""Compares the choices of a setting by measurement: threads, kinds of memory, batch sizes.

The choices take turns, so that noise of the machine disturbs all of them alike.
"""

from statistics import median
from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple

from edge_attp.bench.runs import Setup, pictures_per_s
from edge_attp.bench.streams import Copies
from edge_attp.engine import BUFFER_KINDS, Backend
from edge_attp.engine.onnxruntime_backend import available_cores
from edge_attp.errors import UsageError

__all__ = ["Choice", "Comparison", "check_subject", "compare_choices"]

ENGINES = {"threads": "onnxruntime", "buffers": "tensorrt"}  # of settings that one engine has
BATCHES = (1, 2, 4, 8)
COPIES = BATCHES[-1]
EACH_CORE = 8  # more cores than this are tried in powers of two


class Choice(NamedTuple):
    """One choice, in scored pictures per second: the median of all rounds, the slowest and the fastest round."""

    name: str
    pictures_per_s: float
    slowest: float
    fastest: float


class Comparison(NamedTuple):
    """subject: the setting. best: name of the fastest choice. copies: of the video, run at once."""

    subject: str
    best: str
    copies: int
    rounds: int
    choices: Tuple[Choice, ...]


def check_subject(subject: str, setup: Setup) -> None:
    """UsageError if the engine does not have this setting."""
    name = setup.open_backend().name
    if ENGINES.get(subject, name) != name:
        raise UsageError(
            f"--compare {subject}: is a setting of --backend {ENGINES[subject]}, and this is {name}"
        )


def compare_choices(
    subject: str, setup: Setup, rounds: int, progress: Callable[[str], None]
) -> Comparison:
    """Runs each choice `rounds` times, in turns, after one round that does not count.

    subject: "threads" (of ONNX Runtime on the CPU), "buffers" (TensorRT's kinds of memory) or "batch" (sizes,
    with 8 copies of the video at once). progress is called with a line of text before each run.
    """
    runs = SUBJECTS[subject](setup)
    rates: Dict[str, List[float]] = {name: [] for name in runs}
    for number in range(1 + rounds):
        for name, run in runs.items():
            progress(f"{subject} {name}, round {number} of {rounds}")
            rates[name].append(run())
    choices = tuple(_choice(name, values[1:]) for name, values in rates.items())
    best = max(choices, key=lambda choice: choice.pictures_per_s).name
    return Comparison(subject, best, COPIES if subject == "batch" else 1, rounds, choices)


def _choice(name: str, rates: Sequence[float]) -> Choice:
    return Choice(name, median(rates), min(rates), max(rates))


Runs = Dict[str, Callable[[], float]]


def _threads(setup: Setup) -> Runs:
    cores = available_cores()
    counts = range(1, cores + 1)
    tried = [n for n in counts if cores <= EACH_CORE or n == cores or n & (n - 1) == 0]
    return {str(n): _alone(setup, setup.open_backend(threads=n)) for n in tried}


def _buffers(setup: Setup) -> Runs:
    return {kind: _alone(setup, setup.open_backend(buffers=kind)) for kind in BUFFER_KINDS}


def _batch(setup: Setup) -> Runs:
    """Sizes that the graph cannot take are left out."""
    backend = setup.open_backend()
    tried = [(size, Copies(setup, backend, size)) for size in BATCHES]
    return {str(size): _together(copies) for size, copies in tried if copies.batch == size}


SUBJECTS: Dict[str, Callable[[Setup], Runs]] = {
    "threads": _threads,
    "buffers": _buffers,
    "batch": _batch,
}


def _alone(setup: Setup, backend: Backend) -> Callable[[], float]:
    return lambda: pictures_per_s(setup, backend)


def _together(copies: Copies) -> Callable[[], float]:
    return lambda: copies.scored_per_s(COPIES)
