"""TensorRT on this machine: the module with its adapter, the device and the plugin library.

Together they are what an engine is built for and may run on.
"""

import os
from typing import List, NamedTuple, Optional, cast

from edge_attp import lazy
from edge_attp.choices import PRECISIONS
from edge_attp.engine.cuda_device import DeviceFacts, device_facts
from edge_attp.engine.engine_cache import EngineKey, file_sha256
from edge_attp.engine.foreign import TensorRt
from edge_attp.engine.tensorrt_api import TensorRtApi
from edge_attp.engine.tensorrt_v8_2 import Api8_2
from edge_attp.engine.tensorrt_v8_5 import Api8_5
from edge_attp.engine.tensorrt_v10 import Api10
from edge_attp.engine.tensorrt_v11 import Api11
from edge_attp.errors import EngineError, MissingEngine

__all__ = ["Platform", "choose_adapter", "graph_name", "open_platform"]

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
        """To be called before an engine with the plugin is built or loaded. EngineError if that fails."""
        if self.plugin is not None:
            try:
                self.api.load_plugin(self.plugin.path)
            except OSError as error:
                raise EngineError(
                    f"{self.plugin.path}: cannot be used ({error}): build it for TensorRT "
                    f"{self.api.version}, or set EDGE_ATTP_PLUGIN=none to do without"
                ) from None


def open_platform() -> Platform:
    """Examines this machine. MissingEngine names everything that TensorRT lacks here."""
    lacks: List[str] = []
    try:
        module = cast(TensorRt, lazy.load("the tensorrt backend", "tensorrt"))
    except MissingEngine as error:
        lacks.append(str(error))
    try:
        device = device_facts()
    except MissingEngine as error:
        lacks.append(str(error))
    if lacks:
        raise MissingEngine(f"TensorRT cannot run here: {'; '.join(lacks)}")
    return Platform(choose_adapter(module), device, find_plugin())


def choose_adapter(module: TensorRt) -> TensorRtApi:
    """Chooses the adapter by what an imported tensorrt module has."""
    if not hasattr(module.ICudaEngine, "num_io_tensors"):
        return Api8_2(module)
    if not hasattr(module.IPluginRegistry, "get_creator"):
        return Api8_5(module)
    return Api10(module) if hasattr(module.BuilderFlag, "FP16") else Api11(module)


def graph_name(path: str) -> str:
    """What an ONNX file is called in the cache: "motion"."""
    return os.path.splitext(os.path.basename(path))[0]


def find_plugin() -> Optional[PluginLibrary]:
    """The library that EDGE_ATTP_PLUGIN names, else the one built in the repository, else None.

    EDGE_ATTP_PLUGIN=none leaves the plugin out. EngineError if the named file cannot be read.
    """
    named = os.environ.get("EDGE_ATTP_PLUGIN")
    if named == NO_PLUGIN:
        return None
    path = os.path.abspath(named) if named else _default_plugin()
    if not named and not os.path.isfile(path):
        return None
    try:
        return PluginLibrary(path, file_sha256(path))
    except EngineError as error:
        raise EngineError(f"EDGE_ATTP_PLUGIN: {error}") from None


def _default_plugin() -> str:
    """Where `make plugin` puts the library."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return os.path.join(os.path.dirname(package), "build", "plugin", LIBRARY)
