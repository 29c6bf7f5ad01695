"""What one run takes on the device besides the memory of its pictures: rows for a batch, and events.

A graph has two slots that take turns, so that one run can be handed over while another computes.
Everything but wait() only puts work into the graph's stream. Knows nothing of TensorRT.
"""

from contextlib import suppress
from typing import Any, Dict, Sequence, Tuple

from edge_attp.engine.backend import RunTimes, Shapes
from edge_attp.engine.cuda_buffers import DeviceArray

__all__ = ["PictureMemory", "Slot"]

PictureMemory = Dict[str, DeviceArray]  # by tensor


class Slot:
    """Needs a current context, to be made, used and freed. rows: pictures that its own memory holds; 0
    where pictures are only computed one by one, in place."""

    def __init__(self, driver: Any, inputs: Shapes, outputs: Shapes, rows: int) -> None:
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

    def begin(self, pictures: Sequence[PictureMemory], stream: Any) -> Dict[str, int]:
        """Brings the inputs over. Returns where the engine finds and puts each tensor."""
        self._began.record(stream)
        for array in _arrays(pictures):
            array.lend(stream)
        self._copies = len(pictures) > 1 or not all(a.is_in_place for a in _arrays(pictures))
        if self._copies:
            for name in self._inputs:
                for picture, row in self._with_rows(pictures, name):
                    picture.copy_to(row, stream)
        self._uploaded.record(stream)
        if self._copies:
            return {name: int(rows) for name, rows in self._rows.items()}
        return {name: array.address for name, array in pictures[0].items()}

    def end(self, pictures: Sequence[PictureMemory], stream: Any) -> None:
        """Takes the outputs back, once the engine has been given its work."""
        if self._copies:
            for name in self._outputs:
                for picture, row in self._with_rows(pictures, name):
                    picture.copy_from(row, stream)
        for array in _arrays(pictures):
            array.give_back(stream)
        self._done.record(stream)

    def abandon(self, pictures: Sequence[PictureMemory], stream: Any) -> None:
        """After a failure between begin() and end(): the pictures are nobody's but the caller's."""
        with suppress(self._driver.Error):  # the failure itself is what is told
            for array in _arrays(pictures):
                array.give_back(stream)
            stream.synchronize()

    def wait(self) -> RunTimes:
        """Returns when the run is over."""
        self._done.synchronize()
        upload_s = 1e-3 * self._uploaded.time_since(self._began) if self._copies else 0.0
        return RunTimes(upload_s, 1e-3 * self._done.time_since(self._uploaded))

    def _with_rows(
        self, pictures: Sequence[PictureMemory], name: str
    ) -> Sequence[Tuple[DeviceArray, int]]:
        """One tensor of each picture with the address of its row."""
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
