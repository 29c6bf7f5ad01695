"""JSON lines for a service: a file that is rotated by size and survives full or failing disks.

This module knows files; jsonl.py knows the records.
"""

import errno
import os
import threading
from typing import Dict, Optional

from edge_attp.errors import UsageError
from edge_attp.log import Trouble
from edge_attp.recognition import ScoredPicture
from edge_attp.sinks.base import Header
from edge_attp.sinks.jsonl import JsonLinesSink
from edge_attp.sinks.settings import STATE_PATH, SinkType, fill_stream_name
from edge_attp.strict import BOOLEAN, BYTES, WHOLE, Key

__all__ = ["RotatingJsonSink", "SINK"]

# Sinks of several streams may write to one file, and each of them may rotate it.
_LOCK = threading.Lock()
_LONGEST_LINE_BYTES = 1 << 20


class RotatingJsonSink(JsonLinesSink):
    """Events, and with `pictures` scored pictures too, as JSON lines with time and id.

    path: may hold "{stream}"; streams may share a file. A file that would grow beyond max_bytes is renamed
    to path.1, path.1 to path.2, and so on up to `keep` old files. A line is written as a whole or not at
    all; a line that cannot be written counts as lost, and the next one is tried again.
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
        super().__init__(self._file, top_count, with_stamps=True)

    def begin(self, header: Header) -> None:
        self._file.set_path(fill_stream_name(self._pattern, header.stream))
        super().begin(header)

    def picture(self, picture: ScoredPicture) -> None:
        if self._pictures:
            super().picture(picture)

    def close(self) -> None:
        self._file.close()

    def counters(self) -> Dict[str, int]:
        """Records lost because the disk was full or missing; torn lines left by an earlier process; rotations."""
        return dict(self._file.counts)


SINK = SinkType(
    "jsonl",
    "events, or every scored picture, as JSON lines; rotated by size",
    RotatingJsonSink,
    {
        "path": Key(
            STATE_PATH,
            "{stream}.jsonl",
            "file, relative to state_dir; {stream} is the name of the stream",
        ),
        "max_bytes": Key(BYTES, 10 << 20, "size at which a new file is started"),
        "keep": Key(WHOLE, 5, "number of old files to keep"),
        "pictures": Key(BOOLEAN, False, "also write every scored picture, not only events"),
    },
    shown=("path",),
)


class _LineFile:
    """The file that JsonLinesSink writes to. Its first line is repeated at the head of every new file."""

    def __init__(self, max_bytes: int, keep: int) -> None:
        self.counts = {"lost_records": 0, "torn_records": 0, "rotations": 0}
        self._max_bytes, self._keep = max_bytes, keep
        self._path = ""
        self._trouble = Trouble("jsonl")
        self._head = b""
        self._fd: Optional[int] = None

    def set_path(self, path: str) -> None:
        self._path = path
        self._trouble = Trouble(f"jsonl {path}")

    def write(self, text: str) -> None:
        line = text.encode()
        self._head = self._head or line
        try:
            with _LOCK:
                self._append_line(line)
        except OSError as error:
            self.counts["lost_records"] += 1
            self._trouble.report_failure(error, "records are lost until writing works again")
        else:
            self._trouble.report_success()

    def flush(self) -> None:
        """Nothing: write() does not buffer."""

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _append_line(self, line: bytes) -> None:
        fd = self._open_current()
        size = os.fstat(fd).st_size
        if size and size + len(line) > self._max_bytes:
            self._rotate()
            fd, size = self._open_current(), 0
        if size == 0 and line is not self._head:
            line = self._head + line
        if os.write(fd, line) < len(line):
            os.ftruncate(fd, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _open_current(self) -> int:
        """The file that has the path now: someone may have moved the old one away, or removed its folder."""
        if self._fd is not None and self._is_current(self._fd):
            return self._fd
        self.close()
        os.makedirs(os.path.dirname(self._path) or ".", exist_ok=True)
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
        self._cut_torn_line(self._fd)
        return self._fd

    def _is_current(self, fd: int) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(fd))
        except FileNotFoundError:
            return False

    def _cut_torn_line(self, fd: int) -> None:
        """Cuts off an incomplete line that a killed process left behind."""
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
