"""Memory that the device reads and writes: arrays for pictures, one class for each kind of memory, and what one run
of a graph takes besides them.

Whoever fills and reads the arrays sees NumPy arrays only. Addresses are integers, as TensorRT takes them.

- mapped: the device works in the host's memory. On a Jetson TX2 both sides bypass their caches: write
  once, in order.
- managed: one cached allocation that belongs to the processor, and to the stream during a run.
- pinned: page-locked memory and asynchronous copies.
- plain: any memory and copies; for comparison.

Knows nothing of TensorRT.
"""

import os
from contextlib import suppress
from typing import Dict, Optional, Sequence, Tuple, Type, cast

import numpy as np

from edge_attp.engine.backend import RunTimes, Shapes
from edge_attp.engine.foreign import CudaDriver, CudaStream, HostMemory
from edge_attp.errors import UsageError

__all__ = ["BUFFER_KINDS", "DeviceArray", "PictureMemory", "Slot", "buffer_policy"]


class DeviceArray:
    """`array`: float32, initially zeros. is_in_place: the device can work in it, at `address`. Methods that
    take a stream only queue their work there."""

    is_in_place = False
    array: np.ndarray
    address = 0

    def __init__(self, driver: CudaDriver, shape: Tuple[int, ...]) -> None:
        raise NotImplementedError

    def lend_to_device(self, stream: CudaStream) -> None:
        """To be called before the device uses it."""

    def return_to_host(self, stream: CudaStream) -> None:
        """To be called after the device has used it."""

    def copy_to_device(self, address: int, stream: CudaStream) -> None:
        """Copies it to memory of the device."""
        raise NotImplementedError

    def copy_from_device(self, address: int, stream: CudaStream) -> None:
        """Copies memory of the device into it."""
        raise NotImplementedError


class _InPlace(DeviceArray):
    is_in_place = True

    def __init__(self, driver: CudaDriver, shape: Tuple[int, ...]) -> None:
        self._driver = driver
        self.array = self._zeros(driver, shape)
        self._memory = cast(HostMemory, self.array.base)
        self.address = int(self._memory.get_device_pointer())

    def _zeros(self, driver: CudaDriver, shape: Tuple[int, ...]) -> np.ndarray:
        raise NotImplementedError

    def copy_to_device(self, address: int, stream: CudaStream) -> None:
        self._driver.memcpy_dtod_async(address, self.address, self.array.nbytes, stream)

    def copy_from_device(self, address: int, stream: CudaStream) -> None:
        self._driver.memcpy_dtod_async(self.address, address, self.array.nbytes, stream)


class _Mapped(_InPlace):
    def _zeros(self, driver: CudaDriver, shape: Tuple[int, ...]) -> np.ndarray:
        flag = driver.host_alloc_flags.DEVICEMAP
        return driver.pagelocked_zeros(shape, np.float32, mem_flags=flag)


class _Managed(_InPlace):
    """Without concurrent access (TX2), the processor may touch managed memory during a run only if it is not
    attached to the running stream; other buffers of the graph are being filled meanwhile."""

    def _zeros(self, driver: CudaDriver, shape: Tuple[int, ...]) -> np.ndarray:
        flag = driver.mem_attach_flags.HOST
        return driver.managed_zeros(shape, np.float32, mem_flags=flag)

    def lend_to_device(self, stream: CudaStream) -> None:
        self._memory.attach(self._driver.mem_attach_flags.SINGLE, stream)

    def return_to_host(self, stream: CudaStream) -> None:
        self._memory.attach(self._driver.mem_attach_flags.HOST, stream)


class _Plain(DeviceArray):
    def __init__(self, driver: CudaDriver, shape: Tuple[int, ...]) -> None:
        self._driver = driver
        self.array = self._zeros(driver, shape)

    def _zeros(self, driver: CudaDriver, shape: Tuple[int, ...]) -> np.ndarray:
        return np.zeros(shape, np.float32)

    def copy_to_device(self, address: int, stream: CudaStream) -> None:
        self._driver.memcpy_htod_async(address, self.array, stream)

    def copy_from_device(self, address: int, stream: CudaStream) -> None:
        self._driver.memcpy_dtoh_async(self.array, address, stream)


