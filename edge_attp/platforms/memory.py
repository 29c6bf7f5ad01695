"""How much memory there is and how much of it is free, from /proc/meminfo."""

import os
import re
from typing import NamedTuple

__all__ = ["Memory", "read_memory"]


class Memory(NamedTuple):
    """In bytes. available: what programs can have without swapping. All 0 where nothing is told."""

    total: int
    available: int
    swap_total: int


def read_memory(root: str = "/") -> Memory:
    """What is told below root."""
    try:
        with open(os.path.join(root, "proc/meminfo"), encoding="ascii", errors="replace") as file:
            lines = dict(re.findall(r"^(\w+):\s*(\d+) kB", file.read(), re.M))
    except OSError:
        lines = {}
    fields = ("MemTotal", "MemAvailable", "SwapTotal")
    return Memory(*(1024 * int(lines.get(field, 0)) for field in fields))
