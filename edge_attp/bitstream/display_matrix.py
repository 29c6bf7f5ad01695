"""The display matrix of an MP4 or MOV file (ISO/IEC 14496-12, 8.2.2 and 8.3.2), read and written.

FFmpeg knows it, of Matroska and of segmented streams as well, but PyAV hands it on to output files only. So
ContainerSource has FFmpeg write the header of an MP4 file, in memory, and reads that. Where PyAV is too old
for it, the boxes of the file itself are read, if it is MP4 or MOV and can seek.
"""

import struct
from functools import partial
from typing import Any, Iterator, Optional

from edge_attp.bitstream.boxes import Box, Read, boxes, inside, track_id, version
from edge_attp.bitstream.orientation import Matrix

__all__ = ["IDENTITY", "read_file_matrix", "read_matrix", "write_matrix"]

IDENTITY: Matrix = (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)

_MATRIX = struct.Struct(">9i")
_FRACTION_BITS = (16, 16, 30)  # of the columns
# Where the matrix lies in a box of version 0 and 1.
_TKHD_MATRIX_AT = (40, 52)
_MVHD_MATRIX_AT = (36, 48)


def read_matrix(file: Any, wanted_id: Optional[int] = None) -> Optional[Matrix]:
    """That of a track, by default the first, with that of the whole film; None: it says nothing, or there is
    none. Moves the position of the file."""
    read = partial(_read_at, file)
    for moov in _films(file):
        films = [_matrix(read, mvhd, _MVHD_MATRIX_AT) for mvhd in inside(read, moov, b"mvhd")]
        for tkhd in _track_headers(read, moov):
            if wanted_id is None or track_id(read, tkhd) == wanted_id:
                track = _matrix(read, tkhd, _TKHD_MATRIX_AT) or IDENTITY
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
        read = partial(_read_at, file)
        for moov in _films(file):
            for tkhd in list(_track_headers(read, moov)):
                place = tkhd.begin + _TKHD_MATRIX_AT[version(read, tkhd)]
                file.seek(place)
                file.write(_MATRIX.pack(*matrix))


def _films(file: Any) -> Iterator[Box]:
    file.seek(0, 2)
    return boxes(partial(_read_at, file), 0, file.tell(), b"moov")


def _track_headers(read: Read, moov: Box) -> Iterator[Box]:
    for tkhd in inside(read, moov, b"trak", b"tkhd"):
        if tkhd.end - tkhd.begin >= _TKHD_MATRIX_AT[version(read, tkhd)] + _MATRIX.size:
            yield tkhd


def _read_at(file: Any, position: int, count: int) -> bytes:
    file.seek(position)
    data: bytes = file.read(count)
    return data


def _matrix(read: Read, box: Box, places: Any) -> Optional[Matrix]:
    data = read(box.begin + places[version(read, box)], _MATRIX.size)
    return _MATRIX.unpack(data) if len(data) == _MATRIX.size else None


def _product(track: Matrix, film: Matrix) -> Matrix:
    """What the track's matrix does, then what the film's does."""
    return tuple(
        sum(track[3 * row + k] * film[3 * k + column] >> _FRACTION_BITS[k] for k in range(3))
        for row in range(3)
        for column in range(3)
    )
