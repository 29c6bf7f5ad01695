"""Decoding order to display order, with as little delay as the stream allows."""

from typing import Generic, List, Optional, Tuple, TypeVar

__all__ = ["DisplayOrder"]

MAX_HELD = 16  # no H.264 or HEVC stream reorders over more pictures
Item = TypeVar("Item")


class DisplayOrder(Generic[Item]):
    """Takes items in decoding order and releases them by picture order count (poc).

    A picture that is shown after all before it closes what came before: encoders send it first and
    then the B pictures that it makes possible, none of which is shown before its predecessor. So
    without B pictures an item waits for one picture. Where a stream breaks this rule, the late item is
    released at once.
    """

    def __init__(self) -> None:
        self._held: List[Tuple[int, Item]] = []
        self._newest: Optional[int] = None

    def push(self, poc: int, starts_sequence: bool, item: Item) -> List[Item]:
        """Takes the next item in decoding order; returns those that can be shown now, in display order.

        starts_sequence: the picture is a random access point whose poc may start again from 0.
        """
        ready: List[Item] = []
        if self._newest is None or (starts_sequence and poc <= self._newest):
            ready = self.release_all()
            self._newest = poc
        elif poc > self._newest:
            ready = self._release_up_to(self._newest)
            self._newest = poc
        self._held.append((poc, item))
        self._held.sort(key=lambda entry: entry[0])
        while len(self._held) > MAX_HELD:
            ready.append(self._held.pop(0)[1])
        return ready

    def release_all(self) -> List[Item]:
        """Everything that is still held, in display order."""
        ready = [item for _, item in self._held]
        self._held = []
        return ready

    def _release_up_to(self, poc: int) -> List[Item]:
        ready = [item for held, item in self._held if held <= poc]
        self._held = [(held, item) for held, item in self._held if held > poc]
        return ready
