"""Opening a source: decides by name and first bytes who reads it.

Raw Annex B files are read by annexb.py, everything else goes through container.py.
"""

import os
import stat
from typing import Any, BinaryIO, Dict, Optional, Union

from edge_attp.bitstream import annexb
from edge_attp.bitstream.container import URL, ContainerSource
from edge_attp.bitstream.source import Source
from edge_attp.bitstream.transcode import TranscodedSource
from edge_attp.errors import SourceError, UnsupportedStream

# What can be opened: a path or URL, or a binary file object.
Input = Union[str, "os.PathLike[str]", BinaryIO]

_HEAD_BYTES = 64
_RAW_FORMATS = ("h264", "annexb")


def open_source(
    source: Input,
    transcode: bool = False,
    format: Optional[str] = None,
    options: Optional[Dict[str, str]] = None,
) -> Source:
    """Opens a path, URL or binary file object.

    SourceError: missing, empty, unreadable, no video in it. UnsupportedStream: its codec is not H.264
    and `transcode` is False.
    """
    if isinstance(source, (str, os.PathLike)):
        return _open_path(os.fspath(source), transcode, format, options)
    if not hasattr(source, "read"):
        raise TypeError(
            "expected a path, a URL or a binary file object, not {!r}".format(type(source).__name__)
        )
    return _open_file(source, transcode, format, options)


def _open_path(
    path: str, transcode: bool, format: Optional[str], options: Optional[Dict[str, str]]
) -> Source:
    if URL.match(path):
        return _open_container(path, path, transcode, format, options)
    if format in _RAW_FORMATS or (format is None and _is_raw_file(path)):
        try:
            return annexb.RawSource(open(path, "rb"), path, owned=True)
        except OSError as error:
            raise _source_error(path, error) from None
    return _open_container(path, path, transcode, format, options)


def _is_raw_file(path: str) -> bool:
    """Looks into a regular file; also finds out here that it is missing or empty."""
    try:
        head = _head(path)
    except OSError as error:
        raise _source_error(path, error) from None
    if head == b"":
        raise SourceError("{}: is empty (0 bytes)".format(path))
    return path.lower().endswith(annexb.SUFFIXES) or annexb.looks_like_annex_b(head or b"")


def _head(path: str) -> Optional[bytes]:
    """The first bytes of a regular file; None for a device or pipe, which would lose them."""
    if stat.S_ISREG(os.stat(path).st_mode) or os.path.isdir(path):
        with open(path, "rb") as file:
            return file.read(_HEAD_BYTES)
    return None


def _open_file(
    file: Any, transcode: bool, format: Optional[str], options: Optional[Dict[str, str]]
) -> Source:
    name = getattr(file, "name", None)
    name = name if isinstance(name, str) else "<file object>"
    try:
        begin = position(file)
        head = file.read(_HEAD_BYTES)
        if begin is not None:
            file.seek(begin)
        else:
            file = _Replayed(head, file)
    except OSError as error:
        raise _source_error(name, error) from None
    if not isinstance(head, bytes):
        raise SourceError("{}: the file object is in text mode; open it with 'rb'".format(name))
    if not head:
        raise SourceError("{}: is empty (0 bytes)".format(name))
    if format in _RAW_FORMATS or (format is None and annexb.looks_like_annex_b(head)):
        return annexb.RawSource(file, name, owned=False)
    return _open_container(file, name, transcode, format, options)


def _is_seekable(file: Any) -> bool:
    try:
        return bool(file.seekable())
    except AttributeError:
        return False


def position(source: Input) -> Optional[int]:
    """Where a seekable file object stands; None for paths and pipes."""
    if isinstance(source, (str, os.PathLike)) or not _is_seekable(source):
        return None
    return source.tell()


def rewind(source: Input, begin: Optional[int], name: str) -> None:
    """Makes a source ready to be opened again; SourceError for a pipe. `begin` is from position()."""
    if isinstance(source, (str, os.PathLike)):
        return
    if begin is None:
        raise SourceError("{}: can be read only once: it is a pipe".format(name))
    source.seek(begin)


class _Replayed:
    """A pipe whose first bytes, already read, come out again. It has no seek(), as PyAV expects of pipes."""

    def __init__(self, head: bytes, file: BinaryIO) -> None:
        self._head = head
        self._read = getattr(file, "read1", file.read)

    def read(self, size: int) -> bytes:
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
            return data
        return self._read(size)


def _source_error(name: str, error: OSError) -> SourceError:
    return SourceError("{}: {}".format(name, error.strerror or error))


def _open_container(
    target: Any,
    name: str,
    transcode: bool,
    format: Optional[str],
    options: Optional[Dict[str, str]],
) -> Source:
    source = ContainerSource(target, name, format, options)
    if source.codec == "h264":
        return source
    if transcode:
        return TranscodedSource(source)
    source.close()
    raise UnsupportedStream(
        "{}: its codec is {}; only H.264 is read without transcoding".format(name, source.codec)
    )
