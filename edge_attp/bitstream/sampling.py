"""GOP-sparse reading: which pictures of each group of pictures are drawn. Knows no codec.

Reservoir sampling draws without replacement in one pass, so the length of a group need not be known and
no more than `per_gop` pictures are held.
"""

import random
from typing import Generic, List, Optional, Tuple, TypeVar

T = TypeVar("T")


class Reservoir(Generic[T]):
    """Draws up to `size` of the items offered since the last take_drawn(), each with equal probability."""

    def __init__(self, size: int, seed: Optional[int]) -> None:
        if size < 1:
            raise ValueError(f"per_gop is {size}; at least one picture must be drawn")
        self._size = size
        self._random = random.Random(seed).random
        self.offered = 0
        self._drawn: List[Tuple[int, T]] = []

    def offer_item(self) -> Optional[int]:
        """Counts one more item. Returns the slot in which to put it, None if it is not drawn."""
        self.offered += 1
        if self.offered <= self._size:
            return self.offered - 1
        slot = int(self._random() * self.offered)
        return slot if slot < self._size else None

    def put_item(self, slot: int, item: T) -> None:
        entry = (self.offered, item)
        if slot == len(self._drawn):
            self._drawn.append(entry)
        else:
            self._drawn[slot] = entry

    def take_drawn(self) -> List[T]:
        """The drawn items in the order in which they were offered; then starts afresh."""
        drawn = [item for _, item in sorted(self._drawn, key=lambda entry: entry[0])]
        self._drawn = []
        self.offered = 0
        return drawn
