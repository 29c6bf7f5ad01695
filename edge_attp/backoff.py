"""How long to wait before the next attempt. Knows nothing of what is attempted."""

import random
from typing import Callable

FIRST_S = 0.5
_LONGEST_EXPONENT = 32


class Backoff:
    """Waits that double from FIRST_S to `longest_s`, each shortened at random by up to a half, so that
    many clients of a server that comes back do not all knock at once."""

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
        """It worked: the next failure is a first one."""
        self.failures = 0
