"""When each picture is shown, in seconds of the stream, from whatever times its container gives."""

from typing import Generic, List, Optional, Sequence, Tuple, TypeVar

__all__ = ["DisplayTimes", "Untimed"]

MAX_HELD = 32  # pictures without a time that wait for one to be interpolated with
# A time that is no later than the one before, by less than this, says nothing; by more, a clock went back.
JITTER_PICTURES = 2
# A clock that was wrong for a few pictures is followed again where it is no further away than this.
RETURN_S = 1.0
Item = TypeVar("Item")


class Untimed(Generic[Item]):
    """An item to be shown. time_s: what the container says, None if nothing. step: how many pictures of
    the stream it comes after the one before it, more than 1 where only some are read."""

    def __init__(self, item: Item, time_s: Optional[float], step: int = 1) -> None:
        self.item = item
        self.time_s = time_s
        self.step = step


class DisplayTimes(Generic[Item]):
    """Gives each picture a start in seconds: 0 for the first one, and later than its predecessor's for all others.

    Differences are those of the stream's clock. Where it goes back, or forward by more than `jump_s`
    beyond what was due, times run on by `interval_s` a picture. Pictures without a time are spread evenly
    between their neighbours, or come `interval_s` apart where no time follows.
    """

    def __init__(self, interval_s: float, jump_s: float = float("inf")) -> None:
        self._interval_s = interval_s
        self._jump_s = jump_s
        self._last_s = -interval_s  # start of the newest picture that has one
        self._clock_s: Optional[float] = None  # newest time of the container
        self._offset_s: Optional[float] = None  # from the container's clock to ours
        self._earlier_offset_s: Optional[float] = None
        self._held: List[Untimed[Item]] = []
        self._waits = False  # a time may follow soon

    def time_pictures(self, pictures: Sequence[Untimed[Item]]) -> List[Tuple[Item, float]]:
        """Takes pictures that are shown one after the other, with none still to come between them.

        Returns those whose start is known now, in order. The earliest time goes to the picture shown
        first: some containers write times in decoding order.
        """
        times_s = iter(sorted(p.time_s for p in pictures if p.time_s is not None))
        timed: List[Tuple[Item, float]] = []
        for picture in pictures:
            time_s = None if picture.time_s is None else next(times_s)
            timed += self._time(Untimed(picture.item, time_s, picture.step))
        return timed

    def time_remaining(self) -> List[Tuple[Item, float]]:
        """The pictures that are still held, `interval_s` apart: no time will follow."""
        return self._spread(self._interval_s)

    def _time(self, picture: Untimed[Item]) -> List[Tuple[Item, float]]:
        self._held.append(picture)
        if picture.time_s is not None and not self._is_stale(picture.time_s):
            return self._follow_clock(picture.time_s)
        if self._waits and len(self._held) <= MAX_HELD:
            return []
        self._waits = False
        return self.time_remaining()

    def _is_stale(self, time_s: float) -> bool:
        if self._clock_s is None:
            return False
        return -JITTER_PICTURES * self._interval_s < time_s - self._clock_s <= 0.0

    def _follow_clock(self, time_s: float) -> List[Tuple[Item, float]]:
        steps = sum(picture.step for picture in self._held)
        start_s = self._start_of(time_s, self._last_s + steps * self._interval_s)
        self._clock_s, self._waits = time_s, True
        spread = self._spread((start_s - self._last_s) / steps)
        self._last_s = start_s  # exactly
        return spread[:-1] + [(spread[-1][0], start_s)]

    def _start_of(self, time_s: float, due_s: float) -> float:
        if self._offset_s is not None and self._fits(time_s + self._offset_s, due_s, self._jump_s):
            return time_s + self._offset_s
        earlier_s = self._earlier_offset_s
        self._earlier_offset_s, self._offset_s = self._offset_s, due_s - time_s
        if earlier_s is not None and self._fits(time_s + earlier_s, due_s, RETURN_S):
            self._offset_s = earlier_s
        return time_s + self._offset_s

    def _fits(self, start_s: float, due_s: float, jump_s: float) -> bool:
        return self._last_s < start_s <= due_s + jump_s

    def _spread(self, step_s: float) -> List[Tuple[Item, float]]:
        spread = []
        for picture in self._held:
            self._last_s += picture.step * step_s
            spread.append((picture.item, self._last_s))
        self._held = []
        return spread
