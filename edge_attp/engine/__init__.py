"""Model packs and the engines that run their graphs.

An engine turns named arrays into named arrays; it knows nothing of videos. Each inference library is
imported in its own adapter file only, and only when that engine is opened.

>>> pack = load_pack(default_pack())
>>> pack.labels
('fight', 'noFight')
>>> backend = open_backend("onnxruntime", threads=1)
>>> graph = backend.load(pack.graphs["appearance"])
>>> buffers = graph.allocate()
>>> buffers.inputs["rgb"].shape
(1, 3, 128, 128)
>>> times = graph.run([buffers])
>>> buffers.outputs["appearance"].shape
(1, 320, 16)
"""

from edge_attp.engine.backend import (
    BACKENDS,
    IN_FLIGHT,
    Backend,
    Buffers,
    Graph,
    Run,
    RunTimes,
    open_backend,
)
from edge_attp.engine.cuda_buffers import BUFFER_KINDS
from edge_attp.engine.pack import Pack, default_pack, load_pack

__all__ = [
    "BACKENDS",
    "BUFFER_KINDS",
    "Backend",
    "Buffers",
    "Graph",
    "IN_FLIGHT",
    "Pack",
    "Run",
    "RunTimes",
    "default_pack",
    "load_pack",
    "open_backend",
]
