"""A queue of messages on disk, bounded in size, for messages that a network cannot take at the moment.

The folder holds numbered files: messages are appended to the last, read from the first, and a file is
removed when all its messages are acknowledged. A message is a header (length, CRC-32) and its bytes,
written by one call. The spool does not know what a message means or where it goes.

Guarantees: the process may be killed at any moment; the message being written then is dropped and counted
at the next opening, no earlier one is. Power may fail at any moment; messages put since the last
sync_to_disk() may be lost. In both cases an acknowledgement may be lost; its message is then returned
again.
"""

import errno
import fcntl
import os
import re
import struct
import threading
import zlib
from collections import deque
from typing import Deque, List, NamedTuple, Optional, Tuple

__all__ = ["Message", "Spool"]

_HEADER = struct.Struct("<II")  # length in bytes, CRC-32
_POSITION = struct.Struct("<QQ")  # number of a file, offset in it; their CRC-32 follows
_FILES = 8  # in a full spool, about
_NAME = re.compile(r"(\d{10})\.messages$")


class Message(NamedTuple):
    """A message, and where it ends: the number of its file and the offset in it."""

    data: bytes
    end: Tuple[int, int]


class _File:
    """One file of the folder. count: its messages that are not acknowledged."""

    def __init__(self, number: int, fd: int) -> None:
        self.number, self.fd = number, fd
        self.size = self.count = 0
        self.is_synced = True

    def read_message(self, offset: int) -> Optional[bytes]:
        """The message at this offset; None if none is complete there."""
        header = os.pread(self.fd, _HEADER.size, offset)
        if len(header) < _HEADER.size:
            return None
        length, check = _HEADER.unpack(header)
        if offset + _HEADER.size + length > os.fstat(self.fd).st_size:
            return None
        data = os.pread(self.fd, length, offset + _HEADER.size)
        return data if zlib.crc32(data) == check else None

    def append_record(self, record: bytes) -> None:
        if os.pwrite(self.fd, record, self.size) < len(record):
            os.ftruncate(self.fd, self.size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.size += len(record)
        self.count += 1
        self.is_synced = False


class Spool:
    """put_message() adds a message; peek_message() returns the oldest until acknowledge() removes it.
    Thread-safe.

    When more than max_bytes would be on disk, the oldest file, about an eighth of them, is dropped.
    Opening raises OSError if the folder cannot be made or read, BlockingIOError if another spool has it
    open. counts: messages put; dropped because the spool was full (or smaller than the message); lost
    because the disk did not take them; torn, that is, found unreadable.
    """

    def __init__(self, folder: str, max_bytes: int) -> None:
        self.counts = {"put": 0, "dropped": 0, "lost": 0, "torn": 0}
        self._folder, self._max_bytes = folder, max_bytes
        self._lock = threading.Lock()
        self._files: Deque[_File] = deque()
        self._begin = 0  # offset of the oldest message in the first file
        # Whether the last file may grow; one from an earlier process never does.
        self._is_appending = False
        os.makedirs(folder, exist_ok=True)
        self._guard = self._open("lock")
        self._position = self._open("position")
        self._is_open = True
        try:
            fcntl.flock(self._guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._read_folder()
        except OSError:
            self.close()
            raise

    def put_message(self, data: bytes) -> None:
        """Appends a message. Raises OSError if the disk does not take it, and counts it as lost."""
        record = _HEADER.pack(len(data), zlib.crc32(data)) + data
        with self._lock:
            self.counts["put"] += 1
            if len(record) > self._max_bytes:
                self.counts["dropped"] += 1
                return
            try:
                self._make_room(len(record))
                self._file_for(len(record)).append_record(record)
            except OSError:
                self.counts["lost"] += 1
                raise

    def peek_message(self) -> Optional[Message]:
        """The oldest message; None if there is none. Raises OSError if it cannot be read now."""
        with self._lock:
            while self._is_open and self._files and self._files[0].count:
                first = self._files[0]
                data = first.read_message(self._begin)
                if data is not None:
                    return Message(data, (first.number, self._begin + _HEADER.size + len(data)))
                self.counts["torn"] += first.count
                first.count, self._begin = 0, first.size
                self._remove_finished()
            return None

    def acknowledge(self, message: Message) -> None:
        """Removes a message that peek_message() returned, unless it was dropped meanwhile."""
        number, offset = message.end
        with self._lock:
            if not self._is_open or not self._files or self._files[0].number != number:
                return
            if offset > self._begin:
                self._begin = offset
                self._files[0].count -= 1
                self._write_position(number, offset)
                self._remove_finished()

    def sync_to_disk(self) -> None:
        """Makes all messages put so far survive a power failure; may take long."""
        with self._lock:
            files = [file for file in self._files if self._is_open and not file.is_synced]
            copies = [os.dup(file.fd) for file in files]
            for file in files:
                file.is_synced = True
        for fd in copies:
            try:
                os.fsync(fd)
            finally:
                os.close(fd)

    def close(self) -> None:
        """May be called twice, and while another thread is about to peek() or ack()."""
        with self._lock:
            if self._is_open:
                self._is_open = False
                for fd in [self._guard, self._position] + [file.fd for file in self._files]:
                    os.close(fd)

    def __len__(self) -> int:
        """Number of waiting messages."""
        with self._lock:
            return sum(file.count for file in self._files)

    def _open(self, name: str) -> int:
        return os.open(os.path.join(self._folder, name), os.O_RDWR | os.O_CREAT, 0o640)

    def _open_file(self, number: int) -> _File:
        return _File(number, self._open(f"{number:010d}.messages"))

    def _read_folder(self) -> None:
        number, begin = self._read_position()
        self._last_number = number
        for found in self._numbers():
            file = self._open_file(found)
            self._files.append(file)
            self._scan(file, begin if found == number else 0)
            if found < number:  # all of it was acknowledged, but it was not removed
                file.count = 0
            self._last_number = max(self._last_number, found)
        self._begin = begin if self._files and self._files[0].number == number else 0
        self._remove_finished()

    def _numbers(self) -> List[int]:
        found = [_NAME.match(name) for name in os.listdir(self._folder)]
        return sorted(int(match.group(1)) for match in found if match)

    def _scan(self, file: _File, begin: int) -> None:
        """Counts the messages from `begin` on, and cuts the file after the last complete one."""
        file.size = min(begin, os.fstat(file.fd).st_size)
        data = file.read_message(file.size)
        while data is not None:
            file.size += _HEADER.size + len(data)
            file.count += 1
            data = file.read_message(file.size)
        if os.fstat(file.fd).st_size > file.size:
            self.counts["torn"] += 1
            os.ftruncate(file.fd, file.size)

    def _read_position(self) -> Tuple[int, int]:
        data = os.pread(self._position, _POSITION.size + 4, 0)
        body, check = data[: _POSITION.size], data[_POSITION.size :]
        if len(data) < _POSITION.size + 4 or zlib.crc32(body) != int.from_bytes(check, "little"):
            return 0, 0
        number, offset = _POSITION.unpack(body)
        return number, offset

    def _write_position(self, number: int, offset: int) -> None:
        body = _POSITION.pack(number, offset)
        try:
            os.pwrite(self._position, body + zlib.crc32(body).to_bytes(4, "little"), 0)
        except OSError:
            pass  # the disk is full: after a restart these messages are sent again

    def _make_room(self, length: int) -> None:
        if not self._is_open:
            raise OSError(errno.EBADF, "the spool is closed")
        while sum(file.size for file in self._files) + length > self._max_bytes:
            self.counts["dropped"] += self._files[0].count
            self._remove_first()

    def _file_for(self, length: int) -> _File:
        """The file to append to; a new one if there is none or it is full."""
        if self._is_appending and self._files[-1].size + length <= self._max_bytes // _FILES:
            return self._files[-1]
        os.makedirs(self._folder, exist_ok=True)
        file = self._open_file(self._last_number + 1)
        self._last_number = file.number
        self._files.append(file)
        self._is_appending = True
        self._remove_finished()
        return file

    def _remove_finished(self) -> None:
        """Removes files without waiting messages, except the one that is appended to."""
        while self._files and not self._files[0].count:
            if self._is_appending and len(self._files) == 1:
                return
            self._remove_first()

    def _remove_first(self) -> None:
        first = self._files.popleft()
        self._begin = 0
        self._is_appending = self._is_appending and bool(self._files)
        os.close(first.fd)
        try:
            os.remove(os.path.join(self._folder, f"{first.number:010d}.messages"))
        except FileNotFoundError:
            pass  # someone emptied the folder
