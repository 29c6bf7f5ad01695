"""The clips of a folder, one after the other, for a loop that must not wait for them.

A thread waits in watch_folder(). A clip counts as done when the next one is requested, so one that a stop
interrupted comes again after the next start.
"""

import os
import queue
import threading
from typing import Optional

from edge_attp.sources.folder import watch_folder

__all__ = ["FolderClips"]


class FolderClips:
    """state_path: file that records which clips are done. One thread may call next_clip(), any thread
    stop_watching()."""

    def __init__(self, folder: str, state_path: str) -> None:
        self._folder, self._state_path = folder, state_path
        self._ready: "queue.Queue[str]" = queue.Queue()
        self._is_out = False  # a clip was returned and is not done
        self._stopping, self._done = threading.Event(), threading.Event()
        self._thread: Optional[threading.Thread] = None

    def next_clip(self) -> Optional[str]:
        """The path of the next clip, None if there is none now. Marks the one before as done."""
        if self._thread is None:
            self._start_thread()
        if self._is_out:
            self._is_out = False
            self._done.set()
        try:
            path = self._ready.get_nowait()
        except queue.Empty:
            return None
        self._is_out = True
        return path

    def stop_watching(self) -> None:
        """Ends the thread. The clip returned last does not count as done."""
        self._stopping.set()
        self._done.set()

    def _start_thread(self) -> None:
        os.makedirs(os.path.dirname(self._state_path), exist_ok=True)
        self._thread = threading.Thread(target=self._watch, name="edge-attp-folder", daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        for path in watch_folder(self._folder, self._state_path, self._stopping):
            self._ready.put(path)
            self._done.wait()
            self._done.clear()
            if self._stopping.is_set():  # before the generator records it as done
                return
