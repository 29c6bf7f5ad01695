"""Arrays that the device reads and writes: one class for each kind of memory.

Who fills and reads them sees NumPy arrays only. Addresses are integers, as TensorRT takes them.

- mapped: the device works in the host's memory. On a Jetson TX2 both sides bypass their caches: write
  once, in order.
- managed: one cached allocation that belongs to the processor, and to the stream during a run.
- pinned: page-locked memory and asynchronous copies.
- plain: any memory and copies; for comparison.
"""

import os
from typing import Any, Dict, Tuple, Type, cast

import numpy as np

from edge_attp.errors import UsageError

__all__ = ["DeviceArray", "buffer_policy"]


class DeviceArray:
    """`array`: float32, zeros at first. `address`: where the device finds it."""

    array: np.ndarray
    address: int

    def __init__(self, driver: Any, shape: Tuple[int, ...], is_input: bool) -> None:
        raise NotImplementedError

    def to_device(self, stream: Any) -> None:
        """Before a run, in its stream."""

    def to_host(self, stream: Any) -> None:
        """After a run, in its stream."""


class _Mapped(DeviceArray):
    def __init__(self, driver: Any, shape: Tuple[int, ...], is_input: bool) -> None:
        flag = driver.host_alloc_flags.DEVICEMAP
        self.array = driver.pagelocked_zeros(shape, np.float32, mem_flags=flag)
        self.address = int(cast(Any, self.array.base).get_device_pointer())


class _Managed(DeviceArray):
    """Without concurrent access (TX2), the processor may touch managed memory during a run only if it
    is not attached to a stream that runs; other buffers of the graph are filled meanwhile."""

    def __init__(self, driver: Any, shape: Tuple[int, ...], is_input: bool) -> None:
        self._flags = driver.mem_attach_flags
        self.array = driver.managed_zeros(shape, np.float32, mem_flags=self._flags.HOST)
        self._memory = cast(Any, self.array.base)
        self.address = int(self._memory.get_device_pointer())

    def to_device(self, stream: Any) -> None:
        self._memory.attach(self._flags.SINGLE, stream)

    def to_host(self, stream: Any) -> None:
        self._memory.attach(self._flags.HOST, stream)


class _Copied(DeviceArray):
    def __init__(self, driver: Any, shape: Tuple[int, ...], is_input: bool) -> None:
        self.array = self._zeros(driver, shape)
        self._driver = driver
        self._is_input = is_input
        self._memory = driver.mem_alloc(self.array.nbytes)
        self.address = int(self._memory)

    def _zeros(self, driver: Any, shape: Tuple[int, ...]) -> np.ndarray:
        return np.zeros(shape, np.float32)

    def to_device(self, stream: Any) -> None:
        if self._is_input:
            self._driver.memcpy_htod_async(self.address, self.array, stream)

    def to_host(self, stream: Any) -> None:
        if not self._is_input:
            self._driver.memcpy_dtoh_async(self.array, self.address, stream)


class _Pinned(_Copied):
    def _zeros(self, driver: Any, shape: Tuple[int, ...]) -> np.ndarray:
        return np.asarray(driver.pagelocked_zeros(shape, np.float32))


_POLICIES: Dict[str, Type[DeviceArray]] = {
    "mapped": _Mapped,
    "managed": _Managed,
    "pinned": _Pinned,
    "plain": _Copied,
}


def buffer_policy(is_integrated: bool) -> Tuple[str, Type[DeviceArray]]:
    """Name and class: what EDGE_ATTP_BUFFERS asks for, else mapped on an integrated device and pinned
    on others. UsageError if there is no such kind."""
    name = os.environ.get("EDGE_ATTP_BUFFERS") or ("mapped" if is_integrated else "pinned")
    if name not in _POLICIES:
        raise UsageError(
            "EDGE_ATTP_BUFFERS: got %r, expected one of %s" % (name, ", ".join(_POLICIES))
        )
    return name, _POLICIES[name]
