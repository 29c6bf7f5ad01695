"""JSON lines for a service: a file that is rotated by its size and survives what disks do.

It knows files; what a record looks like is the business of jsonl.py.
"""

import errno
import os
import threading
from typing import Any, Dict, Optional

from edge_attp.errors import UsageError
from edge_attp.recognition import ScoredPicture
from edge_attp.sinks.base import Header
from edge_attp.sinks.jsonl import JsonLinesSink
from edge_attp.sinks.naming import fill_in
from edge_attp.sinks.settings import STATE_PATH, SinkType
from edge_attp.sinks.trouble import Trouble
from edge_attp.strict import BOOLEAN, BYTES, WHOLE, Key

__all__ = ["RotatingJsonSink", "SINK"]

# Sinks of several streams may write to one file, and each of them may rotate it.
_LOCK = threading.Lock()
_LONGEST_LINE_BYTES = 1 << 20


class RotatingJsonSink(JsonLinesSink):
    """Events, with `pictures` also scored pictures, as JSON lines with time and id.

    path: may hold "{stream}"; streams may share a file. A file that would grow beyond max_bytes becomes
    path.1, what was path.1 becomes path.2, and `keep` old files are kept. A line is in a file as a whole
    or not at all; one that cannot be written is counted as lost, and the next one tries again.
    """

    def __init__(
        self,
        path: str,
        max_bytes: int = 10 << 20,
        keep: int = 5,
        pictures: bool = False,
        top_count: int = 5,
    ) -> None:
        if max_bytes < 1 or keep < 0:
            raise UsageError(f"jsonl {path}: max_bytes must be 1 or more, keep 0 or more")
        self._pattern, self._pictures = path, pictures
        self._file = _LineFile(max_bytes, keep)
        stream: Any = self._file
        super().__init__(stream, top_count, with_stamps=True)

    def begin(self, header: Header) -> None:
        self._file.name(fill_in(self._pattern, header.stream))
        super().begin(header)

    def picture(self, picture: ScoredPicture) -> None:
        if self._pictures:
            super().picture(picture)

    def close(self) -> None:
        self._file.close()

    def counters(self) -> Dict[str, int]:
        """Records lost to a full or missing disk; lines that an earlier process left torn; rotations."""
        return dict(self._file.counts)


SINK = SinkType(
    "jsonl",
    "events, or every scored picture, as JSON lines; rotated by size",
    RotatingJsonSink,
    {
        "path": Key(STATE_PATH, "{stream}.jsonl", "relative to state_dir; {stream} is the name"),
        "max_bytes": Key(BYTES, 10 << 20, "at which a new file is begun"),
        "keep": Key(WHOLE, 5, "files that are kept beside the newest"),
        "pictures": Key(BOOLEAN, False, "write every scored picture, not events alone"),
    },
    shown=("path",),
)


class _LineFile:
    """What JsonLinesSink writes to. The first line is repeated at the head of every new file."""

    def __init__(self, max_bytes: int, keep: int) -> None:
        self.counts = {"lost_records": 0, "torn_records": 0, "rotations": 0}
        self._max_bytes, self._keep = max_bytes, keep
        self._path = ""
        self._trouble = Trouble("jsonl")
        self._head = b""
        self._fd: Optional[int] = None

    def name(self, path: str) -> None:
        self._path = path
        self._trouble = Trouble(f"jsonl {path}")

    def write(self, text: str) -> None:
        line = text.encode()
        self._head = self._head or line
        try:
            with _LOCK:
                self._append(line)
        except OSError as error:
            self.counts["lost_records"] += 1
            self._trouble.warn(error, "records are lost until it can be written again")
        else:
            self._trouble.over()

    def flush(self) -> None:
        """Every write() is out already."""

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _append(self, line: bytes) -> None:
        fd = self._opened()
        size = os.fstat(fd).st_size
        if size and size + len(line) > self._max_bytes:
            self._rotate()
            fd, size = self._opened(), 0
        if size == 0 and line is not self._head:
            line = self._head + line
        if os.write(fd, line) < len(line):
            os.ftruncate(fd, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _opened(self) -> int:
        """The file that has the name now: it may have been moved away, or its folder may be new."""
        if self._fd is not None and self._is_current(self._fd):
            return self._fd
        self.close()
        os.makedirs(os.path.dirname(self._path) or ".", exist_ok=True)
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
        self._mend(self._fd)
        return self._fd

    def _is_current(self, fd: int) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(fd))
        except FileNotFoundError:
            return False

    def _mend(self, fd: int) -> None:
        """Cuts off the beginning of a line that a killed process left behind."""
        size = os.fstat(fd).st_size
        begin = max(size - _LONGEST_LINE_BYTES, 0)
        tail = os.pread(fd, size - begin, begin)
        if tail and not tail.endswith(b"\n"):
            os.ftruncate(fd, begin + tail.rfind(b"\n") + 1)
            self.counts["torn_records"] += 1

    def _rotate(self) -> None:
        names = [self._path] + [f"{self._path}.{age}" for age in range(1, self._keep + 1)]
        if not self._keep:
            os.remove(self._path)
        for older, newer in reversed(list(zip(names[1:], names))):
            if os.path.exists(newer):
                os.replace(newer, older)
        self.counts["rotations"] += 1
