"""Which JetPack a release of NVIDIA's board software belongs to.

Source: NVIDIA's JetPack archive. What is newer than this table is not in it.
"""

import re
from typing import Optional, Tuple

__all__ = ["jetpack", "release_numbers"]

JETPACKS = {
    (32, 4, 2): "4.4",
    (32, 4, 3): "4.4",
    (32, 4, 4): "4.4.1",
    (32, 5, 0): "4.5",
    (32, 5, 1): "4.5.1",
    (32, 6, 1): "4.6",
    (32, 7, 1): "4.6.1",
    (32, 7, 2): "4.6.2",
    (32, 7, 3): "4.6.3",
    (32, 7, 4): "4.6.4",
    (32, 7, 5): "4.6.5",
    (32, 7, 6): "4.6.6",
    (34, 1, 0): "5.0",
    (35, 1, 0): "5.0.2",
    (35, 2, 1): "5.1",
    (35, 3, 1): "5.1.1",
    (35, 4, 1): "5.1.2",
    (35, 5, 0): "5.1.3",
    (35, 6, 0): "5.1.4",
    (36, 3, 0): "6.0",
    (36, 4, 0): "6.1",
    (36, 4, 3): "6.2",
}


def release_numbers(release: str) -> Optional[Tuple[int, int, int]]:
    """(32, 7, 6) of "L4T R32.7.6"; None for other texts. A missing last number is 0."""
    found = re.match(r"L4T R(\d+)\.(\d+)(?:\.(\d+))?$", release)
    return None if found is None else tuple(int(n or 0) for n in found.groups())  # type: ignore


def jetpack(release: str) -> Optional[str]:
    """ "4.6.6" of "L4T R32.7.6", None where the table has it not."""
    numbers = release_numbers(release)
    return None if numbers is None else JETPACKS.get(numbers)
