"""What lies in an engine cache and serves nothing here any more: engines of other devices and software,
what was changed or cut off, and what a killed build left behind."""

import os
import time
from typing import List, NamedTuple, Optional

from edge_attp.engine.engine_cache import EngineCache, EngineKey
from edge_attp.errors import EngineError

__all__ = ["Stale", "remove", "stale"]

MACHINE = ("tensorrt", "gpu", "plugin")  # what of a key is the same for all engines of one machine
LEFT_BEHIND_S = 3600.0  # no build writes for so long


class Stale(NamedTuple):
    """A file that no key of this machine names."""

    path: str
    reason: str
    size_bytes: int


def stale(cache: EngineCache, here: EngineKey) -> List[Stale]:
    """here: any key of this machine. Engines of other packs are not stale: who runs them is not known."""
    found = []
    for path in cache.files():
        reason = _reason(cache, path, here)
        if reason is not None:
            found.append(Stale(path, reason, os.path.getsize(path)))
    return found


def remove(files: List[Stale]) -> None:
    """EngineError names the first file that cannot be removed."""
    for file in files:
        try:
            os.unlink(file.path)
        except OSError as error:
            raise EngineError("%s: cannot be removed: %s" % (file.path, error.strerror)) from None


def _reason(cache: EngineCache, path: str, here: EngineKey) -> Optional[str]:
    if path.endswith(".writing"):
        is_old = time.time() - os.path.getmtime(path) > LEFT_BEHIND_S
        return "left behind by a build" if is_old else None
    if path.endswith(".cache"):
        return None if path == cache.timing_path(here) else "kernel times of another machine"
    try:
        own = cache.key_of(path)
    except EngineError:
        return "not an engine that this version of edge-attp wrote"
    for field in MACHINE:
        made_for, wanted = getattr(own, field), getattr(here, field)
        if made_for != wanted:
            return "made for %s %s, here it is %s" % (field, made_for, wanted)
    return None
