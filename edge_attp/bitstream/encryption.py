"""Detects encrypted tracks. FFmpeg does not always report encryption, and then it looks like damage.

Reads the headers of MP4 (ISO/IEC 14496-12 and 23001-7), Matroska (RFC 9559) and MPEG-TS
(ISO/IEC 13818-1) files. The position of `file` does not matter.
"""

import io
import re
from functools import partial
from typing import Iterator, List, Optional, Tuple

from edge_attp.bitstream.files import FileReader
from edge_attp.bitstream.mp4 import Box, ReadAt, find_boxes, find_inner_boxes, track_id

_WINDOW_BYTES = 1 << 20


def is_encrypted(file: FileReader, container: str, track: int, stream_id: int) -> bool:
    """Whether all of a video track is encrypted, as far as the headers of the file show.

    `container` is FFmpeg's name of the format, `track` the number among the video tracks, from 0, and
    `stream_id` the track ID of MP4 or the PID of MPEG-TS.
    """
    if "mp4" in container:
        return _in_mp4(file, stream_id)
    if "matroska" in container:
        return _in_matroska(file, track)
    return container == "mpegts" and _in_beginning_of_ts(file, stream_id)


def is_end_scrambled(file: FileReader, pid: int) -> bool:
    """Whether the last packets of this stream in an MPEG-TS file are scrambled."""
    size = file.seek(0, io.SEEK_END)
    controls = _scrambling_controls(_read_at(file, max(size - _WINDOW_BYTES, 0)), pid)
    return _are_most_set(controls[-_CHECKED_PACKETS:])


def _read_at(file: FileReader, position: int, size: int = _WINDOW_BYTES) -> bytes:
    file.seek(position)
    return file.peek(size)


# MP4 ------------------------------------------------------------------------------------

_ENTRY_FIELDS_BYTES = 78  # of a VisualSampleEntry, before its boxes
_PROTECTED_ENTRIES = (b"encv", b"drmi")


def _in_mp4(file: FileReader, wanted_id: int) -> bool:
    read = partial(_read_at, file)
    film = Box(b"", 0, file.seek(0, io.SEEK_END))
    for trak in find_inner_boxes(read, film, b"moov", b"trak"):
        if any(track_id(read, tkhd) == wanted_id for tkhd in find_inner_boxes(read, trak, b"tkhd")):
            entries = list(_sample_entries(read, trak))
            return bool(entries) and all(_is_protected(read, entry) for entry in entries)
    return False


def _sample_entries(read: ReadAt, trak: Box) -> Iterator[Box]:
    for stsd in find_inner_boxes(read, trak, b"mdia", b"minf", b"stbl", b"stsd"):
        yield from find_boxes(read, stsd.begin + 8, stsd.end)


def _is_protected(read: ReadAt, entry: Box) -> bool:
    """False if default_isProtected says that samples are clear by default."""
    own = entry._replace(begin=entry.begin + _ENTRY_FIELDS_BYTES)
    clear = [
        tenc
        for tenc in find_inner_boxes(read, own, b"sinf", b"schi", b"tenc")
        if read(tenc.begin + 6, 1) == b"\0"
    ]
    return entry.kind in _PROTECTED_ENTRIES and not clear


# Matroska -------------------------------------------------------------------------------

_SEGMENT, _TRACKS, _TRACK_ENTRY, _TRACK_TYPE = 0x18538067, 0x1654AE6B, 0xAE, 0x83
_ENCODINGS, _ENCODING, _ENCODING_TYPE = 0x6D80, 0x6240, 0x5033
_VIDEO, _ENCRYPTION = 1, 1  # of track types, of encoding types


def _in_matroska(file: FileReader, track: int) -> bool:
    """Reads only the beginning, because tracks come before the pictures."""
    entries = _elements(_read_at(file, 0), _SEGMENT, _TRACKS, _TRACK_ENTRY)
    videos = [entry for entry in entries if _VIDEO in _numbers(entry, _TRACK_TYPE)]
    wanted = videos[track] if track < len(videos) else b""
    return _ENCRYPTION in _numbers(wanted, _ENCODINGS, _ENCODING, _ENCODING_TYPE)


def _elements(data: bytes, *path: int) -> Iterator[bytes]:
    """The data of the elements at the end of a path of IDs."""
    if not path:
        yield data
        return
    position = 0
    while position < len(data):
        kind, begin = _vint(data, position, keep_marker=True)
        size, begin = _vint(data, begin, keep_marker=False)
        if kind is None or size is None:
            return
        end = begin + size
        if kind == path[0]:
            yield from _elements(data[begin:end], *path[1:])
        position = end


def _vint(data: bytes, position: int, keep_marker: bool) -> Tuple[Optional[int], int]:
    """A variable-size integer (RFC 8794, clause 4) and where it ends; None if there is none. An unknown size,
    all bits set, is larger than any file."""
    first = data[position] if position < len(data) else 0
    length = 9 - first.bit_length()
    value = int.from_bytes(data[position : position + length], "big")
    if length > 8 or position + length > len(data):
        return None, position
    marker = 1 << 7 * length
    return (value if keep_marker else value - marker), position + length


def _numbers(data: bytes, *path: int) -> List[int]:
    return [int.from_bytes(found, "big") for found in _elements(data, *path)]


# MPEG-TS --------------------------------------------------------------------------------

# Plain, after 4 bytes of time code, and before 16 bytes of parity.
_PACKET_BYTES = (188, 192, 204)
_CHECKED_PACKETS = 16


def _in_beginning_of_ts(file: FileReader, pid: int) -> bool:
    return _are_most_set(_scrambling_controls(_read_at(file, 0), pid)[:_CHECKED_PACKETS])


def _scrambling_controls(data: bytes, pid: int) -> List[int]:
    """transport_scrambling_control of this stream's packets that have a payload."""
    return [
        data[at + 3] >> 6
        for at in _ts_packets(data)
        if (data[at + 1] & 0x1F) << 8 | data[at + 2] == pid and data[at + 3] & 0x10
    ]


def _are_most_set(controls: List[int]) -> bool:
    return 2 * sum(map(bool, controls)) > len(controls)


def _ts_packets(data: bytes) -> Iterator[int]:
    for size in _PACKET_BYTES:
        pattern = re.compile(b"(?=G(?:.{%d}G){4})" % (size - 1), re.DOTALL)
        found = pattern.search(data)
        if found:
            yield from range(found.start(), len(data) - 3, size)
            return
