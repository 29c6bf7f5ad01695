"""ONNX Runtime on the CPU: the engine that runs everywhere (1.10 on Python 3.6 to the newest)."""

import os
from typing import Any, Optional

import numpy as np

from edge_attp.engine.backend import Backend, Buffers, Graph, Shapes, zeros
from edge_attp.errors import EngineError, ModelError

__all__ = ["OnnxRuntimeBackend"]

_FLOAT = "tensor(float)"


class OnnxRuntimeBackend(Backend):
    """Runs graphs on `threads` cores, by default on all that this process may use."""

    name = "onnxruntime"

    def __init__(self, threads: Optional[int] = None) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise EngineError(
                "the onnxruntime backend cannot start (%s): pip install 'edge-attp[onnx]'" % error
            ) from None
        self._library = onnxruntime
        self._threads = threads or available_cores()

    def describe(self) -> str:
        plural = "" if self._threads == 1 else "s"
        version = self._library.__version__
        return "ONNX Runtime %s, CPU, %d thread%s" % (version, self._threads, plural)

    def load(self, path: str) -> Graph:
        try:
            session = self._library.InferenceSession(
                path, self._session_options(), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the library raises classes of its own without a common base
            raise ModelError(
                "%s: ONNX Runtime cannot load it: %s" % (path, _one_line(error))
            ) from error
        return _OrtGraph(path, session)

    def _session_options(self) -> Any:
        options = self._library.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors; they arrive as exceptions too
        # Waiting threads must sleep: while they spin, the parser beside them gets no core, and a
        # picture of EfficientNet-B1 takes 45 ms instead of 27 on two cores.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return options


class _OrtBuffers(Buffers):
    """Arrays bound once, so that a run reads and writes them in place."""

    def __init__(self, session: Any, inputs: Shapes, outputs: Shapes) -> None:
        super().__init__(zeros(inputs), zeros(outputs))
        self.binding = session.io_binding()
        for bind, arrays in (
            (self.binding.bind_input, self.inputs),
            (self.binding.bind_output, self.outputs),
        ):
            for name, array in arrays.items():
                bind(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)


class _OrtGraph(Graph):
    def __init__(self, path: str, session: Any) -> None:
        self.file = path
        self._session = session
        self.inputs = _shapes(path, session.get_inputs())
        self.outputs = _shapes(path, session.get_outputs())

    def allocate(self) -> Buffers:
        return _OrtBuffers(self._session, self.inputs, self.outputs)

    def run(self, buffers: Buffers) -> None:
        assert isinstance(buffers, _OrtBuffers)
        try:
            self._session.run_with_iobinding(buffers.binding)
        except Exception as error:
            raise EngineError(
                "%s: ONNX Runtime failed: %s" % (self.file, _one_line(error))
            ) from error


def available_cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this platform
        return os.cpu_count() or 1


def _shapes(path: str, values: Any) -> Shapes:
    shapes = {}
    for value in values:
        sides = value.shape[1:]
        if value.type != _FLOAT or not all(isinstance(side, int) for side in sides):
            raise ModelError(
                "%s: %s is %s %s: expected float32 with every size fixed but the first"
                % (path, value.name, value.type, value.shape)
            )
        shapes[value.name] = tuple(sides)
    return shapes


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
