"""What every engine looks like: a Backend loads graphs, a Graph runs on buffers that it made itself.

The stages before an engine see a NumPy array to fill and nothing else; where that array lives (plain,
pinned or mapped memory) is the engine's business.
"""

from typing import Any, Dict, Tuple

import numpy as np

from edge_attp.errors import ModelError

__all__ = ["Backend", "Buffers", "Graph"]

Shapes = Dict[str, Tuple[int, ...]]


class Buffers:
    """Inputs and outputs of one run of one graph, by name: float32 (1, ...), C-contiguous.

    Fill `inputs`, hand the object to Graph.run, read `outputs`. Several sets of one graph may be
    filled and read at the same time.
    """

    def __init__(self, inputs: Dict[str, np.ndarray], outputs: Dict[str, np.ndarray]) -> None:
        self.inputs = inputs
        self.outputs = outputs


class Graph:
    """One loaded network. For one thread at a time; its Buffers may be filled in any thread."""

    file = ""
    inputs: Shapes = {}  # without the batch dimension
    outputs: Shapes = {}

    def allocate(self) -> Buffers:
        """A new set of buffers for this graph."""
        raise NotImplementedError

    def run(self, buffers: Buffers) -> None:
        """Computes buffers.outputs from buffers.inputs. EngineError if the engine fails."""
        raise NotImplementedError

    def expect(self, inputs: Shapes, outputs: Shapes) -> None:
        """ModelError unless the graph has exactly these inputs and outputs."""
        for side, wanted, given in (
            ("inputs", inputs, self.inputs),
            ("outputs", outputs, self.outputs),
        ):
            if wanted != given:
                raise ModelError(
                    "%s: expected the %s %s, found %s: the graph does not belong to its model.json"
                    % (self.file, side, _listing(wanted), _listing(given))
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


def _listing(shapes: Shapes) -> str:
    parts = ["%s (N, %s)" % (name, ", ".join(map(str, shape))) for name, shape in shapes.items()]
    return " and ".join(sorted(parts)) or "none"


def zeros(shapes: Shapes) -> Dict[str, Any]:
    """float32 zeros of batch 1 for each name."""
    return {name: np.zeros((1,) + shape, np.float32) for name, shape in shapes.items()}
