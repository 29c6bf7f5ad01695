"""A TensorRT engine on the device, with a stream of its own.

Only Run.wait() blocks, and nothing is allocated once the buffers are in circulation: slots and their rows are
made with the graph, for the largest batch that the engine was built for.
"""

import weakref
from collections import deque
from contextlib import suppress
from typing import ContextManager, Deque, Optional, Sequence, Type

from edge_attp.engine.backend import IN_FLIGHT, Buffers, Graph, Run, RunTimes
from edge_attp.engine.cuda_device import CudaContext
from edge_attp.engine.cuda_memory import DeviceArray, PictureMemory, Slot
from edge_attp.engine.engine_cache import Found
from edge_attp.engine.foreign import CudaStream, TrtContext, TrtEngine
from edge_attp.engine.tensorrt_platform import Platform
from edge_attp.errors import EngineError
from edge_attp.log import logger

__all__ = ["Session", "TrtGraph"]


class Session:
    """What the graphs of one backend share. memory: the class of their buffers."""

    def __init__(self, platform: Platform, memory: Type[DeviceArray]) -> None:
        self.api = platform.api
        self.context = CudaContext()
        self.memory = memory
        self._free_at_first = self._free_bytes()
        with self.context.calls("loading the plugin"):
            platform.load_plugin()
            self.runtime = self.api.new_runtime()

    def device_memory_bytes(self) -> int:
        """How much less memory is free on the device than when the context was made."""
        return max(0, self._free_at_first - self._free_bytes())

    def _free_bytes(self) -> int:
        with self.context.calls("reading the amount of free memory"):
            return int(self.context.driver.mem_get_info()[0])


class TrtGraph(Graph):
    """Runs the engine `found`, made from the ONNX file `path`."""

    def __init__(self, path: str, found: Found, session: Session) -> None:
        self.file = path
        self.free: Deque[PictureMemory] = deque()  # to be used again: it is allocated only once
        self._slots: Deque[Slot] = deque()  # the least recently used first
        self._runs: Deque["weakref.ReferenceType[_TrtRun]"] = deque()  # that may be under way
        self._session = session
        self._engine: Optional[TrtEngine] = None
        self._execution: Optional[TrtContext] = None
        self._stream: Optional[CudaStream] = None
        self._doing = f"running {path}"
        with session.context.calls(f"loading {found.path}"):
            self._load(found)

    def _load(self, found: Found) -> None:
        api, driver = self._session.api, self._session.context.driver
        self._engine = self._session.runtime.deserialize_cuda_engine(found.data)
        if self._engine is None:
            raise api.failure(f"cannot read {found.path} (edge-attp build --force builds it again)")
        tensors = api.tensors(self._engine)
        self._names = [tensor.name for tensor in tensors]
        self.inputs = {t.name: t.shape for t in tensors if t.is_input}
        self.outputs = {t.name: t.shape for t in tensors if not t.is_input}
        self.max_batch = api.max_batch(self._engine)
        self._execution = self._engine.create_execution_context()
        if self._execution is None:
            raise api.failure(f"cannot run {found.path} (out of memory?)")
        self._set_batch(1)
        self._stream = driver.Stream()
        is_in_place = self.max_batch == 1 and self._session.memory.is_in_place
        rows = 0 if is_in_place else self.max_batch
        for _ in range(IN_FLIGHT):
            self._slots.append(Slot(driver, self.inputs, self.outputs, rows))

    def allocate_buffers(self) -> Buffers:
        try:
            memory = self.free.pop()
        except IndexError:
            return _TrtBuffers(self, self._new_memory())
        buffers = _TrtBuffers(self, memory)
        for array in buffers.inputs.values():
            array.fill(0)
        return buffers

    def start_run(self, batch: Sequence[Buffers]) -> Run:
        self.check_batch(batch)
        self._wait_for_slot(len(batch))
        slot = self._slots[0]
        with self.calls():
            if len(batch) != self._batch:
                self._set_batch(len(batch))
            self._enqueue(slot, [_memory(buffers) for buffers in batch])
        run = _TrtRun(self, slot, batch)
        self._runs.append(weakref.ref(run))
        self._slots.rotate(-1)
        return run

    def calls(self) -> ContextManager[None]:
        """Calls to the device for a run, whose errors become EngineError."""
        return self._session.context.calls(self._doing)

    def _wait_for_slot(self, batch: int) -> None:
        """Waits for the run in the next slot. A batch of another size waits for all runs, because an execution
        context has one shape at a time."""
        most = IN_FLIGHT - 1 if batch == self._batch else 0
        while len(self._runs) > most:
            run = self._runs.popleft()()
            if run is not None:
                run.wait()

    def _set_batch(self, batch: int) -> None:
        assert self._engine is not None and self._execution is not None
        self._batch = 0
        if not self._session.api.set_batch(self._engine, self._execution, batch):
            raise self._session.api.failure(f"cannot run {self.file} with batch {batch}")
        self._batch = batch

    def _enqueue(self, slot: Slot, pictures: Sequence[PictureMemory]) -> None:
        api, stream = self._session.api, self._stream
        assert stream is not None and self._execution is not None
        try:
            addresses = slot.queue_uploads(pictures, stream)
            in_order = {name: addresses[name] for name in self._names}
            if not api.enqueue(self._execution, in_order, stream.handle):
                raise api.failure(f"failed while {self._doing}")
            slot.queue_downloads(pictures, stream)
        except BaseException:
            slot.abandon_run(pictures, stream)
            raise

    def _new_memory(self) -> PictureMemory:
        context, new = self._session.context, self._session.memory
        shapes = dict(self.inputs, **self.outputs)
        with context.calls(f"allocating buffers of {self.file}"):
            return {name: new(context.driver, (1,) + shapes[name]) for name in self._names}

    def __del__(self) -> None:
        """Memory of the device can be freed only while its context is current, and after its use."""
        context = self._session.context
        try:
            with context.closing(f"closing {self.file}"):
                if self._stream is not None:  # a run that failed may have left work
                    with suppress(context.driver.Error):
                        self._stream.synchronize()
                self.free.clear()
                self._slots.clear()
                self._execution = self._engine = self._stream = None
        except EngineError as error:  # the device is lost, and its memory with it
            logger.debug("%s", error)


