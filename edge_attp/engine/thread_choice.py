"""How many threads a network is given: the fewest that are not clearly slower than any other number."""

import os
import time
from typing import Callable, Dict, List

__all__ = ["available_cores", "fewest_fast"]

CLEARLY = 1.05
BUDGET_S = 1.0


def available_cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this platform
        return os.cpu_count() or 1


def fewest_fast(cores: int, seconds: Callable[[int], float]) -> int:
    """The number of threads to use; seconds(threads) measures.

    Goes down from all cores by halves, until fewer threads are clearly slower or BUDGET_S is spent:
    a network that is too slow to be measured twice gets all cores.
    """
    found: Dict[int, float] = {}
    end_s = time.monotonic() + BUDGET_S
    for threads in _halves(cores):
        found[threads] = seconds(threads)
        enough = CLEARLY * min(found.values())
        if found[threads] > enough or time.monotonic() > end_s:
            break
    return min(threads for threads, took_s in found.items() if took_s <= enough)


def _halves(cores: int) -> List[int]:
    """All cores, then the powers of two below, from the largest."""
    powers = [1 << exponent for exponent in range(cores.bit_length()) if 1 << exponent < cores]
    return [cores] + powers[::-1]
