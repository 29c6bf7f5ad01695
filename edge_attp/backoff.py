"""How long to wait before the next attempt, whatever is attempted."""

import random
from typing import Callable

FIRST_S = 0.5
_LONGEST_EXPONENT = 32


class Backoff:
    """Waits that double from FIRST_S up to `longest_s`. Each is shortened at random by up to a half, so that the
    clients of a restarted server do not all return at once."""

    def __init__(self, longest_s: float, draw: Callable[[], float] = random.random) -> None:
        self._longest_s = longest_s
        self._draw = draw
        self.failures = 0  # in a row

    def next_s(self) -> float:
        """Seconds to wait after one more failure."""
        doubled_s = FIRST_S * 2.0 ** min(self.failures, _LONGEST_EXPONENT)
        self.failures += 1
        return min(doubled_s, self._longest_s) * (1.0 - 0.5 * self._draw())

    def reset(self) -> None:
        """Called after a success: the next failure counts as the first."""
        self.failures = 0
