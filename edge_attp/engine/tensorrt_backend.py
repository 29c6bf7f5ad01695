"""TensorRT: says what is missing to run on it.

This version has no TensorRT runner. The file keeps the backend's name and its place in the choice of
--backend, and turns a wish for it into an answer.
"""

import importlib
from typing import List

from edge_attp.errors import EngineError

__all__ = ["missing", "open_tensorrt"]


def missing() -> List[str]:
    """What keeps this machine and this version from running on TensorRT, most basic first."""
    found = []
    try:
        importlib.import_module("tensorrt")
    except Exception as error:  # a broken installation raises more than ImportError
        found.append("the Python module tensorrt cannot be imported (%s)" % error)
    found.append("this version of edge-attp has no TensorRT runner yet")
    return found


def open_tensorrt() -> None:
    """Always raises EngineError: what is missing and what to do."""
    raise EngineError(
        "the tensorrt backend cannot run here: %s. Use --backend onnxruntime."
        % "; ".join(missing())
    )
