"""The CUDA device through pycuda: what it is, its context, and its errors in our words.

pycuda is imported here, late: importing it needs the NVIDIA driver. Knows nothing of TensorRT.
"""

from typing import Any, ContextManager, NamedTuple, Optional

from edge_attp.errors import EngineError

__all__ = ["CudaContext", "DeviceFacts", "device_facts"]


class DeviceFacts(NamedTuple):
    """architecture: "sm_62". is_integrated: the device shares its memory with the processor."""

    name: str
    architecture: str
    multiprocessors: int
    is_integrated: bool


def device_facts() -> DeviceFacts:
    """The first device that CUDA_VISIBLE_DEVICES leaves. EngineError if there is none, or no pycuda."""
    driver = _driver()
    device = driver.Device(0)
    attribute = driver.device_attribute
    return DeviceFacts(
        device.name(),
        "sm_{}{}".format(*device.compute_capability()),
        device.get_attribute(attribute.MULTIPROCESSOR_COUNT),
        bool(device.get_attribute(attribute.INTEGRATED)),
    )


def _driver() -> Any:
    try:
        import pycuda.driver as driver
    except Exception as error:  # a library that is missing or of another version
        raise EngineError(
            f"the Python module pycuda cannot be imported ({error}): pip install 'edge-attp[tensorrt]' on a "
            "machine with the NVIDIA driver"
        ) from None
    try:
        driver.init()
        count = driver.Device.count()
    except driver.Error as error:
        raise EngineError(f"CUDA does not start ({error}): is the NVIDIA driver loaded?") from None
    if not count:
        raise EngineError("there is no CUDA device: CUDA_VISIBLE_DEVICES may hide it")
    return driver


class CudaContext:
    """A context on the first device, current only inside `with context.calls(...)`, in any thread.

    Once CUDA has failed otherwise than for want of memory, nothing is known of what runs there: every
    later call says so.
    """

    def __init__(self) -> None:
        self._lost: Optional[str] = None  # what the first failure said
        self.driver = _driver()
        driver = self.driver
        # A waiting thread sleeps: the parser needs the core.
        flags = driver.ctx_flags.MAP_HOST | driver.ctx_flags.SCHED_BLOCKING_SYNC
        try:
            self._context = driver.Device(0).make_context(flags)
            driver.Context.pop()
        except driver.Error as error:
            raise EngineError(self._said("starting", error)) from None

    def calls(self, doing: str) -> "ContextManager[None]":
        """Makes the context current; an error of CUDA becomes an EngineError that names `doing`."""
        if self._lost is not None:
            raise EngineError(self._lost)
        return _Current(self, doing)

    def closing(self, doing: str) -> "ContextManager[None]":
        """As calls(), but tries after a failure too, so that memory is freed where that is possible."""
        return _Current(self, doing)

    def push(self) -> None:
        self._context.push()

    def failure(self, doing: str, error: Exception) -> EngineError:
        """What to raise for an error of CUDA, which every later call repeats but for want of memory."""
        said = self._said(doing, error)
        if not isinstance(error, self.driver.MemoryError):
            self._lost = self._lost or said
        return EngineError(said)

    def _said(self, doing: str, error: Exception) -> str:
        said = " ".join(str(error).split())
        if isinstance(error, self.driver.MemoryError):
            return (
                f"out of device memory while {doing} ({said}): end other programs on the device, or build "
                "engines with a smaller --workspace or --batch"
            )
        return f"CUDA failed while {doing} ({said}): if the device was lost or reset, start again"


class _Current:
    """The context, current for a while. (A generator would do, but the frames of one that fails keep
    themselves alive in a cycle, and with them memory of the device.)"""

    def __init__(self, context: CudaContext, doing: str) -> None:
        self._context = context
        self._doing = doing

    def __enter__(self) -> None:
        try:
            self._context.push()
        except self._context.driver.Error as error:
            raise self._context.failure(self._doing, error) from None

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        driver = self._context.driver
        try:
            driver.Context.pop()
        except driver.Error as failure:
            if error is None:
                raise self._context.failure(self._doing, failure) from None
        if isinstance(error, driver.Error):
            raise self._context.failure(self._doing, error) from None
