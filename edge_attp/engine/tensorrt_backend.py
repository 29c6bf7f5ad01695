"""TensorRT: runs engines that `edge-attp build` made on this device.

Finds engines in the cache and nowhere else, and builds none: that takes minutes.
"""

from collections import deque
from typing import Any, Deque, Dict, NamedTuple, Optional, Set, Tuple

import numpy as np

from edge_attp.engine.backend import Backend, Buffers, Graph, Shapes
from edge_attp.engine.cuda_buffers import DeviceArray, buffer_policy
from edge_attp.engine.cuda_device import CudaContext
from edge_attp.engine.engine_cache import EngineCache, Found
from edge_attp.engine.pack import Pack
from edge_attp.engine.tensorrt_platform import (
    PRECISIONS,
    Platform,
    graph_name,
    missing,
    open_platform,
)
from edge_attp.errors import EngineError
from edge_attp.log import logger

__all__ = ["TensorRtBackend", "open_if_built"]


class TensorRtBackend(Backend):
    """Runs engines of the first of `precisions` that is built. cache: a folder, None for the usual
    one. EngineError says what is missing on this machine."""

    name = "tensorrt"

    def __init__(
        self, cache: Optional[str] = None, precisions: Tuple[str, ...] = PRECISIONS
    ) -> None:
        try:
            self._platform = open_platform()
        except EngineError as error:
            raise EngineError("%s. Use --backend onnxruntime." % error) from None
        self._cache = EngineCache(cache)
        self._precisions = precisions
        self._buffers = buffer_policy(self._platform.device.is_integrated)
        self._session: Optional[_Session] = None
        self._loaded: Set[str] = set()  # precisions

    def describe(self) -> str:
        platform = self._platform
        return "TensorRT %s, %s, %s (%s), %s buffers, %s plugin" % (
            platform.api.version,
            " and ".join(sorted(self._loaded)) or "no engine yet",
            platform.device.name,
            platform.device.architecture,
            self._buffers[0],
            "with the" if platform.plugin else "no",
        )

    def find(self, path: str) -> Found:
        """The engine of an ONNX file. EngineError if none was built for this machine."""
        try:
            return self._cache.find(graph_name(path), self._platform.key(path), self._precisions)
        except EngineError as error:
            raise EngineError("%s: %s: edge-attp build makes one" % (path, error)) from None

    def load(self, path: str) -> Graph:
        found = self.find(path)
        logger.debug("%s runs as %s", path, found.path)
        if self._session is None:
            self._session = _Session(self._platform, CudaContext(), self._buffers[1])
        self._loaded.add(found.key.precision)
        return _TrtGraph(path, found, self._session)


def open_if_built(pack: Pack) -> Optional[Backend]:
    """The backend, if this machine has all that it takes and engines of both graphs; else None."""
    if missing():
        return None
    try:
        backend = TensorRtBackend()
        for graph in pack.graphs.values():
            backend.find(graph)
    except EngineError as error:
        logger.info("TensorRT is here but not used: %s", error)
        return None
    return backend


class _Session:
    """What the graphs of one backend share."""

    def __init__(self, platform: Platform, context: CudaContext, memory: Any) -> None:
        self.api = platform.api
        self.context = context
        self.memory = memory
        with context.calls("loading the plugin"):
            platform.load_plugin()
            self.runtime = self.api.make("Runtime")


class _Slot(NamedTuple):
    """Memory of one set of buffers, by tensor in the engine's order."""

    tensors: Dict[str, DeviceArray]
    addresses: Dict[str, int]

    def arrays(self, shapes: Shapes) -> Dict[str, np.ndarray]:
        """The arrays of the tensors that `shapes` names."""
        return {name: self.tensors[name].array for name in shapes}


class _TrtBuffers(Buffers):
    """Hands its memory back to the graph when nobody uses it any more.

    The arrays belong to this object: they are used again once it is gone.
    """

    def __init__(self, graph: "_TrtGraph", slot: _Slot) -> None:
        super().__init__(slot.arrays(graph.inputs), slot.arrays(graph.outputs))
        self._graph = graph
        self.slot = slot

    def __del__(self) -> None:
        self.inputs, self.outputs = {}, {}
        self._graph.free.append(self.slot)
        del self.slot  # before the graph, which may go with us


class _TrtGraph(Graph):
    """An engine with its stream. Memory is taken from the device once and goes round."""

    def __init__(self, path: str, found: Found, session: _Session) -> None:
        self.file = path
        self.free: Deque[_Slot] = deque()
        self._session = session
        self._doing = "running %s" % path
        with session.context.calls("loading %s" % found.path):
            self._load(found)
            self._stream = session.context.driver.Stream()
        self.inputs = {t.name: t.shape for t in self._tensors if t.is_input}
        self.outputs = {t.name: t.shape for t in self._tensors if not t.is_input}

    def _load(self, found: Found) -> None:
        api = self._session.api
        self._engine = self._session.runtime.deserialize_cuda_engine(found.data)
        if self._engine is None:
            raise api.failure("cannot read %s (edge-attp build --force makes it anew)" % found.path)
        self._tensors = api.tensors(self._engine)
        self._execution = self._engine.create_execution_context()
        if self._execution is None:
            raise api.failure("cannot run %s (out of memory?)" % found.path)
        if not api.set_batch(self._engine, self._execution, 1):
            raise api.failure("cannot run %s with batch 1" % found.path)

    def allocate(self) -> Buffers:
        try:
            slot = self.free.pop()
        except IndexError:
            return _TrtBuffers(self, self._new_slot())
        buffers = _TrtBuffers(self, slot)
        for array in buffers.inputs.values():
            array.fill(0)
        return buffers

    def run(self, buffers: Buffers) -> None:
        assert isinstance(buffers, _TrtBuffers)
        slot, stream, api = buffers.slot, self._stream, self._session.api
        with self._session.context.calls(self._doing):
            for memory in slot.tensors.values():
                memory.to_device(stream)
            if not api.enqueue(self._execution, slot.addresses, stream.handle):
                raise api.failure("failed while %s" % self._doing)
            for memory in slot.tensors.values():
                memory.to_host(stream)
            stream.synchronize()

    def _new_slot(self) -> _Slot:
        session = self._session
        driver, new = session.context.driver, session.memory
        with session.context.calls("allocating buffers of %s" % self.file):
            tensors = {t.name: new(driver, (1,) + t.shape, t.is_input) for t in self._tensors}
        return _Slot(tensors, {name: memory.address for name, memory in tensors.items()})

    def __del__(self) -> None:
        """What is on the device can be freed only while its context is current."""
        try:
            with self._session.context.calls("closing %s" % self.file):
                self.free.clear()
                self._execution = self._engine = self._stream = None
        except EngineError as error:  # the device is lost, and its memory with it
            logger.debug("%s", error)
