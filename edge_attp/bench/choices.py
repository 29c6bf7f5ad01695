"""Measures what can be chosen, one choice beside the other: threads, kinds of memory, sizes of batch.

The choices take turns, so that a noisy machine is noisy for all.
"""

from statistics import median
from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple

from edge_attp.bench.runs import Setup, pictures_per_s
from edge_attp.bench.streams import Copies
from edge_attp.engine import BUFFER_KINDS, Backend
from edge_attp.engine.onnxruntime_backend import available_cores
from edge_attp.errors import UsageError

__all__ = ["Choice", "Comparison", "check_subject", "compare_choices"]

ENGINES = {"threads": "onnxruntime", "buffers": "tensorrt"}  # of choices that only one engine has
BATCHES = (1, 2, 4, 8)
COPIES = BATCHES[-1]
EACH_CORE = 8  # more cores than this are tried in powers of two


class Choice(NamedTuple):
    """One choice. pictures_per_s: scored, median of all rounds; the slowest and the fastest round."""

    name: str
    pictures_per_s: float
    slowest: float
    fastest: float


class Comparison(NamedTuple):
    """subject: what was chosen. best: name of the fastest choice. copies: of the video at once."""

    subject: str
    best: str
    copies: int
    rounds: int
    choices: Tuple[Choice, ...]


def check_subject(subject: str, setup: Setup) -> None:
    """UsageError if the engine has no such choice."""
    name = setup.open_backend().name
    if ENGINES.get(subject, name) != name:
        raise UsageError(
            f"--compare {subject}: that is a choice of --backend {ENGINES[subject]}, and this is {name}"
        )


def compare_choices(
    subject: str, setup: Setup, rounds: int, progress: Callable[[str], None]
) -> Comparison:
    """Runs each choice `rounds` times and once more before that, in turns.

    subject: "threads" of the engine on the CPU, "buffers", the kinds of memory of TensorRT, or "batch",
    pictures of 8 copies at once. progress gets a line before each run.
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
    """What the graph does not take is left out."""
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
