"""What every engine looks like, and which one is opened: a Backend loads graphs, a Graph runs on buffers that
it made itself.

The stages before an engine see a NumPy array to fill and nothing else; where that array lives (plain,
pinned or mapped memory) is the engine's business.
"""

from typing import Any, Dict, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from edge_attp.engine.pack import Pack
from edge_attp.errors import ModelError, UsageError

__all__ = ["BACKENDS", "Backend", "Buffers", "Graph", "Run", "RunTimes", "open_backend"]

BACKENDS = ("auto", "onnxruntime", "tensorrt")
IN_FLIGHT = 2  # runs of one graph: one computes while the next is handed over

Shapes = Dict[str, Tuple[int, ...]]


class Buffers:
    """Inputs and outputs of one graph for one picture, by name: float32 (1, ...), C-contiguous.

    Fill `inputs`, hand the object to Graph.start, wait for the run, read `outputs`. Any thread may
    fill and read; several sets of one graph may be in use at the same time.
    """

    def __init__(self, inputs: Dict[str, np.ndarray], outputs: Dict[str, np.ndarray]) -> None:
        self.inputs = inputs
        self.outputs = outputs


class RunTimes(NamedTuple):
    """Seconds of one run. upload_s: bringing the inputs to where the engine reads them, 0.0 where
    nothing is copied. compute_s: from then until the outputs are in their buffers."""

    upload_s: float
    compute_s: float


class Run:
    """A batch that a graph has started."""

    def wait(self) -> RunTimes:
        """Returns when the outputs are there; may be called again. EngineError if the engine failed."""
        raise NotImplementedError


class Graph:
    """One loaded network. For one thread at a time; its Buffers may be filled in any thread."""

    file = ""
    inputs: Shapes = {}  # without the batch dimension
    outputs: Shapes = {}
    max_batch = 1

    def allocate(self) -> Buffers:
        """A new set of buffers for this graph."""
        raise NotImplementedError

    def start(self, batch: Sequence[Buffers]) -> Run:
        """Starts one run on 1 to max_batch pictures, each in its own Buffers of this graph.

        They are the engine's until Run.wait: nobody may fill or read them. IN_FLIGHT runs may be on
        their way; a further call waits for the oldest. EngineError if the engine fails, ValueError for
        a batch of another size.
        """
        raise NotImplementedError

    def run(self, batch: Sequence[Buffers]) -> RunTimes:
        """start(batch).wait()"""
        return self.start(batch).wait()

    def check(self, batch: Sequence[Buffers]) -> None:
        """ValueError if the batch has a size that the graph does not take."""
        if not 1 <= len(batch) <= self.max_batch:
            raise ValueError(
                f"{self.file} takes 1 to {self.max_batch} pictures a run, got {len(batch)}"
            )

    def expect(self, inputs: Shapes, outputs: Shapes) -> None:
        """ModelError unless the graph has exactly these inputs and outputs."""
        for side, wanted, given in (
            ("inputs", inputs, self.inputs),
            ("outputs", outputs, self.outputs),
        ):
            if wanted != given:
                raise ModelError(
                    f"{self.file}: expected the {side} {_listing(wanted)}, found "
                    f"{_listing(given)}: the graph does not belong to its model.json"
                )


class Backend:
    """An inference engine. `name` is what --backend calls it."""

    name = ""

    def describe(self) -> str:
        """One line for people: engine, version, device, threads."""
        raise NotImplementedError

    def load(self, path: str) -> Graph:
        """Loads one ONNX graph. ModelError if it cannot be used, EngineError if the engine fails."""
        raise NotImplementedError

    def device_memory_bytes(self) -> Optional[int]:
        """What the device's free memory has lost, to whomever, since this backend began to use it;
        None if there is no such device. EngineError if the device fails."""
        return None


def _listing(shapes: Shapes) -> str:
    parts = [
        "{} (N, {})".format(name, ", ".join(map(str, shape))) for name, shape in shapes.items()
    ]
    return " and ".join(sorted(parts)) or "none"


def zeros(shapes: Shapes, batch: int = 1) -> Dict[str, Any]:
    """float32 zeros of a batch for each name."""
    return {name: np.zeros((batch,) + shape, np.float32) for name, shape in shapes.items()}


def open_backend(
    choice: str = "auto",
    threads: Optional[int] = None,
    pack: Optional[Pack] = None,
    buffers: Optional[str] = None,
    batch: int = 1,
) -> Backend:
    """Opens a backend.

    "auto" takes TensorRT where it has engines of both graphs of `pack`, else ONNX Runtime. threads: of
    the engine on the CPU, None to measure what serves best. buffers: the kind of memory of TensorRT,
    one of BUFFER_KINDS; None for what EDGE_ATTP_BUFFERS says, else what suits the device. batch:
    pictures a run that are wanted, where engines differ in that; Graph.max_batch says what there is.
    Raises EngineError if what was chosen is missing, with the way to get it.
    """
    if choice not in BACKENDS:
        raise UsageError(
            "backend: got {!r}, expected one of {}".format(choice, ", ".join(BACKENDS))
        )
    if choice == "tensorrt":
        from edge_attp.engine.tensorrt_backend import TensorRtBackend

        return TensorRtBackend(buffers=buffers, batch=batch)
    if choice == "auto" and pack is not None:
        from edge_attp.engine.tensorrt_backend import open_if_built

        backend = open_if_built(pack, buffers, batch)
        if backend is not None:
            return backend
    from edge_attp.engine.onnxruntime_backend import OnnxRuntimeBackend

    return OnnxRuntimeBackend(threads)
