"""The display matrix of an MP4 or MOV file (ISO/IEC 14496-12, 8.2.2 and 8.3.2), read and written.

FFmpeg knows it, of Matroska and of segmented streams as well, but PyAV hands it on to output files only. So
ContainerSource has FFmpeg write the header of an MP4 file, in memory, and reads that. Where PyAV is too old
for it, the boxes of the file itself are read, if it is MP4 or MOV and can seek.
"""

import struct
from typing import Any, Iterator, NamedTuple, Optional

from edge_attp.bitstream.orientation import Matrix

__all__ = ["IDENTITY", "read_file_matrix", "read_matrix", "write_matrix"]

IDENTITY: Matrix = (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)

_MATRIX = struct.Struct(">9i")
_FRACTION_BITS = (16, 16, 30)  # of the columns
# Where track_ID and the matrix lie in a box of version 0 and 1.
_TRACK_ID_AT = (12, 20)
_TKHD_MATRIX_AT = (40, 52)
_MVHD_MATRIX_AT = (36, 48)


class _Box(NamedTuple):
    """begin: of what follows its size and type."""

    kind: bytes
    begin: int
    end: int


def read_matrix(file: Any, track_id: Optional[int] = None) -> Optional[Matrix]:
    """That of a track, by default the first, with that of the whole film; None: it says nothing, or there is
    none. Moves the position of the file."""
    for moov in _films(file):
        films = [_matrix(file, mvhd, _MVHD_MATRIX_AT) for mvhd in _boxes(file, b"mvhd", moov)]
        for tkhd in _track_headers(file, moov):
            if track_id is None or _track_id(file, tkhd) == track_id:
                track = _matrix(file, tkhd, _TKHD_MATRIX_AT) or IDENTITY
                found = _product(track, films[0]) if films and films[0] else track
                return None if found == IDENTITY else found
    return None


def read_file_matrix(source: Any, track_id: int) -> Optional[Matrix]:
    """read_matrix() of a path, or of a file object that somebody else reads, too; None also where it cannot
    be read."""
    try:
        if not hasattr(source, "seek"):
            with open(source, "rb") as file:
                return read_matrix(file, track_id)
        position = source.tell()
        found = read_matrix(source, track_id)
        source.seek(position)
        return found
    except OSError:
        return None


def write_matrix(path: str, matrix: Matrix) -> None:
    """Gives it to every track of an MP4 file."""
    with open(path, "r+b") as file:
        for moov in _films(file):
            for tkhd in list(_track_headers(file, moov)):
                file.seek(tkhd.begin + _TKHD_MATRIX_AT[_version(file, tkhd)])
                file.write(_MATRIX.pack(*matrix))


def _films(file: Any) -> Iterator[_Box]:
    file.seek(0, 2)
    return _boxes(file, b"moov", _Box(b"", 0, file.tell()))


def _boxes(file: Any, kind: bytes, parent: _Box) -> Iterator[_Box]:
    """Of this type, as far as their sizes make sense."""
    position = parent.begin
    while position + 8 <= parent.end:
        head = _bytes(file, position, 16)
        if len(head) < 8:
            return
        size, begin = int.from_bytes(head[:4], "big"), position + 8
        if size == 1:
            size, begin = int.from_bytes(head[8:], "big"), position + 16
        end = position + size if size else parent.end
        if not begin <= end <= parent.end:
            return
        if head[4:8] == kind:
            yield _Box(kind, begin, end)
        position = end


def _track_headers(file: Any, moov: _Box) -> Iterator[_Box]:
    for trak in _boxes(file, b"trak", moov):
        for tkhd in _boxes(file, b"tkhd", trak):
            if tkhd.end - tkhd.begin >= _TKHD_MATRIX_AT[_version(file, tkhd)] + _MATRIX.size:
                yield tkhd


def _bytes(file: Any, position: int, count: int) -> bytes:
    file.seek(position)
    data: bytes = file.read(count)
    return data


def _version(file: Any, box: _Box) -> int:
    return int(_bytes(file, box.begin, 1) == b"\1")


def _track_id(file: Any, tkhd: _Box) -> int:
    return int.from_bytes(_bytes(file, tkhd.begin + _TRACK_ID_AT[_version(file, tkhd)], 4), "big")


def _matrix(file: Any, box: _Box, places: Any) -> Optional[Matrix]:
    data = _bytes(file, box.begin + places[_version(file, box)], _MATRIX.size)
    return _MATRIX.unpack(data) if len(data) == _MATRIX.size else None


def _product(track: Matrix, film: Matrix) -> Matrix:
    """What the track's matrix does, then what the film's does."""
    return tuple(
        sum(track[3 * row + k] * film[3 * k + column] >> _FRACTION_BITS[k] for k in range(3))
        for row in range(3)
        for column in range(3)
    )
