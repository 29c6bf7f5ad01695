"""Packets of a live source that wait for the parser, and which of them are dropped when it is too slow.

Pure bookkeeping, told the time by its caller; not thread-safe.
"""

from collections import deque
from typing import Callable, Deque, NamedTuple, Optional

from edge_attp.types import EncodedPacket

# The parser learns the distance of neighbouring pictures from the first pictures of a stream (16 headers
# ahead): none of them is left out.
WHOLE_PACKETS = 32
# So many times the permitted lag, and all that waits is given up even if no newer key picture is there.
_HOPELESS = 2.0


class Waiting(NamedTuple):
    """A packet with what must be known to drop it, or to begin with it."""

    packet: EncodedPacket
    arrived_s: float
    is_needed: bool  # some other picture may refer to it
    is_cut: bool  # something is missing before it; it is a key packet then
    parameter_sets: bytes  # in force at a key packet; empty: not one to begin with
    end_mark: bytes  # NAL unit that ends a sequence, to go before a key packet behind a cut


class Backlog:
    """A queue whose oldest packet is never older than a limit when it is handed out.

    Older than `skip_nonref_s`: packets whose pictures nobody refers to are dropped ("dropped_nonreference"
    of `count`). Older than `max_lag_s`: all before the newest key packet ("dropped_backlog"); with no
    newer key packet, reading catches up as fast as it can, and at twice that age, or beyond `max_bytes`,
    all packets are dropped until the next key packet comes. A packet behind a gap begins with the end of
    a sequence, so that the parser takes no reference across.

    With `keeps_all`, nothing is dropped: whoever puts must wait while it `is_full`.
    """

    keeps_all = False

    def __init__(
        self,
        max_lag_s: float,
        skip_nonref_s: float,
        max_bytes: int,
        count: Callable[[str, int], None],
    ) -> None:
        self._max_lag_s = max_lag_s
        self._skip_nonref_s = skip_nonref_s
        self._max_bytes = max_bytes
        self._count = count
        self._waiting: Deque[Waiting] = deque()
        self._bytes = 0
        self._is_cut = False
        self._awaits_key = False
        self._parameter_sets = b""
        self._whole_left = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether it holds a good part of what it may hold."""
        return self._bytes > self._max_bytes // 2

    def put(self, waiting: Waiting) -> None:
        """Appends a packet, or drops it if it cannot be used after earlier drops."""
        if self._awaits_key and not waiting.parameter_sets:
            self._count("dropped_backlog", 1)
            return
        self._awaits_key = False
        self._waiting.append(waiting)
        self._bytes += len(waiting.packet.data)
        if self._bytes > self._max_bytes and not self.keeps_all:
            if not self._skip_to_newest_key():
                self._give_up()

    def take(self, now_s: float) -> Optional[Waiting]:
        """The next packet to parse; None if there is none now."""
        if not self.keeps_all:
            self._shorten(now_s)
        while self._waiting:
            waiting = self._pop()
            if self._may_skip(waiting, now_s):
                self._count("dropped_nonreference", 1)
                continue
            return self._ready(waiting)
        return None

    def clear(self) -> None:
        """Forgets all packets, uncounted: nobody wants them any more."""
        self._waiting.clear()
        self._bytes = 0

    def _shorten(self, now_s: float) -> None:
        age_s = now_s - self._waiting[0].arrived_s if self._waiting else 0.0
        if age_s <= self._max_lag_s or self._skip_to_newest_key():
            return
        if age_s > _HOPELESS * self._max_lag_s:
            self._give_up()

    def _skip_to_newest_key(self) -> bool:
        """Drops all before the newest key packet; False if there is nothing before it, or no such packet."""
        backwards = reversed(self._waiting)
        behind = next((place for place, item in enumerate(backwards) if item.parameter_sets), None)
        surplus = 0 if behind is None else len(self._waiting) - 1 - behind
        self._drop(surplus)
        return surplus > 0

    def _give_up(self) -> None:
        self._drop(len(self._waiting))
        self._awaits_key = True

    def _drop(self, packets: int) -> None:
        for _ in range(packets):
            self._pop()
        if packets:
            self._is_cut = True
            self._count("dropped_backlog", packets)

    def _pop(self) -> Waiting:
        waiting = self._waiting.popleft()
        self._bytes -= len(waiting.packet.data)
        return waiting

    def _may_skip(self, waiting: Waiting, now_s: float) -> bool:
        is_late = now_s - waiting.arrived_s > self._skip_nonref_s
        return not (waiting.is_needed or self.keeps_all or self._whole_left) and is_late

    def _ready(self, waiting: Waiting) -> Waiting:
        if waiting.parameter_sets and waiting.parameter_sets != self._parameter_sets:
            self._parameter_sets, self._whole_left = waiting.parameter_sets, WHOLE_PACKETS
        self._whole_left = max(self._whole_left - 1, 0)
        if not (self._is_cut or waiting.is_cut):
            return waiting
        self._is_cut = False
        packet = waiting.packet._replace(data=waiting.end_mark + waiting.packet.data)
        return waiting._replace(packet=packet)
