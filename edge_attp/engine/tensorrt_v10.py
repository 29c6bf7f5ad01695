"""TensorRT 10: like 8.5, but the registry loads plugin libraries."""

from edge_attp.engine.tensorrt_api import PLUGIN
from edge_attp.engine.tensorrt_v8_5 import Api8_5

__all__ = ["Api10"]


class Api10(Api8_5):
    """load_library and get_creator of the plugin registry."""

    def open_library(self, path: str) -> None:
        if self.module.get_plugin_registry().load_library(path) is None:
            raise OSError(self.log.reason())

    def has_plugin(self) -> bool:
        return self.module.get_plugin_registry().get_creator(*PLUGIN) is not None
