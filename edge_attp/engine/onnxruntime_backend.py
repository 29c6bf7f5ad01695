"""ONNX Runtime: the engine that runs everywhere (1.10 on Python 3.6 to the newest).

It runs on the CPU, or on an NVIDIA device if the library has a CUDA provider that starts. A graph reads and
writes arrays in place: a single picture is computed in its own arrays; several are gathered into rows that are
bound once for each batch size. A run is over when start_run() returns.
"""

import os
import time
from typing import Callable, Dict, List, Optional, Sequence, cast

import numpy as np

from edge_attp import lazy
from edge_attp.engine.backend import Backend, Buffers, Graph, Run, RunTimes, Shapes, zeros
from edge_attp.engine.foreign import OnnxRuntime, OrtSession, OrtValue
from edge_attp.errors import EngineError, ModelError
from edge_attp.log import logger

__all__ = ["OnnxRuntimeBackend", "OrtGraph", "available_cores", "fewest_fast"]

_CUDA, _CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
_FLOAT = "tensor(float)"
_MOST_PICTURES = 64  # of a graph that takes any batch: bounds the memory of the rows
_TIMED_RUNS = 5
_TIMED_S = 0.1
CLEARLY = 1.05  # if fewer threads take this many times as long, another thread is worth it
BUDGET_S = 1.0


class OnnxRuntimeBackend(Backend):
    """Runs graphs with `threads` threads; None: with as many as suit the first graph best, which is measured when
    that graph is loaded. MissingEngine without ONNX Runtime."""

    name = "onnxruntime"

    def __init__(self, threads: Optional[int] = None) -> None:
        # Recent builds send usage data over the network unless they are told not to.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        self._library = cast(OnnxRuntime, lazy.load("the onnxruntime backend", "onnxruntime"))
        self._uses_cuda = _CUDA in self._library.get_available_providers()
        self._threads = threads
        self._is_measured = False

    def describe(self) -> str:
        version, threads = self._library.__version__, self._threads
        if self._uses_cuda:
            return f"ONNX Runtime {version}, CUDA"
        if threads is None:
            return f"ONNX Runtime {version}, CPU, threads to be measured"
        measured = " (measured)" if self._is_measured else ""
        plural = "" if threads == 1 else "s"
        return f"ONNX Runtime {version}, CPU, {threads} thread{plural}{measured}"

    def load_graph(self, path: str) -> Graph:
        session = self._cuda_session(path) if self._uses_cuda else None
        if session is not None:
            return OrtGraph(path, session)
        self._uses_cuda = False
        if self._threads is None:
            return self._load_fastest(path)
        return self._load_on_cpu(path, self._threads)

    def _load_fastest(self, path: str) -> Graph:
        graphs: Dict[int, Graph] = {}

        def seconds(threads: int) -> float:
            graphs[threads] = self._load_on_cpu(path, threads)
            return _fastest_run_s(graphs[threads])

        self._threads = fewest_fast(available_cores(), seconds)
        self._is_measured = True
        return graphs[self._threads]

    def _load_on_cpu(self, path: str, threads: int) -> Graph:
        try:
            session = self._open_session(path, threads, [_CPU])
        except Exception as error:  # the library's own classes have no common base
            raise ModelError(f"{path}: ONNX Runtime cannot load it: {_one_line(error)}") from error
        return OrtGraph(path, session)

    def _cuda_session(self, path: str) -> Optional[OrtSession]:
        """None if the provider exists but does not start."""
        reason = "it does not start"
        try:
            session = self._open_session(path, self._threads or available_cores(), [_CUDA, _CPU])
            if _CUDA in session.get_providers():
                return session
        except Exception as error:
            reason = _one_line(error)
        logger.warning("ONNX Runtime's CUDA provider is not used: %s", reason)
        return None

    def _open_session(self, path: str, threads: int, providers: List[str]) -> OrtSession:
        options = self._library.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors, which arrive as exceptions too
        # Waiting threads must sleep: while they spin, the parser gets no core, and a picture of
        # EfficientNet-B1 takes 45 ms instead of 27 on two cores.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # The library's own fallback to the CPU prints to stdout, which is for results.
        return self._library.InferenceSession(path, options, providers=providers, enable_fallback=0)


def _fastest_run_s(graph: Graph) -> float:
    """Seconds that the fastest of a few runs takes; the first one allocates memory and does not count."""
    batch = [graph.allocate_buffers()]
    graph.run_batch(batch)
    times = [graph.run_batch(batch).compute_s]
    while len(times) < _TIMED_RUNS and sum(times) < _TIMED_S:
        times.append(graph.run_batch(batch).compute_s)
    return min(times)


