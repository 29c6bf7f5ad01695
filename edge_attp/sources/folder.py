"""Clips that appear in a folder, each once, even across restarts. Opens none of them."""

import json
import os
import threading
import time
from typing import TYPE_CHECKING, Callable, Dict, Iterator, List, NamedTuple, Optional

from edge_attp.log import logger

if TYPE_CHECKING:
    Entry = os.DirEntry[str]

SUFFIXES = (
    ".mp4 .m4v .mov .mkv .webm .avi .flv .ts .m2ts .mts .mpg .mpeg .3gp .wmv "
    ".264 .h264 .avc .265 .h265 .hevc"
).split()

_State = List[int]  # size in bytes and modification time in ns; if they differ, it is another clip


class _Clip(NamedTuple):
    modified_ns: int
    name: str
    size_bytes: int

    @property
    def state(self) -> _State:
        return [self.size_bytes, self.modified_ns]


class _DoneClips:
    """Remembers in a file which clips are done. A file that cannot be read counts as empty."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._states: Dict[str, _State] = {}
        try:
            with open(path, encoding="utf-8") as file:
                self._states = dict(json.load(file)["done"])
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError) as error:
            logger.warning("%s: cannot be read, so all clips count as new: %s", path, error)

    def is_done(self, clip: _Clip) -> bool:
        return self._states.get(clip.name) == clip.state

    def mark_done(self, clip: _Clip, present: List[_Clip]) -> None:
        """Writes the file at once. Clips that have disappeared are forgotten."""
        names = {other.name for other in present}
        self._states = {name: state for name, state in self._states.items() if name in names}
        self._states[clip.name] = clip.state
        part = self._path + ".part"
        with open(part, "w", encoding="utf-8") as file:
            json.dump({"done": self._states}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self._path)


def watch_folder(
    folder: str,
    state_path: str,
    stop: threading.Event,
    *,
    settle_s: float = 5.0,
    poll_s: float = 1.0,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[str]:
    """Paths of complete clips, oldest first, as they appear, until `stop` is set.

    A clip is complete when it has not changed for `settle_s`. Hidden files and files with other suffixes
    than SUFFIXES (such as those of partial uploads) are ignored. A clip is done when the next one is asked
    for, which the file `state_path` records. A clip that was begun but not done comes again after a
    restart, and so does one that has been replaced.
    """
    done = _DoneClips(state_path)
    settling = _SettlingClips(settle_s)
    is_readable = True
    while not stop.is_set():
        clips = _list_clips(folder)
        if (clips is None) == is_readable:
            is_readable = not is_readable
            logger.warning("%s: %s", folder, "is back" if is_readable else "cannot be read")
        new = [clip for clip in clips or () if not done.is_done(clip)]
        complete = settling.oldest_complete(new, clock())
        if complete is None:
            stop.wait(poll_s)
            continue
        yield os.path.join(folder, complete.name)
        done.mark_done(complete, clips or [])


class _SettlingClips:
    """Since when each clip has not changed."""

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._since: Dict[_Clip, float] = {}

    def oldest_complete(self, clips: List[_Clip], now_s: float) -> Optional[_Clip]:
        self._since = {clip: self._since.get(clip, now_s) for clip in clips}
        complete = [clip for clip in clips if now_s - self._since[clip] >= self._settle_s]
        return min(complete) if complete else None


def _list_clips(folder: str) -> Optional[List[_Clip]]:
    """None if the folder cannot be read; it may be a network share that comes back."""
    try:
        with os.scandir(folder) as entries:
            return [_clip(entry) for entry in entries if _is_clip(entry)]
    except OSError:
        return None


def _is_clip(entry: "Entry") -> bool:
    is_named = os.path.splitext(entry.name)[1].lower() in SUFFIXES
    return is_named and not entry.name.startswith(".") and entry.is_file()


def _clip(entry: "Entry") -> _Clip:
    found = entry.stat()
    return _Clip(found.st_mtime_ns, entry.name, found.st_size)
