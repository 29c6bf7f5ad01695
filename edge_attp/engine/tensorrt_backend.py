"""TensorRT: runs engines that `edge-attp build` made on this device.

Finds engines in the cache and nowhere else, and builds none: that takes minutes.
"""

from typing import Optional, Set, Tuple

from edge_attp.engine.backend import Backend, Graph
from edge_attp.engine.cuda_buffers import buffer_policy
from edge_attp.engine.engine_cache import EngineCache, Found
from edge_attp.engine.pack import Pack
from edge_attp.engine.tensorrt_graph import Session, TrtGraph
from edge_attp.engine.tensorrt_platform import PRECISIONS, NotHere, graph_name, open_platform
from edge_attp.errors import EngineError
from edge_attp.log import logger

__all__ = ["TensorRtBackend", "open_if_built"]


class TensorRtBackend(Backend):
    """Runs engines of the first of `precisions` that is built. cache: a folder, None for the usual
    one. buffers: one of BUFFER_KINDS, None as buffer_policy() chooses. batch: pictures a run that are
    wanted; engines of a larger batch are slower with few. EngineError says what is missing here."""

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
        except NotHere as error:
            raise NotHere(f"{error}. Use --backend onnxruntime.") from None
        self._cache = EngineCache(cache)
        self._precisions = precisions
        self._batch = batch
        self._buffers = buffer_policy(self._platform.device.is_integrated, buffers)
        self._session: Optional[Session] = None
        self._loaded: Set[str] = set()  # precisions

    def describe(self) -> str:
        platform = self._platform
        return "TensorRT {}, {}, {} ({}), {} buffers, {} plugin".format(
            platform.api.version,
            " and ".join(sorted(self._loaded)) or "no engine yet",
            platform.device.name,
            platform.device.architecture,
            self._buffers[0],
            "with the" if platform.plugin else "no",
        )

    def find(self, path: str) -> Found:
        """The engine of an ONNX file. EngineError if none was built for this machine."""
        key = self._platform.key(path, batch=self._batch)
        try:
            return self._cache.find(graph_name(path), key, self._precisions)
        except EngineError as error:
            raise EngineError(f"{path}: {error}: edge-attp build makes one") from None

    def load(self, path: str) -> Graph:
        found = self.find(path)
        logger.debug("%s runs as %s", path, found.path)
        if self._session is None:
            self._session = Session(self._platform, self._buffers[1])
        graph = TrtGraph(path, found, self._session)
        self._loaded.add(found.key.precision)
        return graph

    def device_memory_bytes(self) -> Optional[int]:
        return 0 if self._session is None else self._session.device_memory_bytes()


def open_if_built(pack: Pack, buffers: Optional[str], batch: int) -> Optional[Backend]:
    """The backend, if this machine has all that it takes and engines of both graphs; else None."""
    try:
        backend = TensorRtBackend(buffers=buffers, batch=batch)
        for graph in pack.graphs.values():
            backend.find(graph)
    except NotHere as error:
        logger.debug("%s", error)
        return None
    except EngineError as error:
        logger.info("TensorRT is here but not used: %s", error)
        return None
    return backend
