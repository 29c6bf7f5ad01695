"""Times of a live source that run on with the wall clock, whatever the source's own clock does.

Time stamps and arrival times go in, time stamps come out; knows nothing of packets.
"""

from fractions import Fraction
from typing import Callable, Optional, Tuple

from edge_attp.bitstream.source import ASSUMED_RATE

TICKS_PER_S = 90000
TIME_BASE = Fraction(1, TICKS_PER_S)

Stamps = Tuple[int, Optional[int]]  # pts, dts

# Reordering makes presentation times go back by up to 16 pictures in both codecs. Smaller steps back than
# these limits are never taken for a jump.
_REORDERED_PICTURES = 16
_REORDERED_TICKS = TICKS_PER_S


class Times:
    """Gives every packet a pts in TIME_BASE, beginning with 0.

    Within a connection, differences are those of the source. Where its clock jumps, and where a connection
    begins, times continue from the newest one by as much as the wall clock has advanced. A step forward is
    a jump if it exceeds the time that has passed by more than `jump_s`; sources that send in bursts (HLS)
    do not step at all. `count` is called with "time_jumps" for each jump, and with "missing_times" for each
    packet without a time among others that have one.
    """

    def __init__(self, count: Callable[[str], None], jump_s: float = 5.0) -> None:
        self._count = count
        self._jump_ticks = jump_s * TICKS_PER_S
        self._newest: Optional[int] = None  # largest pts given out
        self._arrived_s = 0.0  # of the last packet
        self._scale = Fraction(1)
        self._interval = 0
        self._offset: Optional[int] = (
            None  # added to the source's times; None: the next one decides
        )
        self._clock = 0  # the source's last time
        self._is_stamped = False

    def begin_connection(
        self, time_base: Optional[Fraction], frame_rate: Optional[Fraction]
    ) -> None:
        """The times of a new connection are unrelated to earlier ones."""
        self._scale = (time_base or TIME_BASE) * TICKS_PER_S
        self._interval = max(int(TICKS_PER_S / (frame_rate or ASSUMED_RATE)), 1)
        self._offset = None
        self._is_stamped = False

    def stamp(self, pts: Optional[int], dts: Optional[int], arrived_s: float) -> Stamps:
        """New pts and dts of a packet in decoding order; dts is None if unknown."""
        clock = self._ticks(dts if pts is None else pts)
        elapsed = 0 if self._newest is None else int((arrived_s - self._arrived_s) * TICKS_PER_S)
        self._arrived_s = arrived_s
        stamps = self._invented(elapsed) if clock is None else self._moved(clock, pts, dts, elapsed)
        self._newest = stamps[0] if self._newest is None else max(self._newest, stamps[0])
        return stamps

    def _ticks(self, time: Optional[int]) -> Optional[int]:
        return None if time is None else int(time * self._scale)

    def _invented(self, elapsed: int) -> Stamps:
        """Times for a packet without any. The first packet of a connection stands for 0, which is its time in
        RTP, though FFmpeg does not report it. A source without times is timed by arrival; a single packet
        comes one interval after the one before."""
        if self._offset is None:
            self._offset, self._clock = self._resumed(elapsed), 0
            return self._offset, None
        newest = self._newest or 0
        if self._is_stamped:
            self._count("missing_times")
            return newest + self._interval, None
        return newest + max(elapsed, 1), None

    def _moved(self, clock: int, pts: Optional[int], dts: Optional[int], elapsed: int) -> Stamps:
        if self._offset is not None and self._is_jump(clock - self._clock, elapsed):
            if self._is_stamped:
                self._count("time_jumps")
            self._offset = None
        self._is_stamped = True
        if self._offset is None:
            self._offset = self._resumed(elapsed) - clock
        self._clock = clock
        if pts is None or dts is None:
            return clock + self._offset, None
        decoding = self._ticks(dts) or 0
        is_sane = -self._reordered() <= decoding - clock <= 0
        return clock + self._offset, decoding + self._offset if is_sane else None

    def _is_jump(self, step: int, elapsed: int) -> bool:
        return step < -self._reordered() or step > elapsed + self._jump_ticks

    def _reordered(self) -> int:
        return max(_REORDERED_PICTURES * self._interval, _REORDERED_TICKS)

    def _resumed(self, elapsed: int) -> int:
        return 0 if self._newest is None else self._newest + max(elapsed, self._interval)
