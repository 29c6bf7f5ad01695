"""Packets of a live source that wait for the parser, and which of them are dropped when it is too slow.

Pure bookkeeping: the caller tells the time. Not thread-safe.
"""

from collections import deque
from typing import Callable, Deque, NamedTuple, Optional

from edge_attp.types import EncodedPacket

# The parser learns the distance of neighbouring pictures from the first pictures of a stream (it looks 16
# headers ahead), so none of these is dropped.
WHOLE_PACKETS = 32
# Beyond this multiple of max_lag_s, everything that waits is dropped even without a newer key picture.
_HOPELESS = 2.0


class Waiting(NamedTuple):
    """A packet, with what is needed to drop it or to begin with it."""

    packet: EncodedPacket
    arrived_s: float  # monotonic clock
    is_needed: bool  # other pictures may refer to it
    is_cut: bool  # something is missing before it; only key packets have this
    parameter_sets: bytes  # in force at a key packet; empty if reading cannot begin here
    end_mark: bytes  # NAL unit that ends a sequence, to precede a key packet after a gap


class Backlog:
    """A queue that never hands out packets older than a limit.

    Packets older than `skip_nonref_s` are dropped if no other picture refers to theirs
    ("dropped_nonreference" of `count`). Beyond `max_lag_s`, all packets before the newest key packet are
    dropped ("dropped_backlog"). Without a newer key packet, reading catches up as fast as it can; at twice
    that age, or beyond `max_bytes`, all packets are dropped until the next key packet comes. A packet after
    a gap begins with the end of a sequence, so that the parser uses no reference across the gap.

    With `keeps_all`, nothing is dropped, and the producer must wait while the backlog `is_full`.
    """

    keeps_all = False

    def __init__(
        self,
        *,
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
        """Whether it holds more than half of what it may hold."""
        return self._bytes > self._max_bytes // 2

    def put_packet(self, waiting: Waiting) -> None:
        """Appends a packet, or drops it if earlier drops have made it useless."""
        if self._awaits_key and not waiting.parameter_sets:
            self._count("dropped_backlog", 1)
            return
        self._awaits_key = False
        self._waiting.append(waiting)
        self._bytes += len(waiting.packet.data)
        if self._bytes > self._max_bytes and not self.keeps_all:
            if not self._skip_to_newest_key():
                self._give_up()

    def take_packet(self, now_s: float) -> Optional[Waiting]:
        """The next packet to parse, None if there is none at present."""
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
        """Forgets all packets without counting them: nobody wants them any more."""
        self._waiting.clear()
        self._bytes = 0

    def _shorten(self, now_s: float) -> None:
        age_s = now_s - self._waiting[0].arrived_s if self._waiting else 0.0
        if age_s <= self._max_lag_s or self._skip_to_newest_key():
            return
        if age_s > _HOPELESS * self._max_lag_s:
            self._give_up()

    def _skip_to_newest_key(self) -> bool:
        """Drops all packets before the newest key packet; False if there are none, or no such key packet."""
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
