"""TensorRT: runs engines that `edge-attp build` built on this device.

It takes engines from the cache only and builds none, which would take minutes.
"""

from typing import Optional, Set, Tuple

from edge_attp.choices import PRECISIONS
from edge_attp.engine.backend import Backend, Graph
from edge_attp.engine.cuda_memory import buffer_policy
from edge_attp.engine.engine_cache import EngineCache, Found
from edge_attp.engine.pack import Pack
from edge_attp.engine.tensorrt_graph import Session, TrtGraph
from edge_attp.engine.tensorrt_platform import graph_name, open_platform
from edge_attp.errors import EngineError, MissingEngine
from edge_attp.log import logger

__all__ = ["TensorRtBackend", "open_if_built"]


class TensorRtBackend(Backend):
    """Runs engines of the first of `precisions` that has been built. cache: a folder, None for the default one.
    buffers: one of BUFFER_KINDS, None for the choice of buffer_policy(). batch: the wanted number of pictures
    per run; engines of a larger batch are slower with few. MissingEngine says what is missing here."""

    name = "tensorrt"

    def __init__(
        self,
        cache: Optional[str] = None,
        precisions: Tuple[str, ...] = PRECISIONS,
        buffers: Optional[str] = None,
        batch: int = 1,
    ) -> None:
        try:
            self._platform = open_platform()
        except MissingEngine as error:
            raise MissingEngine(f"{error}; use --backend onnxruntime instead") from None
        self._cache = EngineCache(cache)
        self._precisions = precisions
        self._batch = batch
        self._buffers = buffer_policy(self._platform.device.is_integrated, buffers)
        self._session: Optional[Session] = None
        self._loaded: Set[str] = set()  # precisions

    def describe(self) -> str:
        platform = self._platform
        precisions = " and ".join(sorted(self._loaded)) or "no engine yet"
        device = f"{platform.device.name} ({platform.device.architecture})"
        plugin = "with the" if platform.plugin else "no"
        return (
            f"TensorRT {platform.api.version}, {precisions}, {device}, {self._buffers[0]} buffers, "
            f"{plugin} plugin"
        )

    def find_engine(self, path: str) -> Found:
        """The engine of an ONNX file. EngineError if none has been built for this machine."""
        key = self._platform.key(path, batch=self._batch)
        try:
            return self._cache.find_engine(graph_name(path), key, self._precisions)
        except EngineError as error:
            raise EngineError(f"{path}: {error}: edge-attp build builds one") from None

    def load_graph(self, path: str) -> Graph:
        found = self.find_engine(path)
        logger.debug("%s runs as %s", path, found.path)
        if self._session is None:
            self._session = Session(self._platform, self._buffers[1])
        graph = TrtGraph(path, found, self._session)
        self._loaded.add(found.key.precision)
        return graph

    def device_memory_bytes(self) -> Optional[int]:
        return 0 if self._session is None else self._session.device_memory_bytes()


def open_if_built(pack: Pack, buffers: Optional[str], batch: int) -> Optional[Backend]:
    """The backend, if this machine has all that it needs and engines of all graphs; otherwise None."""
    try:
        backend = TensorRtBackend(buffers=buffers, batch=batch)
        for graph in pack.graphs.values():
            backend.find_engine(graph)
    except MissingEngine as error:
        logger.debug("%s", error)
        return None
    except EngineError as error:
        logger.info("TensorRT is available but not used: %s", error)
        return None
    return backend
