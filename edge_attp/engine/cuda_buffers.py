"""Arrays that the device reads and writes: one class for each kind of memory.

Who fills and reads them sees NumPy arrays only. Addresses are integers, as TensorRT takes them.

- mapped: the device works in the host's memory. On a Jetson TX2 both sides bypass their caches: write
  once, in order.
- managed: one cached allocation that belongs to the processor, and to the stream during a run.
- pinned: page-locked memory and asynchronous copies.
- plain: any memory and copies; for comparison.
"""

import os
from typing import Any, Dict, Optional, Tuple, Type, cast

import numpy as np

from edge_attp.errors import UsageError

__all__ = ["BUFFER_KINDS", "DeviceArray", "buffer_policy"]


class DeviceArray:
    """`array`: float32, zeros at first. is_in_place: the device can work in it, at `address`. All that
    takes a stream is done in its order, later."""

    is_in_place = False
    array: np.ndarray
    address = 0

    def __init__(self, driver: Any, shape: Tuple[int, ...]) -> None:
        raise NotImplementedError

    def lend(self, stream: Any) -> None:
        """Before the device touches it."""

    def give_back(self, stream: Any) -> None:
        """After the device has touched it."""

    def copy_to(self, address: int, stream: Any) -> None:
        """To memory of the device."""
        raise NotImplementedError

    def copy_from(self, address: int, stream: Any) -> None:
        """From memory of the device."""
        raise NotImplementedError


class _InPlace(DeviceArray):
    is_in_place = True

    def __init__(self, driver: Any, shape: Tuple[int, ...]) -> None:
        self._driver = driver
        self.array = self._zeros(driver, shape)
        self._memory = cast(Any, self.array.base)
        self.address = int(self._memory.get_device_pointer())

    def _zeros(self, driver: Any, shape: Tuple[int, ...]) -> np.ndarray:
        raise NotImplementedError

    def copy_to(self, address: int, stream: Any) -> None:
        self._driver.memcpy_dtod_async(address, self.address, self.array.nbytes, stream)

    def copy_from(self, address: int, stream: Any) -> None:
        self._driver.memcpy_dtod_async(self.address, address, self.array.nbytes, stream)


class _Mapped(_InPlace):
    def _zeros(self, driver: Any, shape: Tuple[int, ...]) -> np.ndarray:
        flag = driver.host_alloc_flags.DEVICEMAP
        return cast(np.ndarray, driver.pagelocked_zeros(shape, np.float32, mem_flags=flag))


class _Managed(_InPlace):
    """Without concurrent access (TX2), the processor may touch managed memory during a run only if it
    is not attached to a stream that runs; other buffers of the graph are filled meanwhile."""

    def _zeros(self, driver: Any, shape: Tuple[int, ...]) -> np.ndarray:
        flag = driver.mem_attach_flags.HOST
        return cast(np.ndarray, driver.managed_zeros(shape, np.float32, mem_flags=flag))

    def lend(self, stream: Any) -> None:
        self._memory.attach(self._driver.mem_attach_flags.SINGLE, stream)

    def give_back(self, stream: Any) -> None:
        self._memory.attach(self._driver.mem_attach_flags.HOST, stream)


class _Plain(DeviceArray):
    def __init__(self, driver: Any, shape: Tuple[int, ...]) -> None:
        self._driver = driver
        self.array = self._zeros(driver, shape)

    def _zeros(self, driver: Any, shape: Tuple[int, ...]) -> np.ndarray:
        return np.zeros(shape, np.float32)

    def copy_to(self, address: int, stream: Any) -> None:
        self._driver.memcpy_htod_async(address, self.array, stream)

    def copy_from(self, address: int, stream: Any) -> None:
        self._driver.memcpy_dtoh_async(self.array, address, stream)


class _Pinned(_Plain):
    def _zeros(self, driver: Any, shape: Tuple[int, ...]) -> np.ndarray:
        return cast(np.ndarray, driver.pagelocked_zeros(shape, np.float32))


_POLICIES: Dict[str, Type[DeviceArray]] = {
    "mapped": _Mapped,
    "managed": _Managed,
    "pinned": _Pinned,
    "plain": _Plain,
}
BUFFER_KINDS = tuple(_POLICIES)


def buffer_policy(
    is_integrated: bool, asked: Optional[str] = None
) -> Tuple[str, Type[DeviceArray]]:
    """Name and class: what is asked for, else what EDGE_ATTP_BUFFERS says, else mapped on an integrated
    device and pinned on others. UsageError if there is no such kind."""
    where = "buffers" if asked else "EDGE_ATTP_BUFFERS"
    name = asked or os.environ.get("EDGE_ATTP_BUFFERS")
    if not name:
        name = "mapped" if is_integrated else "pinned"
    if name not in _POLICIES:
        raise UsageError(
            "{}: got {!r}, expected one of {}".format(where, name, ", ".join(BUFFER_KINDS))
        )
    return name, _POLICIES[name]
