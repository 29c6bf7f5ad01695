"""Model packs and the engines that run their graphs.

An engine turns named arrays into named arrays; it knows nothing of videos. Each inference library is
imported in its own adapter file only, and only when that engine is opened.

>>> pack = load_pack(default_pack())
>>> pack.labels
('fight', 'noFight')
>>> backend = open_backend("onnxruntime", threads=1)
>>> graph = backend.load_graph(pack.graphs["motion"])
>>> buffers = graph.allocate_buffers()
>>> buffers.inputs["flow"].shape, buffers.inputs["residual"].shape
((1, 4, 48, 48), (1, 1, 48, 48))
>>> times = graph.run_batch([buffers])
>>> buffers.outputs["scores"].shape
(1, 2)
"""

from typing import Optional

from edge_attp.choices import BACKENDS
from edge_attp.engine.backend import IN_FLIGHT, Backend, Buffers, Graph, Run, RunTimes
from edge_attp.engine.cuda_memory import BUFFER_KINDS
from edge_attp.engine.onnxruntime_backend import OnnxRuntimeBackend
from edge_attp.engine.pack import InputSpec, Pack, default_pack, load_pack
from edge_attp.engine.tensorrt_backend import TensorRtBackend, open_if_built
from edge_attp.errors import UsageError

__all__ = [
    "BACKENDS",
    "BUFFER_KINDS",
    "Backend",
    "Buffers",
    "Graph",
    "IN_FLIGHT",
    "InputSpec",
    "Pack",
    "Run",
    "RunTimes",
    "default_pack",
    "load_pack",
    "open_backend",
]


def open_backend(
    choice: str = "auto",
    threads: Optional[int] = None,
    pack: Optional[Pack] = None,
    buffers: Optional[str] = None,
    batch: int = 1,
) -> Backend:
    """Opens a backend.

    "auto" takes TensorRT if engines of all graphs of `pack` have been built, otherwise ONNX Runtime. threads: of
    the engine on the CPU, None to measure how many suit it. buffers: the kind of memory of TensorRT, one of
    BUFFER_KINDS; None for what EDGE_ATTP_BUFFERS says, else what suits the device. batch: the wanted number of
    pictures per run, which matters where several engines were built; Graph.max_batch is the actual limit. Raises
    MissingEngine, which is an EngineError, if the chosen library is missing; the message says how to get it.
    """
    if choice not in BACKENDS:
        raise UsageError(f"backend: got {choice!r}, expected one of {', '.join(BACKENDS)}")
    if choice == "tensorrt":
        return TensorRtBackend(buffers=buffers, batch=batch)
    if choice == "auto" and pack is not None:
        backend = open_if_built(pack, buffers, batch)
        if backend is not None:
            return backend
    return OnnxRuntimeBackend(threads)