class _TrtBuffers(Buffers):
    """Returns its memory to the graph when nobody uses it any more.

    The arrays belong to this object and are reused once it is deleted.
    """

    def __init__(self, graph: TrtGraph, memory: PictureMemory) -> None:
        super().__init__(
            {name: memory[name].array for name in graph.inputs},
            {name: memory[name].array for name in graph.outputs},
        )
        self._graph = graph
        self.memory = memory

    def __del__(self) -> None:
        self.inputs, self.outputs = {}, {}
        self._graph.free.append(self.memory)
        del self.memory  # before the graph, which may be deleted with us


def _memory(buffers: Buffers) -> PictureMemory:
    assert isinstance(buffers, _TrtBuffers)
    return buffers.memory


class _TrtRun(Run):
    """Keeps its graph and its buffers, which are therefore not reused, until it is over. A run that nobody waits
    for waits when it is deleted."""

    def __init__(self, graph: TrtGraph, slot: Slot, batch: Sequence[Buffers]) -> None:
        self._graph = graph
        self._slot: Optional[Slot] = slot  # None once it is over
        self._batch = tuple(batch)
        self._times: Optional[RunTimes] = None
        self._failure = (
            ""  # the text: an exception would keep everything alive that its traceback refers to
        )

    def wait(self) -> RunTimes:
        if self._slot is not None:
            try:
                with self._graph.calls():
                    times = self._slot.wait()
                self._times = times
            except EngineError as error:
                self._failure = str(error)
            self._slot, self._batch = None, ()
        if self._times is None:
            raise EngineError(self._failure)
        return self._times

    def __del__(self) -> None:
        try:
            self.wait()
        except EngineError as error:
            logger.debug("%s", error)
