"""Chooses the engine for --backend."""

from typing import Optional

from edge_attp.engine.backend import Backend
from edge_attp.errors import UsageError

__all__ = ["BACKENDS", "open_backend"]

BACKENDS = ("auto", "onnxruntime", "tensorrt")


def open_backend(choice: str = "auto", threads: Optional[int] = None) -> Backend:
    """Opens a backend; threads: CPU threads of the engine, None for all cores.

    "auto" takes the fastest engine that this version can run here: ONNX Runtime. Raises EngineError
    if the engine is missing, with the way to get it.
    """
    if choice not in BACKENDS:
        raise UsageError("backend: got %r, expected one of %s" % (choice, ", ".join(BACKENDS)))
    if choice == "tensorrt":
        from edge_attp.engine.tensorrt_backend import open_tensorrt

        open_tensorrt()
    from edge_attp.engine.onnxruntime_backend import OnnxRuntimeBackend

    return OnnxRuntimeBackend(threads)