class _Pinned(_Plain):
    def _zeros(self, driver: CudaDriver, shape: Tuple[int, ...]) -> np.ndarray:
        return driver.pagelocked_zeros(shape, np.float32)


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
    """Name and class of the kind to use: `asked`, else what EDGE_ATTP_BUFFERS says, else mapped on an integrated
    device and pinned on others. UsageError if there is no such kind."""
    where = "buffers" if asked else "EDGE_ATTP_BUFFERS"
    name = asked or os.environ.get("EDGE_ATTP_BUFFERS")
    if not name:
        name = "mapped" if is_integrated else "pinned"
    if name not in _POLICIES:
        raise UsageError(f"{where}: got {name!r}, expected one of {', '.join(BUFFER_KINDS)}")
    return name, _POLICIES[name]


PictureMemory = Dict[str, DeviceArray]  # by the name of the tensor


class Slot:
    """What one run takes on the device besides the memory of its pictures: rows for a batch, and events.

    A graph has two slots that take turns, so that one run can be queued while another computes. Only wait()
    blocks. Making, using and freeing a slot needs a current context. rows: pictures that its own memory holds, 0 if
    pictures are computed one by one, in place.
    """

    def __init__(self, driver: CudaDriver, inputs: Shapes, outputs: Shapes, rows: int) -> None:
        self._driver = driver
        self._inputs = tuple(inputs)
        self._outputs = tuple(outputs)
        self._rows = {
            name: driver.mem_alloc(4 * rows * _samples(shape))
            for shapes in (inputs, outputs)
            for name, shape in shapes.items()
            if rows
        }
        self._began, self._uploaded = driver.Event(), driver.Event()
        # A waiting thread sleeps: the parser needs the core.
        self._done = driver.Event(driver.event_flags.BLOCKING_SYNC)
        self._copies = False

    def queue_uploads(
        self, pictures: Sequence[PictureMemory], stream: CudaStream
    ) -> Dict[str, int]:
        """Brings the inputs to the device. Returns the address of each tensor, for the engine."""
        self._began.record(stream)
        for array in _arrays(pictures):
            array.lend_to_device(stream)
        self._copies = len(pictures) > 1 or not all(a.is_in_place for a in _arrays(pictures))
        if self._copies:
            for name in self._inputs:
                for picture, row in self._with_rows(pictures, name):
                    picture.copy_to_device(row, stream)
        self._uploaded.record(stream)
        if self._copies:
            return {name: int(rows) for name, rows in self._rows.items()}
        return {name: array.address for name, array in pictures[0].items()}

    def queue_downloads(self, pictures: Sequence[PictureMemory], stream: CudaStream) -> None:
        """Brings the outputs back; to be called once the work of the engine is queued."""
        if self._copies:
            for name in self._outputs:
                for picture, row in self._with_rows(pictures, name):
                    picture.copy_from_device(row, stream)
        for array in _arrays(pictures):
            array.return_to_host(stream)
        self._done.record(stream)

    def abandon_run(self, pictures: Sequence[PictureMemory], stream: CudaStream) -> None:
        """After a failure between the two: returns the pictures to the host."""
        with suppress(self._driver.Error):  # the failure itself is what gets reported
            for array in _arrays(pictures):
                array.return_to_host(stream)
            stream.synchronize()

    def wait(self) -> RunTimes:
        """Blocks until the run is over."""
        self._done.synchronize()
        upload_s = 1e-3 * self._uploaded.time_since(self._began) if self._copies else 0.0
        return RunTimes(upload_s, 1e-3 * self._done.time_since(self._uploaded))

    def _with_rows(
        self, pictures: Sequence[PictureMemory], name: str
    ) -> Sequence[Tuple[DeviceArray, int]]:
        """One tensor of each picture, with the address of its row."""
        first = int(self._rows[name])
        arrays = [picture[name] for picture in pictures]
        return [(array, first + row * array.array.nbytes) for row, array in enumerate(arrays)]


def _arrays(pictures: Sequence[PictureMemory]) -> Sequence[DeviceArray]:
    return [array for picture in pictures for array in picture.values()]


def _samples(shape: Tuple[int, ...]) -> int:
    count = 1
    for side in shape:
        count *= side
    return count
