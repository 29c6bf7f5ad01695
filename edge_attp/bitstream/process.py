"""What belongs to the process that made it: threads, connections and places in files are not for its children.

A child made by fork has copies of all objects but none of the threads: to close a decoder there would wait
for them for ever, and to close a connection would end that of the parent.
"""

import ctypes
import os
from typing import Any

from edge_attp.errors import EdgeAttpError


class ProcessBound:
    """In another process than the one that made it, it is neither used nor let go of."""

    _process_id = 0  # of one that was never made

    def __init__(self) -> None:
        self._process_id = os.getpid()

    @property
    def is_elsewhere(self) -> bool:
        """Whether this is another process."""
        return self._process_id != os.getpid()

    def check_process(self, name: str) -> None:
        """EdgeAttpError, where this is another process."""
        if self.is_elsewhere:
            raise EdgeAttpError(
                f"{name}: the video was opened before this process was forked, and belongs to the parent: open it "
                "here once more"
            )

    def __getstate__(self) -> Any:
        raise TypeError(f"{type(self).__name__} belongs to its process")

    def __del__(self) -> None:
        try:
            if self._process_id and self.is_elsewhere:
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(self))  # with all that it holds
            elif self._process_id:
                self._let_go()
        except Exception:  # the interpreter is on its way out
            pass

    def _let_go(self) -> Any:
        """Closes what would not close itself."""
