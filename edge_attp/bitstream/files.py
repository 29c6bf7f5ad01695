"""Python's file objects, whatever class they are of: as the readers want them, and a look elsewhere in them."""

import os
import stat
from contextlib import contextmanager
from io import BytesIO
from typing import Any, Iterator, Optional

from edge_attp.errors import SourceError

KEPT_BYTES = 1 << 18


def position(file: Any) -> Optional[int]:
    """Where a file object stands, if it can be moved back to that place; else None.

    seekable() is not asked alone: there are file objects that can seek and lack it.
    """
    try:
        if hasattr(file, "seekable") and not file.seekable():
            return None
        begin = int(file.tell())
        file.seek(begin)
    except Exception:  # of any library
        return None
    return begin


class PipeReader:
    """A file object that is read once, from where it stands.

    read() gives bytes, no more than were asked for; what its file object raises and returns instead is
    SourceError. There is no seek(): PyAV takes that for a promise.
    """

    def __init__(self, file: Any, name: str) -> None:
        self._file = file
        self._name = name
        self._held = b""  # read from the file object, and not yet given out
        self.beginning = b""  # the first KEPT_BYTES, of what was read
        # read1 does not wait for all that is asked for.
        self._read_some = getattr(file, "read1", file.read)

    def read(self, size: int) -> bytes:
        data = self._held or self._more(size)
        self._held = data[size:]
        return data[:size]

    def peek(self, size: int) -> bytes:
        """So many bytes, fewer at the end of the file only; they come out again."""
        while len(self._held) < size:
            more = self._more(size - len(self._held))
            if not more:
                break
            self._held += more
        return self._held[:size]

    def _more(self, size: int) -> bytes:
        data = self._converted(self._called(self._read_some, size))
        if len(self.beginning) < KEPT_BYTES:
            self.beginning += data[: KEPT_BYTES - len(self.beginning)]
        return data

    def _called(self, method: Any, *arguments: int) -> Any:
        try:
            return method(*arguments)
        except OSError:
            raise
        except Exception as error:  # of any library
            raise SourceError(
                f"{self._name}: reading failed: {type(error).__name__}: {error}"
            ) from None

    def _converted(self, data: Any) -> bytes:
        if isinstance(data, bytes):
            return data
        if isinstance(data, str):
            raise SourceError(f"{self._name}: the file object is in text mode; open it with 'rb'")
        try:
            return bytes(memoryview(data))
        except TypeError:
            hint = "; it must wait for data" if data is None else ""
            raise SourceError(
                f"{self._name}: the file object's read() gives {type(data).__name__}, not bytes{hint}"
            ) from None


class FileReader(PipeReader):
    """A file object that can seek."""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._held = b""
        self._called(self._file.seek, *((offset, whence) if whence else (offset,)))
        return self.tell()

    def tell(self) -> int:
        return int(self._called(self._file.tell)) - len(self._held)


def is_pipe(target: Any) -> bool:
    """Whether this path or reader gives its bytes once only."""
    if isinstance(target, str):
        return os.path.exists(target) and not os.path.isfile(target)
    return not isinstance(target, FileReader)


@contextmanager
def looked_into(target: Any) -> Iterator[Any]:
    """A FileReader to look at any place of: of a path, of this FileReader, which afterwards stands where it
    stood, or of what has come out of a pipe first. None of devices and addresses."""
    if isinstance(target, PipeReader) and not isinstance(target, FileReader):
        yield FileReader(BytesIO(target.beginning), "")
        return
    if isinstance(target, FileReader):
        begin = target.tell()
        try:
            yield target
        finally:
            target.seek(begin)
        return
    file = _opened_regular(target) if isinstance(target, str) else None
    try:
        yield None if file is None else FileReader(file, target)
    finally:
        if file is not None:
            file.close()


def _opened_regular(path: str) -> Optional[Any]:
    try:
        return open(path, "rb") if stat.S_ISREG(os.stat(path).st_mode) else None
    except (OSError, ValueError):
        return None
