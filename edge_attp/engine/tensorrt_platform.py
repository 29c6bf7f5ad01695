"""TensorRT on this machine: the module with its adapter, the device and the library of the plugin.

Together they are what an engine is built for and may run on. `tensorrt` is imported here, late.
"""

import os
from typing import Any, List, NamedTuple, Optional, Tuple

from edge_attp.engine.cuda_device import DeviceFacts, device_facts
from edge_attp.engine.engine_cache import EngineKey, file_sha256
from edge_attp.engine.tensorrt_api import TensorRtApi
from edge_attp.engine.tensorrt_v8_2 import Api8_2
from edge_attp.engine.tensorrt_v8_5 import Api8_5
from edge_attp.engine.tensorrt_v10 import Api10
from edge_attp.engine.tensorrt_v11 import Api11
from edge_attp.errors import EngineError

__all__ = [
    "PRECISIONS",
    "NotHere",
    "Platform",
    "adapter",
    "graph_name",
    "missing",
    "open_platform",
]

PRECISIONS = ("fp16", "fp32")  # in the order of preference
LIBRARY = "libedge_attp_plugin.so"
NO_PLUGIN = "none"


class PluginLibrary(NamedTuple):
    """path: absolute. version: the library's sha256, so that a rebuilt one gets new engines."""

    path: str
    version: str


class Platform(NamedTuple):
    """What engines depend on besides their graph."""

    api: TensorRtApi
    device: DeviceFacts
    plugin: Optional[PluginLibrary]

    def key(self, graph: str, precision: str = PRECISIONS[0], batch: int = 1) -> EngineKey:
        """The key of an engine; graph: the path of the ONNX file."""
        return EngineKey(
            graph=file_sha256(graph),
            tensorrt=self.api.version,
            gpu=f"{self.device.architecture}x{self.device.multiprocessors}",
            precision=precision,
            plugin=self.plugin.version if self.plugin else NO_PLUGIN,
            batch=batch,
        )

    def load_plugin(self) -> None:
        """Before an engine with the plugin is built or loaded; EngineError if it cannot be loaded."""
        if self.plugin is not None:
            try:
                self.api.load_plugin(self.plugin.path)
            except OSError as error:
                raise EngineError(
                    f"{self.plugin.path}: cannot be used ({error}): build it for TensorRT "
                    f"{self.api.version}, or set EDGE_ATTP_PLUGIN=none "
                    "to do without"
                ) from None


class NotHere(EngineError):
    """This machine lacks something that TensorRT needs."""


def open_platform() -> Platform:
    """Looks at this machine. NotHere names everything that is missing."""
    found, lacks = _look()
    if lacks:
        raise NotHere("TensorRT cannot run here: {}".format("; ".join(lacks)))
    module, device = found
    return Platform(adapter(module), device, find_plugin())


def missing() -> List[str]:
    """What keeps this machine from running on TensorRT, each with its cure."""
    return _look()[1]


def _look() -> Tuple[List[Any], List[str]]:
    """The module and the device, and what is said about those that are missing."""
    found, lacks = [], []
    for look in (_module, device_facts):
        try:
            found.append(look())
        except EngineError as error:
            lacks.append(str(error))
    return found, lacks


def adapter(module: Any) -> TensorRtApi:
    """Chooses the adapter by what an imported tensorrt module has."""
    if not hasattr(module.ICudaEngine, "num_io_tensors"):
        return Api8_2(module)
    if not hasattr(module.IPluginRegistry, "get_creator"):
        return Api8_5(module)
    return Api10(module) if hasattr(module.BuilderFlag, "FP16") else Api11(module)


def graph_name(path: str) -> str:
    """What an ONNX file is called in the cache: "motion"."""
    return os.path.splitext(os.path.basename(path))[0]


def _module() -> Any:
    try:
        import tensorrt
    except Exception as error:  # a broken installation raises more than ImportError
        raise EngineError(
            f"the Python module tensorrt cannot be imported ({error}): it comes with JetPack or from NVIDIA"
        ) from None
    return tensorrt


def find_plugin() -> Optional[PluginLibrary]:
    """The library that EDGE_ATTP_PLUGIN names, else the one built in the source tree, else None.

    EDGE_ATTP_PLUGIN=none leaves the plugin out. EngineError if the named file cannot be read.
    """
    named = os.environ.get("EDGE_ATTP_PLUGIN")
    if named == NO_PLUGIN:
        return None
    path = os.path.abspath(named) if named else _built()
    if not named and not os.path.isfile(path):
        return None
    try:
        return PluginLibrary(path, file_sha256(path))
    except EngineError as error:
        raise EngineError(f"EDGE_ATTP_PLUGIN: {error}") from None


def _built() -> str:
    """Where CMake puts the library of engines/plugin when it is built as the README says."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return os.path.join(os.path.dirname(package), "build", "plugin", LIBRARY)
