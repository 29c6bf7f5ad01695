"""Decoding order to display order, with as little delay as the stream allows."""

from typing import Any, List, Tuple

__all__ = ["DisplayOrder"]

MAX_HELD = 16  # no H.264 or HEVC stream reorders over more pictures


class DisplayOrder:
    """Takes items in decoding order, gives them out by picture order count (poc).

    A picture that is shown after all before it closes what came before: encoders send it first and
    then the B pictures that it makes possible, none of which reaches behind its predecessor. So
    without B pictures an item waits for one picture. A stream that breaks this gets its late item out
    at once.
    """

    def __init__(self) -> None:
        self._held: List[Tuple[int, Any]] = []
        self._newest: Any = None

    def push(self, poc: int, starts_sequence: bool, item: Any) -> List[Any]:
        """Adds an item; returns those that can be shown now, in order.

        starts_sequence: the picture is a random access point whose poc may start again from 0.
        """
        ready: List[Any] = []
        if self._newest is None or (starts_sequence and poc <= self._newest):
            ready = self.flush()
            self._newest = poc
        elif poc > self._newest:
            ready = self._release(self._newest)
            self._newest = poc
        self._held.append((poc, item))
        self._held.sort(key=lambda entry: entry[0])
        while len(self._held) > MAX_HELD:
            ready.append(self._held.pop(0)[1])
        return ready

    def flush(self) -> List[Any]:
        """All that is held, in order."""
        ready = [item for _, item in self._held]
        self._held = []
        return ready

    def _release(self, poc: int) -> List[Any]:
        ready = [item for held, item in self._held if held <= poc]
        self._held = [(held, item) for held, item in self._held if held > poc]
        return ready
