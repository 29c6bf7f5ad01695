"""The CUDA device through pycuda: its facts, its context, and its errors in our words.

Loading pycuda needs the NVIDIA driver. Knows nothing of TensorRT.
"""

from types import TracebackType
from typing import ContextManager, NamedTuple, Optional, Type, cast

from edge_attp import lazy
from edge_attp.engine.foreign import CudaDriver
from edge_attp.errors import EngineError, MissingEngine

__all__ = ["CudaContext", "DeviceFacts", "device_facts"]


class DeviceFacts(NamedTuple):
    """architecture: "sm_62". is_integrated: the device shares its memory with the processor."""

    name: str
    architecture: str
    multiprocessors: int
    is_integrated: bool


def device_facts() -> DeviceFacts:
    """The first device that CUDA_VISIBLE_DEVICES allows. MissingEngine without a device or pycuda."""
    driver = _load_driver()
    device = driver.Device(0)
    major, minor = device.compute_capability()
    attribute = driver.device_attribute
    return DeviceFacts(
        device.name(),
        f"sm_{major}{minor}",
        device.get_attribute(attribute.MULTIPROCESSOR_COUNT),
        bool(device.get_attribute(attribute.INTEGRATED)),
    )


def _load_driver() -> CudaDriver:
    driver = cast(CudaDriver, lazy.load("CUDA", "pycuda.driver"))
    try:
        driver.init()
        count = driver.Device.count()
    except driver.Error as error:
        raise MissingEngine(
            f"CUDA does not start ({error}): is the NVIDIA driver loaded?"
        ) from None
    if not count:
        raise MissingEngine("there is no CUDA device: CUDA_VISIBLE_DEVICES may hide it")
    return driver


class CudaContext:
    """A context on the first device, current only inside `with context.calls(...)`, in any thread.

    Once CUDA has failed for any reason but a lack of memory, the state of the device is unknown: every later
    call repeats that failure.
    """

    def __init__(self) -> None:
        self._lost: Optional[str] = None  # message of the first failure
        self.driver = _load_driver()
        driver = self.driver
        # A waiting thread sleeps: the parser needs the core.
        flags = driver.ctx_flags.MAP_HOST | driver.ctx_flags.SCHED_BLOCKING_SYNC
        try:
            self._context = driver.Device(0).make_context(flags)
            driver.Context.pop()
        except driver.Error as error:
            raise EngineError(self._message("starting", error)) from None

    def calls(self, doing: str) -> "ContextManager[None]":
        """Makes the context current; a CUDA error becomes an EngineError that mentions `doing`."""
        if self._lost is not None:
            raise EngineError(self._lost)
        return _Current(self, doing)

    def closing(self, doing: str) -> "ContextManager[None]":
        """Like calls(), but also after a failure, so that memory is freed if possible."""
        return _Current(self, doing)

    def make_current(self) -> None:
        self._context.push()

    def failure(self, doing: str, error: Exception) -> EngineError:
        """The EngineError for a CUDA error, which every later call repeats unless memory ran out."""
        message = self._message(doing, error)
        if not isinstance(error, self.driver.MemoryError):
            self._lost = self._lost or message
        return EngineError(message)

    def _message(self, doing: str, error: Exception) -> str:
        said = " ".join(str(error).split())
        if isinstance(error, self.driver.MemoryError):
            return (
                f"out of device memory while {doing} ({said}): stop other programs that use the device, or "
                "build engines with a smaller --workspace or --batch"
            )
        return f"CUDA failed while {doing} ({said}): if the device was lost or reset, restart the program"


class _Current:
    """Makes the context current for a while. (A generator would be shorter, but the frames of one that fails keep
    each other alive in a cycle, and with them memory of the device.)"""

    def __init__(self, context: CudaContext, doing: str) -> None:
        self._context = context
        self._doing = doing

    def __enter__(self) -> None:
        try:
            self._context.make_current()
        except self._context.driver.Error as error:
            raise self._context.failure(self._doing, error) from None

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        driver = self._context.driver
        try:
            driver.Context.pop()
        except driver.Error as failure:
            if error is None:
                raise self._context.failure(self._doing, failure) from None
        if isinstance(error, driver.Error):
            raise self._context.failure(self._doing, error) from None