def available_cores() -> int:
    """Number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not available on this platform
        return os.cpu_count() or 1


def fewest_fast(cores: int, seconds: Callable[[int], float]) -> int:
    """The number of threads to use, where seconds(threads) measures a run.

    Starts with all cores and halves their number until fewer threads are clearly slower or BUDGET_S is used up:
    a network that is too slow to be measured twice gets all cores.
    """
    found: Dict[int, float] = {}
    end_s = time.monotonic() + BUDGET_S
    for threads in _halves(cores):
        found[threads] = seconds(threads)
        enough = CLEARLY * min(found.values())
        if found[threads] > enough or time.monotonic() > end_s:
            break
    return min(threads for threads, took_s in found.items() if took_s <= enough)


def _halves(cores: int) -> List[int]:
    """All cores, then the smaller powers of two in descending order."""
    powers = [1 << exponent for exponent in range(cores.bit_length()) if 1 << exponent < cores]
    return [cores] + powers[::-1]


class OrtGraph(Graph):
    """A graph that ONNX Runtime has loaded from the file `path`. ModelError if an input or output is anything but
    float32 with all sizes fixed except the batch."""

    def __init__(self, path: str, session: OrtSession) -> None:
        self.file = path
        self._session = session
        self.inputs = _shapes(path, session.get_inputs())
        self.outputs = _shapes(path, session.get_outputs())
        is_fixed = any(isinstance(value.shape[0], int) for value in session.get_inputs())
        self.max_batch = 1 if is_fixed else _MOST_PICTURES
        self._rows = self._new_buffers(1)
        self._batches: Dict[int, _OrtBuffers] = {}  # views of _rows, by size

    def allocate_buffers(self) -> Buffers:
        return self._new_buffers(1)

    def start_run(self, batch: Sequence[Buffers]) -> Run:
        self.check_batch(batch)
        if len(batch) == 1:
            return _Done(RunTimes(0.0, self._compute(batch[0])))
        begin_s = time.monotonic()
        rows = self._rows_for(len(batch))
        for row, buffers in enumerate(batch):
            for name, array in buffers.inputs.items():
                rows.inputs[name][row] = array[0]
        upload_s = time.monotonic() - begin_s
        compute_s = self._compute(rows)
        for row, buffers in enumerate(batch):
            for name, array in buffers.outputs.items():
                array[0] = rows.outputs[name][row]
        return _Done(RunTimes(upload_s, compute_s))

    def _compute(self, buffers: Buffers) -> float:
        assert isinstance(buffers, _OrtBuffers)
        begin_s = time.monotonic()
        try:
            self._session.run_with_iobinding(buffers.binding)
        except Exception as error:
            raise EngineError(f"{self.file}: ONNX Runtime failed: {_one_line(error)}") from error
        return time.monotonic() - begin_s

    def _new_buffers(self, batch: int) -> "_OrtBuffers":
        return _OrtBuffers(self._session, zeros(self.inputs, batch), zeros(self.outputs, batch))

    def _rows_for(self, size: int) -> "_OrtBuffers":
        """Rows for `size` pictures; small batches use the first rows of the largest one so far."""
        if size not in self._batches:
            known = [*self._batches, 1]
            if size > max(known):
                self._rows = self._new_buffers(size)
                self._batches = {other: self._first_rows(other) for other in self._batches}
            self._batches[size] = self._first_rows(size)
        return self._batches[size]

    def _first_rows(self, size: int) -> "_OrtBuffers":
        inputs, outputs = (
            {name: array[:size] for name, array in arrays.items()}
            for arrays in (self._rows.inputs, self._rows.outputs)
        )
        return _OrtBuffers(self._session, inputs, outputs)


class _OrtBuffers(Buffers):
    """Arrays that are bound once, so that a run reads and writes them in place."""

    def __init__(
        self, session: OrtSession, inputs: Dict[str, np.ndarray], outputs: Dict[str, np.ndarray]
    ) -> None:
        super().__init__(inputs, outputs)
        self.binding = session.io_binding()
        for bind, arrays in (
            (self.binding.bind_input, inputs),
            (self.binding.bind_output, outputs),
        ):
            for name, array in arrays.items():
                bind(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)


class _Done(Run):
    def __init__(self, times: RunTimes) -> None:
        self._times = times

    def wait(self) -> RunTimes:
        return self._times


def _shapes(path: str, values: Sequence[OrtValue]) -> Shapes:
    shapes: Shapes = {}
    for value in values:
        sides = [side for side in value.shape[1:] if isinstance(side, int)]
        if value.type != _FLOAT or len(sides) < len(value.shape) - 1:
            raise ModelError(
                f"{path}: {value.name} is {value.type} {value.shape}: expected float32 with "
                "every size fixed but the first"
            )
        shapes[value.name] = tuple(sides)
    return shapes


def _one_line(error: Exception) -> str:
    """The text of an error of the library, which may have several lines."""
    return " ".join(str(error).split())
