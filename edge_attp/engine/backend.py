"""The interface of every engine: a Backend loads graphs, and a Graph runs on Buffers that it made itself.

The stages before an engine only see NumPy arrays to fill; where these live (plain, pinned or mapped memory) is
the engine's concern.
"""

from typing import Dict, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from edge_attp.errors import ModelError

__all__ = ["IN_FLIGHT", "Backend", "Buffers", "Graph", "Run", "RunTimes", "Shapes", "zeros"]

IN_FLIGHT = 2  # runs of one graph: one computes while the next is queued

Shapes = Dict[str, Tuple[int, ...]]  # by name, without the batch dimension


class Buffers:
    """Inputs and outputs of one graph for one picture, by name: float32 arrays (1, ...), C-contiguous.

    Fill `inputs`, pass the object to Graph.start_run(), wait for the run, read `outputs`. Any thread may
    fill and read; several Buffers of one graph may be in use at the same time.
    """

    def __init__(self, inputs: Dict[str, np.ndarray], outputs: Dict[str, np.ndarray]) -> None:
        self.inputs = inputs
        self.outputs = outputs


class RunTimes(NamedTuple):
    """Seconds of one run. upload_s: until the inputs are where the engine reads them, 0.0 if nothing is copied.
    compute_s: from then until the outputs are in their buffers."""

    upload_s: float
    compute_s: float


class Run:
    """A batch that a graph is computing."""

    def wait(self) -> RunTimes:
        """Blocks until the outputs are available; may be called again. EngineError if the engine failed."""
        raise NotImplementedError


class Graph:
    """One loaded network, read from `file`. For one thread at a time; its Buffers may be filled in any thread."""

    file = ""
    inputs: Shapes = {}
    outputs: Shapes = {}
    max_batch = 1

    def allocate_buffers(self) -> Buffers:
        """New buffers of this graph for one picture, their inputs filled with zeros."""
        raise NotImplementedError

    def start_run(self, batch: Sequence[Buffers]) -> Run:
        """Starts one run on 1 to max_batch pictures, each in its own Buffers of this graph.

        Until Run.wait() returns, the Buffers belong to the engine and must be neither filled nor read. Up to
        IN_FLIGHT runs may be under way; a further call waits for the oldest. EngineError if the engine
        fails, ValueError for a batch of another size.
        """
        raise NotImplementedError

    def run_batch(self, batch: Sequence[Buffers]) -> RunTimes:
        """Runs a batch and waits for it, see start_run()."""
        return self.start_run(batch).wait()

    def check_batch(self, batch: Sequence[Buffers]) -> None:
        """ValueError unless the graph takes batches of this size."""
        if not 1 <= len(batch) <= self.max_batch:
            raise ValueError(
                f"{self.file} takes 1 to {self.max_batch} pictures a run, got {len(batch)}"
            )

    def check_tensors(self, inputs: Shapes, outputs: Shapes) -> None:
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
    """An inference engine. `name` is the value of --backend that opens it."""

    name = ""

    def describe(self) -> str:
        """One line for people: engine, version, device, threads."""
        raise NotImplementedError

    def load_graph(self, path: str) -> Graph:
        """Loads one ONNX graph. ModelError if it cannot be used, EngineError if the engine fails."""
        raise NotImplementedError

    def device_memory_bytes(self) -> Optional[int]:
        """How much less memory is free on the device, whoever uses it, than before this backend was used; None for
        a device without memory of its own. EngineError if the device fails."""
        return None


def _listing(shapes: Shapes) -> str:
    parts = [f"{name} (N, {', '.join(map(str, shape))})" for name, shape in shapes.items()]
    return " and ".join(sorted(parts)) or "none"


def zeros(shapes: Shapes, batch: int = 1) -> Dict[str, np.ndarray]:
    """float32 zeros for each name, (batch, ...)."""
    return {name: np.zeros((batch,) + shape, np.float32) for name, shape in shapes.items()}
