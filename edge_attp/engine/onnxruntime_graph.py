"""A graph that ONNX Runtime has loaded, and the arrays that it reads and writes in place.

A picture alone is computed in its own arrays. Several are gathered into rows that are bound once for
each size of batch; both memory and bindings stay. A run is over when start() returns.
"""

import time
from typing import Any, Dict, Sequence

import numpy as np

from edge_attp.engine.backend import Buffers, Graph, Run, RunTimes, Shapes, zeros
from edge_attp.errors import EngineError, ModelError

__all__ = ["OrtGraph", "one_line"]

_FLOAT = "tensor(float)"
_MOST_PICTURES = 64  # of a graph that takes any batch: bounds the memory of the rows


class OrtGraph(Graph):
    """session: an onnxruntime.InferenceSession of the file `path`. ModelError if it takes or gives
    anything but float32 of fixed size behind the batch."""

    def __init__(self, path: str, session: Any) -> None:
        self.file = path
        self._session = session
        self.inputs = _shapes(path, session.get_inputs())
        self.outputs = _shapes(path, session.get_outputs())
        is_fixed = any(isinstance(value.shape[0], int) for value in session.get_inputs())
        self.max_batch = 1 if is_fixed else _MOST_PICTURES
        self._rows = self._new_buffers(1)
        self._batches: Dict[int, _OrtBuffers] = {}  # views of _rows, by size

    def allocate(self) -> Buffers:
        return self._new_buffers(1)

    def start(self, batch: Sequence[Buffers]) -> Run:
        self.check(batch)
        if len(batch) == 1:
            return _Done(RunTimes(0.0, self._compute(batch[0])))
        begin_s = time.monotonic()
        rows = self._batch(len(batch))
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
            raise EngineError(f"{self.file}: ONNX Runtime failed: {one_line(error)}") from error
        return time.monotonic() - begin_s

    def _new_buffers(self, batch: int) -> "_OrtBuffers":
        return _OrtBuffers(self._session, zeros(self.inputs, batch), zeros(self.outputs, batch))

    def _batch(self, size: int) -> "_OrtBuffers":
        """Rows for so many pictures; small batches use the first rows of the largest one so far."""
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
    """Arrays bound once, so that a run reads and writes them in place."""

    def __init__(
        self, session: Any, inputs: Dict[str, np.ndarray], outputs: Dict[str, np.ndarray]
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


def _shapes(path: str, values: Any) -> Shapes:
    shapes = {}
    for value in values:
        sides = value.shape[1:]
        if value.type != _FLOAT or not all(isinstance(side, int) for side in sides):
            raise ModelError(
                f"{path}: {value.name} is {value.type} {value.shape}: expected float32 with "
                "every size fixed but the first"
            )
        shapes[value.name] = tuple(sides)
    return shapes


def one_line(error: Exception) -> str:
    """The text of an error of the library, which may have several lines."""
    return " ".join(str(error).split())
