"""Opening a source: decides by name and first bytes who reads it.

Raw Annex B files are read by annexb.py, everything else goes through container.py.
"""

import os
import re
import stat
import sys
from typing import Any, BinaryIO, Dict, NamedTuple, Optional, Union

from edge_attp.bitstream import annexb, files
from edge_attp.bitstream.container import URL, ContainerSource
from edge_attp.bitstream.files import FileReader, PipeReader
from edge_attp.bitstream.source import Source
from edge_attp.bitstream.syntax import H264, SYNTAXES, Syntax
from edge_attp.bitstream.transcode import parsed_or_transcoded
from edge_attp.errors import SourceError
from edge_attp.log import without_password

# What can be opened: a path or URL, a binary file object, or a Source that is not open yet.
Input = Union[str, "os.PathLike[str]", BinaryIO, Source]

STDIN = "-"

_HEAD_BYTES = 192
# MP4 and its relatives, Matroska, MPEG-TS, AVI, FLV.
_CONTAINER = re.compile(rb".{4}ftyp|\x1aE\xdf\xa3|G.{187}G|RIFF|FLV", re.DOTALL)
# Formats that the reader of raw streams takes; None: if the source looks like one.
_RAW_FORMATS = (None, "annexb") + tuple(syntax.name for syntax in SYNTAXES)


class OpenOptions(NamedTuple):
    """transcode: other codecs than H.264 and HEVC are encoded on the fly. format, options: for FFmpeg, as
    in `av.open`. track: number of the video track, counted from 0; None: what FFmpeg calls the best."""

    transcode: bool = False
    format: Optional[str] = None
    options: Optional[Dict[str, str]] = None
    track: Optional[int] = None


_AS_IT_IS = OpenOptions()


def open_source(source: Input, options: OpenOptions = _AS_IT_IS) -> Source:
    """Opens a path ("-" is stdin), a URL or a binary file object; a Source, which ignores the options, is
    opened as it is.

    SourceError: missing, empty, unreadable, no video in it. UnsupportedStream: its codec is neither
    H.264 nor HEVC, without transcoding, or it is encrypted.
    """
    if isinstance(source, Source):
        source.open()
        return source
    if source == STDIN:
        return _open_file(sys.stdin.buffer, options)
    if isinstance(source, (str, os.PathLike)):
        return _open_path(os.fspath(source), options)
    if not hasattr(source, "read"):
        raise TypeError(
            f"expected a path, a URL or a binary file object, not {type(source).__name__!r}"
        )
    return _open_file(source, options)


def _open_path(path: str, options: OpenOptions) -> Source:
    if URL.match(path) or options.format not in _RAW_FORMATS:
        return _open_container(path, without_password(path), options)
    syntax = _raw_syntax(options.format, _head(path), path)
    if syntax is None:
        return _open_container(path, without_password(path), options)
    _check_only_track(options, path)
    try:
        return annexb.RawSource(open(path, "rb"), path, syntax, owned=True)
    except OSError as error:
        raise _source_error(path, error) from None


def _check_only_track(options: OpenOptions, name: str) -> None:
    if options.track:
        raise SourceError(
            f"{name}: has no video track {options.track}: it is a raw stream, which is one track, 0"
        )


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
        raise SourceError(f"{path}: is empty (0 bytes)")
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


def _open_file(file: Any, options: OpenOptions) -> Source:
    name = getattr(file, "name", None)
    name = name if isinstance(name, str) else "<file object>"
    begin = files.position(file)
    try:
        reader = PipeReader(file, name)
        head = reader.peek(_HEAD_BYTES)
        reader = _back_at(file, name, begin) or reader
    except SourceError:
        raise
    except OSError as error:
        raise _source_error(name, error) from None
    if not head:
        raise SourceError(f"{name}: is empty (0 bytes)")
    is_raw = options.format in _RAW_FORMATS
    syntax = _raw_syntax(options.format, head) if is_raw else None
    if syntax is None:
        return _open_container(reader, name, options)
    _check_only_track(options, name)
    return annexb.RawSource(reader, name, syntax, owned=False)


def _back_at(file: Any, name: str, begin: Optional[int]) -> Optional[FileReader]:
    """The file at this place again; None if it does not go back."""
    reader = FileReader(file, name)
    return reader if begin is not None and reader.seek(begin) == begin else None


def position(source: Input) -> Optional[int]:
    """Where a seekable file object stands; None for all else."""
    is_file = not isinstance(source, (str, os.PathLike, Source))
    return files.position(source) if is_file else None


def rewind(source: Input, begin: Optional[int], name: str) -> None:
    """Makes a source ready to be opened again; SourceError for a pipe and a Source. `begin`
    is from position()."""
    if isinstance(source, (str, os.PathLike)) and source != STDIN:
        return
    if begin is None or isinstance(source, (str, os.PathLike, Source)):
        raise SourceError(f"{name}: can be read only once: it is a pipe or live")
    source.seek(begin)


def _source_error(name: str, error: OSError) -> SourceError:
    return SourceError(f"{name}: {error.strerror or error}")


def _open_container(target: Any, name: str, options: OpenOptions) -> Source:
    source = ContainerSource(target, name, options.format, options.options, options.track)
    return parsed_or_transcoded(source, options.transcode)
