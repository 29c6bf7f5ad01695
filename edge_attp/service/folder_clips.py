"""The clips of a folder, one after the other, for a loop that must not wait for them.

`watch_folder` waits in a thread; a clip counts as done when the next one is asked for, so that one that
was cut off by a stop comes again after the next start.
"""

import os
import queue
import threading
from typing import Optional

from edge_attp.sources.folder import watch_folder

__all__ = ["FolderClips"]


class FolderClips:
    """state_path: where it is kept what was done. next() is for one thread, close() for any."""

    def __init__(self, folder: str, state_path: str) -> None:
        self._folder, self._state_path = folder, state_path
        self._ready: "queue.Queue[str]" = queue.Queue()
        self._is_out = False  # a clip was given out and is not done
        self._stopping, self._done = threading.Event(), threading.Event()
        self._thread: Optional[threading.Thread] = None

    def next(self) -> Optional[str]:
        """The path of the next clip, None if there is none now. What was given out before is done."""
        if self._thread is None:
            self._start()
        if self._is_out:
            self._is_out = False
            self._done.set()
        try:
            path = self._ready.get_nowait()
        except queue.Empty:
            return None
        self._is_out = True
        return path

    def close(self) -> None:
        """Ends the watching; a clip that is out is not done."""
        self._stopping.set()
        self._done.set()

    def _start(self) -> None:
        os.makedirs(os.path.dirname(self._state_path), exist_ok=True)
        self._thread = threading.Thread(target=self._watch, name="edge-attp-folder", daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        for path in watch_folder(self._folder, self._state_path, self._stopping):
            self._ready.put(path)
            self._done.wait()
            self._done.clear()
            if self._stopping.is_set():  # before the generator takes note that it was done
                return
