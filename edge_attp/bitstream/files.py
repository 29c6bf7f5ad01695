"""Python file objects of any class: wrapped for the readers, and inspected at any place without side effects."""

import os
import stat
from contextlib import contextmanager
from io import BytesIO
from typing import BinaryIO, Callable, Iterator, Optional, TypeVar, Union

from edge_attp.errors import SourceError

KEPT_BYTES = 1 << 18

T = TypeVar("T")


def seekable_position(file: BinaryIO) -> Optional[int]:
    """The position of a file object that can be moved back to it, else None.

    Asking seekable() is not enough: some file objects can seek and lack it.
    """
    try:
        if hasattr(file, "seekable") and not file.seekable():
            return None
        begin = int(file.tell())
        file.seek(begin)
    except Exception:  # any library may be behind it
        return None
    return begin


class PipeReader:
    """A file object that is read once, from its current position.

    read() returns bytes, never more than requested. Whatever else the file object raises or returns
    becomes a SourceError. There is no seek(): PyAV would take it for a promise.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self._held = b""  # read from the file object, not yet given out
        self.beginning = b""  # the first KEPT_BYTES that were read
        # read1 does not wait until everything that was asked for has arrived.
        self._read_some: Callable[[int], object] = getattr(file, "read1", file.read)

    def read(self, size: int) -> bytes:
        data = self._held or self._read_more(size)
        self._held = data[size:]
        return data[:size]

    def peek(self, size: int) -> bytes:
        """`size` bytes, fewer at the end of the file only; read() will return them again."""
        while len(self._held) < size:
            more = self._read_more(size - len(self._held))
            if not more:
                break
            self._held += more
        return self._held[:size]

    def _read_more(self, size: int) -> bytes:
        data = self._as_bytes(self._call(self._read_some, size))
        if len(self.beginning) < KEPT_BYTES:
            self.beginning += data[: KEPT_BYTES - len(self.beginning)]
        return data

    def _call(self, method: Callable[..., T], *arguments: int) -> T:
        try:
            return method(*arguments)
        except OSError:
            raise
        except Exception as error:  # any library may be behind it
            raise SourceError(
                f"{self._name}: reading failed: {type(error).__name__}: {error}"
            ) from None

    def _as_bytes(self, data: object) -> bytes:
        if isinstance(data, bytes):
            return data
        if isinstance(data, str):
            raise SourceError(f"{self._name}: the file object is in text mode; open it with 'rb'")
        try:
            return bytes(memoryview(data))  # type: ignore[arg-type]
        except TypeError:
            hint = "; it must block until there is data" if data is None else ""
            raise SourceError(
                f"{self._name}: the file object's read() returned {type(data).__name__}, not bytes{hint}"
            ) from None


class FileReader(PipeReader):
    """A file object that can seek."""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._held = b""
        self._call(self._file.seek, *((offset, whence) if whence else (offset,)))
        return self.tell()

    def tell(self) -> int:
        return int(self._call(self._file.tell)) - len(self._held)


SeekableFile = Union[BinaryIO, FileReader]


def is_pipe(target: Union[str, PipeReader]) -> bool:
    """Whether this path or reader can be read only once."""
    if isinstance(target, str):
        return os.path.exists(target) and not os.path.isfile(target)
    return not isinstance(target, FileReader)


@contextmanager
def open_for_inspection(target: Union[str, PipeReader]) -> Iterator[Optional[FileReader]]:
    """A FileReader that may be moved freely.

    Of a path, the file, opened again; of a FileReader, itself, moved back afterwards; of a pipe, the
    bytes that came out of it first. None for devices and addresses.
    """
    if isinstance(target, FileReader):
        begin = target.tell()
        try:
            yield target
        finally:
            target.seek(begin)
        return
    if isinstance(target, PipeReader):
        yield FileReader(BytesIO(target.beginning), "")
        return
    file = _open_regular_file(target)
    try:
        yield None if file is None else FileReader(file, target)
    finally:
        if file is not None:
            file.close()


def _open_regular_file(path: str) -> Optional[BinaryIO]:
    try:
        return open(path, "rb") if stat.S_ISREG(os.stat(path).st_mode) else None
    except (OSError, ValueError):
        return None
