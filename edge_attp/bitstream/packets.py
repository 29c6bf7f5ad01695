"""Opening a source: decides by name and first bytes who reads it.

Raw Annex B files are read by annexb.py, everything else goes through container.py.
"""

import os
import re
import stat
import sys
from typing import Any, BinaryIO, Dict, Optional, Union

from edge_attp.bitstream import annexb
from edge_attp.bitstream.address import without_password
from edge_attp.bitstream.container import URL, ContainerSource
from edge_attp.bitstream.source import Source
from edge_attp.bitstream.syntax import H264, SYNTAXES, Syntax
from edge_attp.bitstream.transcode import parsed_or_transcoded
from edge_attp.errors import SourceError

# What can be opened: a path or URL, a binary file object, or a Source that is not open yet.
Input = Union[str, "os.PathLike[str]", BinaryIO, Source]

STDIN = "-"

_HEAD_BYTES = 192
# MP4 and its relatives, Matroska, MPEG-TS, AVI, FLV.
_CONTAINER = re.compile(rb".{4}ftyp|\x1aE\xdf\xa3|G.{187}G|RIFF|FLV", re.DOTALL)
# Formats that the reader of raw streams takes; None: if the source looks like one.
_RAW_FORMATS = (None, "annexb") + tuple(syntax.name for syntax in SYNTAXES)


def open_source(
    source: Input,
    transcode: bool = False,
    format: Optional[str] = None,
    options: Optional[Dict[str, str]] = None,
) -> Source:
    """Opens a path ("-" is stdin), a URL or a binary file object; a Source, which ignores the other
    arguments, is opened as it is.

    SourceError: missing, empty, unreadable, no video in it. UnsupportedStream: its codec is neither
    H.264 nor HEVC and `transcode` is False.
    """
    if isinstance(source, Source):
        source.open()
        return source
    if source == STDIN:
        return _open_file(sys.stdin.buffer, transcode, format, options)
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
    if URL.match(path) or format not in _RAW_FORMATS:
        return _open_container(path, without_password(path), transcode, format, options)
    syntax = _raw_syntax(format, _head(path), path)
    if syntax is None:
        return _open_container(path, without_password(path), transcode, format, options)
    try:
        return annexb.RawSource(open(path, "rb"), path, syntax, owned=True)
    except OSError as error:
        raise _source_error(path, error) from None


def _head(path: str) -> bytes:
    """The first bytes of a regular file, which is found out to be missing or empty here; nothing of a
    device or pipe, which would lose them."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode) and not os.path.isdir(path):
            return b""
        with open(path, "rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise _source_error(path, error) from None
    if not head:
        raise SourceError("{}: is empty (0 bytes)".format(path))
    return head


def _raw_syntax(format: Optional[str], head: bytes, path: str = "") -> Optional[Syntax]:
    """What the reader of raw streams is to read; None if this is none. First bytes say more than the
    suffix of a name: ".bit" stands for either codec, and some containers are named like raw streams."""
    for syntax in SYNTAXES:
        if format == syntax.name:
            return syntax
    found = annexb.recognised(head)
    if found is None and not _CONTAINER.match(head):
        fitting = [syntax for syntax in SYNTAXES if path.lower().endswith(syntax.suffixes)]
        found = fitting[0] if fitting else H264 if format else None
    return found


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
    syntax = _raw_syntax(format, head) if format in _RAW_FORMATS else None
    if syntax is not None:
        return annexb.RawSource(file, name, syntax, owned=False)
    return _open_container(file, name, transcode, format, options)


def _is_seekable(file: Any) -> bool:
    try:
        return bool(file.seekable())
    except AttributeError:
        return False


def position(source: Input) -> Optional[int]:
    """Where a seekable file object stands; None for all else."""
    if isinstance(source, (str, os.PathLike, Source)) or not _is_seekable(source):
        return None
    return source.tell()


def rewind(source: Input, begin: Optional[int], name: str) -> None:
    """Makes a source ready to be opened again; SourceError for a pipe and a Source. `begin`
    is from position()."""
    if isinstance(source, (str, os.PathLike)) and source != STDIN:
        return
    if begin is None or isinstance(source, (str, os.PathLike, Source)):
        raise SourceError("{}: can be read only once: it is a pipe or live".format(name))
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
    return parsed_or_transcoded(ContainerSource(target, name, format, options), transcode)
