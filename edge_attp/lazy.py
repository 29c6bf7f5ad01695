"""Optional packages: the one place that imports them, when something needs them.

Nothing else in edge_attp imports them, so all that does without a package runs where it is not installed,
and a missing one is reported in the same words everywhere: what needs it, why it cannot be imported, and
how to install it.
"""

import importlib
from types import ModuleType
from typing import Dict, NamedTuple, Optional, Type

from edge_attp.errors import MissingEngine, MissingExtra, MissingTool

__all__ = ["PACKAGES", "Package", "load"]


class Package(NamedTuple):
    """`name` is what people call it, `remedy` how to get it, `error` what is raised without it."""

    name: str
    remedy: str
    error: Type[MissingTool]


# By the name that is imported.
PACKAGES: Dict[str, Package] = {
    "av": Package("PyAV", "pip install av", MissingTool),
    "cv2": Package("OpenCV", "pip install 'edge-attp[overlay]'", MissingExtra),
    "numpy": Package("NumPy", "pip install numpy", MissingTool),
    "onnx": Package("onnx", "pip install onnx", MissingEngine),
    "onnxruntime": Package("ONNX Runtime", "pip install 'edge-attp[onnx]'", MissingEngine),
    "paho": Package("paho-mqtt", "pip install 'edge-attp[service]'", MissingExtra),
    "prometheus_client": Package(
        "prometheus_client", "pip install 'edge-attp[service]'", MissingExtra
    ),
    "pycuda": Package(
        "pycuda",
        "pip install 'edge-attp[tensorrt]' on a machine with the NVIDIA driver",
        MissingEngine,
    ),
    "tensorrt": Package(
        "the Python module tensorrt", "it comes with JetPack or from NVIDIA", MissingEngine
    ),
    "tomli": Package("tomli", "pip install 'edge-attp[service]'", MissingExtra),
}


def load(
    purpose: str, module: str, *submodules: str, error: Optional[Type[MissingTool]] = None
) -> ModuleType:
    """Imports `module` and then each of `submodules`; returns `module`.

    load("drawing", "cv2") raises "drawing needs OpenCV, which cannot be imported (...): pip install ...", as
    the class that PACKAGES names unless `error` names another one.
    """
    package = PACKAGES[module.split(".")[0]]
    try:
        loaded = importlib.import_module(module)
        for submodule in submodules:
            importlib.import_module(submodule)
    except Exception as reason:  # a broken installation raises more than ImportError
        said = " ".join(str(reason).split())
        raise (error or package.error)(
            f"{purpose} needs {package.name}, which cannot be imported ({said}): {package.remedy}"
        ) from None
    return loaded
