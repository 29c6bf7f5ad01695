"""Opens a source: decides by name and first bytes who reads it.

annexb.py reads raw Annex B files, container.py everything else.
"""

import os
import re
import stat
import sys
from typing import BinaryIO, Dict, NamedTuple, Optional, Union

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
# Formats that the reader of raw streams accepts; None: if the source looks like a raw stream.
_RAW_FORMATS = (None, "annexb") + tuple(syntax.name for syntax in SYNTAXES)


class OpenOptions(NamedTuple):
    """How to open a source; see CompressedVideo."""

    transcode: bool = False
    container_format: Optional[str] = None
    options: Optional[Dict[str, str]] = None
    track: Optional[int] = None


_DEFAULTS = OpenOptions()


def open_source(source: Input, options: OpenOptions = _DEFAULTS) -> Source:
    """Opens a path ("-" is standard input), a URL or a binary file object. A Source is opened as it is, whatever
    the options say.

    SourceError: missing, empty, unreadable, or no video in it. UnsupportedStream: its codec is neither
    H.264 nor HEVC and `transcode` is False, or it is encrypted.
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
    if URL.match(path) or options.container_format not in _RAW_FORMATS:
        return _open_container(path, without_password(path), options)
    syntax = _raw_syntax(options.container_format, _read_head(path), path)
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
            f"{name}: has no video track {options.track}: it is a raw stream, which has track 0 only"
        )


def _read_head(path: str) -> bytes:
    """The first bytes of a regular file; SourceError if it is missing or empty. Nothing of a device or pipe,
    which would lose these bytes."""
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


def _raw_syntax(container_format: Optional[str], head: bytes, path: str = "") -> Optional[Syntax]:
    """The codec of a raw stream, None if the source is not one. The first bytes count more than the suffix:
    ".bit" stands for either codec, and some containers have the suffix of a raw stream."""
    for syntax in SYNTAXES:
        if container_format == syntax.name:
            return syntax
    found = annexb.detect_syntax(head)
    if found is None and not _CONTAINER.match(head):
        fitting = [syntax for syntax in SYNTAXES if path.lower().endswith(syntax.suffixes)]
        found = fitting[0] if fitting else H264 if container_format else None
    return found


def _open_file(file: BinaryIO, options: OpenOptions) -> Source:
    name = getattr(file, "name", None)
    name = name if isinstance(name, str) else "<file object>"
    begin = files.seekable_position(file)
    try:
        reader = PipeReader(file, name)
        head = reader.peek(_HEAD_BYTES)
        reader = _reader_at(file, name, begin) or reader
    except SourceError:
        raise
    except OSError as error:
        raise _source_error(name, error) from None
    if not head:
        raise SourceError(f"{name}: is empty (0 bytes)")
    is_raw = options.container_format in _RAW_FORMATS
    syntax = _raw_syntax(options.container_format, head) if is_raw else None
    if syntax is None:
        return _open_container(reader, name, options)
    _check_only_track(options, name)
    return annexb.RawSource(reader, name, syntax, owned=False)


def _reader_at(file: BinaryIO, name: str, begin: Optional[int]) -> Optional[FileReader]:
    """A seekable reader that is back at this position, None if the file cannot go back."""
    reader = FileReader(file, name)
    return reader if begin is not None and reader.seek(begin) == begin else None


def input_position(source: Input) -> Optional[int]:
    """The position of a seekable file object, None for everything else."""
    if isinstance(source, (str, os.PathLike, Source)):
        return None
    return files.seekable_position(source)


def rewind_input(source: Input, begin: Optional[int], name: str) -> None:
    """Prepares a source to be opened again; SourceError for a pipe and a Source. `begin` is from
    input_position()."""
    if isinstance(source, (str, os.PathLike)) and source != STDIN:
        return
    if begin is None or isinstance(source, (str, os.PathLike, Source)):
        raise SourceError(f"{name}: can be read only once: it is a pipe or live")
    source.seek(begin)


def _source_error(name: str, error: OSError) -> SourceError:
    return SourceError(f"{name}: {error.strerror or error}")


def _open_container(target: Union[str, PipeReader], name: str, options: OpenOptions) -> Source:
    source = ContainerSource(
        target,
        name,
        container_format=options.container_format,
        options=options.options,
        track=options.track,
    )
    return parsed_or_transcoded(source, options.transcode)
