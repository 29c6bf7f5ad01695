"""Chooses the engine for --backend."""

from typing import Optional

from edge_attp.engine.backend import Backend
from edge_attp.engine.pack import Pack
from edge_attp.errors import UsageError

__all__ = ["BACKENDS", "open_backend"]

BACKENDS = ("auto", "onnxruntime", "tensorrt")


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
        raise UsageError("backend: got %r, expected one of %s" % (choice, ", ".join(BACKENDS)))
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
