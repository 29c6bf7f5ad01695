"""Where the library with the plugin edge_attp::TrilinearScoring is, and which one it is."""

import os
from typing import NamedTuple, Optional

from edge_attp.engine.engine_cache import file_sha256
from edge_attp.errors import EngineError

__all__ = ["NO_PLUGIN", "PluginLibrary", "find_plugin"]

LIBRARY = "libedge_attp_plugin.so"
NO_PLUGIN = "none"


class PluginLibrary(NamedTuple):
    """path: absolute. version: the library's sha256, so that a rebuilt one gets new engines."""

    path: str
    version: str


def find_plugin() -> Optional[PluginLibrary]:
    """The library that EDGE_ATTP_PLUGIN names, else the one built in the source tree, else None.

    EDGE_ATTP_PLUGIN=none leaves the plugin out. EngineError if the named file cannot be read.
    """
    named = os.environ.get("EDGE_ATTP_PLUGIN")
    if named == NO_PLUGIN:
        return None
    path = os.path.abspath(named) if named else _built()
    if not named and not os.path.isfile(path):
        return None
    try:
        return PluginLibrary(path, file_sha256(path))
    except EngineError as error:
        raise EngineError("EDGE_ATTP_PLUGIN: %s" % error) from None


def _built() -> str:
    """Where CMake puts the library of engines/plugin when it is built as the README says."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return os.path.join(os.path.dirname(package), "build", "plugin", LIBRARY)
