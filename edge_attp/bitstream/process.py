"""Objects that belong to the process that made them, because they own threads, connections or file positions.

A child made by fork has copies of all objects but of no threads. Closing a decoder there would wait for
them for ever, and closing a connection would end that of the parent.
"""

import ctypes
import os
from typing import NoReturn

from edge_attp.errors import EdgeAttpError


class ProcessBound:
    """Base class of objects that are neither used nor released in a forked child."""

    _process_id = 0  # until __init__() has run

    def __init__(self) -> None:
        self._process_id = os.getpid()

    @property
    def is_forked_copy(self) -> bool:
        """Whether another process made this object."""
        return self._process_id != os.getpid()

    def check_process(self, name: str) -> None:
        """EdgeAttpError if another process made this object; `name` is that of the source."""
        if self.is_forked_copy:
            raise EdgeAttpError(
                f"{name}: the video was opened before this process was forked and belongs to the parent; open it "
                "again here"
            )

    def __getstate__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} belongs to its process")

    def __del__(self) -> None:
        try:
            if self._process_id and self.is_forked_copy:
                # Immortal, with all that it holds: nothing of it may run its destructor here.
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(self))
            elif self._process_id:
                self._release_resources()
        except Exception:  # the interpreter is shutting down
            pass

    def _release_resources(self) -> None:
        """Releases what Python would not release by itself."""
