"""ONNX Runtime: the engine that runs everywhere (1.10 on Python 3.6 to the newest).

On the CPU, or on an NVIDIA device where the library has its CUDA provider and that starts.
"""

import os
import time
from typing import Any, Callable, Dict, List, Optional

from edge_attp.engine.backend import Backend, Graph
from edge_attp.engine.onnxruntime_graph import OrtGraph, one_line
from edge_attp.errors import EngineError, ModelError
from edge_attp.log import logger

__all__ = ["OnnxRuntimeBackend", "available_cores", "fewest_fast"]

_CUDA, _CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
_TIMED_RUNS = 5
_TIMED_S = 0.1
CLEARLY = 1.05  # so many times slower is worth another thread
BUDGET_S = 1.0


class OnnxRuntimeBackend(Backend):
    """Runs graphs with `threads` threads; None: as many as serve the first graph best, measured when
    that is loaded."""

    name = "onnxruntime"

    def __init__(self, threads: Optional[int] = None) -> None:
        # Builds of late send usage data over the network unless they are told not to.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        try:
            import onnxruntime
        except ImportError as error:
            raise EngineError(
                f"the onnxruntime backend cannot start ({error}): pip install 'edge-attp[onnx]'"
            ) from None
        self._library = onnxruntime
        self._uses_cuda = _CUDA in onnxruntime.get_available_providers()
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

    def load(self, path: str) -> Graph:
        session = self._cuda_session(path) if self._uses_cuda else None
        if session is not None:
            return OrtGraph(path, session)
        self._uses_cuda = False
        if self._threads is None:
            return self._load_fastest(path)
        return self._load(path, self._threads)

    def _load_fastest(self, path: str) -> Graph:
        graphs: Dict[int, Graph] = {}

        def seconds(threads: int) -> float:
            graphs[threads] = self._load(path, threads)
            return _fastest_run_s(graphs[threads])

        self._threads = fewest_fast(available_cores(), seconds)
        self._is_measured = True
        return graphs[self._threads]

    def _load(self, path: str, threads: int) -> Graph:
        try:
            session = self._session(path, threads, [_CPU])
        except Exception as error:  # the library raises classes of its own without a common base
            raise ModelError(f"{path}: ONNX Runtime cannot load it: {one_line(error)}") from error
        return OrtGraph(path, session)

    def _cuda_session(self, path: str) -> Any:
        """None where the provider is there but does not start."""
        reason = "it does not start"
        try:
            session = self._session(path, self._threads or available_cores(), [_CUDA, _CPU])
            if _CUDA in session.get_providers():
                return session
        except Exception as error:
            reason = one_line(error)
        logger.warning("ONNX Runtime's CUDA provider is not used: %s", reason)
        return None

    def _session(self, path: str, threads: int, providers: List[str]) -> Any:
        options = self._library.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors; they arrive as exceptions too
        # Waiting threads must sleep: while they spin, the parser beside them gets no core, and a
        # picture of EfficientNet-B1 takes 45 ms instead of 27 on two cores.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # The library's own way back to the CPU prints to stdout, which is for results.
        return self._library.InferenceSession(path, options, providers=providers, enable_fallback=0)


def _fastest_run_s(graph: Graph) -> float:
    """Seconds of the fastest of a few runs; the first one allocates and does not count."""
    batch = [graph.allocate()]
    graph.run(batch)
    times = [graph.run(batch).compute_s]
    while len(times) < _TIMED_RUNS and sum(times) < _TIMED_S:
        times.append(graph.run(batch).compute_s)
    return min(times)


def available_cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this platform
        return os.cpu_count() or 1


def fewest_fast(cores: int, seconds: Callable[[int], float]) -> int:
    """The number of threads to use; seconds(threads) measures.

    Goes down from all cores by halves, until fewer threads are clearly slower or BUDGET_S is spent:
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
    """All cores, then the powers of two below, from the largest."""
    powers = [1 << exponent for exponent in range(cores.bit_length()) if 1 << exponent < cores]
    return [cores] + powers[::-1]
