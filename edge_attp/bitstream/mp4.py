"""The boxes of MP4 and MOV files (ISO/IEC 14496-12, clause 4.2), and the display matrix in them (8.2.2, 8.3.2).

FFmpeg knows the display matrix of every container, but PyAV passes it on to output files only. So
ContainerSource lets FFmpeg write the header of an MP4 file into memory and reads that. Where PyAV is too old
for this, the boxes of the file itself are read, if it is a seekable MP4 or MOV file.
"""

import struct
from functools import partial
from typing import Callable, Iterator, NamedTuple, Optional, Tuple, Union

from edge_attp.bitstream.files import SeekableFile
from edge_attp.bitstream.orientation import Matrix

# read(position, count): `count` bytes from `position` on, fewer at the end of the file.
ReadAt = Callable[[int, int], bytes]

IDENTITY: Matrix = (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)

_MAX_BOXES = 1 << 14  # in one box
_TRACK_ID_AT = (12, 20)  # in a tkhd box of version 0 and 1
_MATRIX = struct.Struct(">9i")
_FRACTION_BITS = (16, 16, 30)  # of the matrix columns
# Where the matrix lies in a box of version 0 and 1.
_TKHD_MATRIX_AT = (40, 52)
_MVHD_MATRIX_AT = (36, 48)


class Box(NamedTuple):
    """A box by its type and the place of its content: `begin` lies behind its size and type."""

    kind: bytes
    begin: int
    end: int


def find_boxes(read: ReadAt, begin: int, end: int, kind: bytes = b"") -> Iterator[Box]:
    """The boxes between two places, of one type or of any, as far as their sizes make sense. A box that is cut
    off ends at `end`."""
    for _ in range(_MAX_BOXES):
        if begin + 8 > end:
            return
        head = read(begin, 16)
        size, head_bytes = int.from_bytes(head[:4], "big"), 8
        if size == 1:
            size, head_bytes = int.from_bytes(head[8:16], "big"), 16
        size = size or end - begin
        if size < head_bytes:
            return
        if kind in (b"", head[4:8]):
            yield Box(head[4:8], begin + head_bytes, min(begin + size, end))
        begin += size


def find_inner_boxes(read: ReadAt, box: Box, *path: bytes) -> Iterator[Box]:
    """The boxes at the end of a path of types."""
    if not path:
        yield box
        return
    for inner in find_boxes(read, box.begin, box.end, path[0]):
        yield from find_inner_boxes(read, inner, *path[1:])


def track_id(read: ReadAt, tkhd: Box) -> int:
    """track_ID of a track header box."""
    return int.from_bytes(read(tkhd.begin + _TRACK_ID_AT[_version(read, tkhd)], 4), "big")


def read_matrix(file: SeekableFile, wanted_id: Optional[int] = None) -> Optional[Matrix]:
    """The display matrix of a track (by default the first one) combined with that of the movie. None if it is
    the identity or missing. Moves the position of the file."""
    read = partial(_read_at, file)
    for moov in _movie_boxes(file):
        movie = [
            _matrix(read, mvhd, _MVHD_MATRIX_AT) for mvhd in find_inner_boxes(read, moov, b"mvhd")
        ]
        for tkhd in _track_headers(read, moov):
            if wanted_id is None or track_id(read, tkhd) == wanted_id:
                track = _matrix(read, tkhd, _TKHD_MATRIX_AT) or IDENTITY
                found = _product(track, movie[0]) if movie and movie[0] else track
                return None if found == IDENTITY else found
    return None


def read_file_matrix(source: Union[str, SeekableFile], track_id: int) -> Optional[Matrix]:
    """read_matrix() of a path, or of a file object whose position is kept; None also if it cannot be read."""
    try:
        if isinstance(source, str):
            with open(source, "rb") as file:
                return read_matrix(file, track_id)
        position = source.tell()
        found = read_matrix(source, track_id)
        source.seek(position)
        return found
    except OSError:
        return None


def write_matrix(path: str, matrix: Matrix) -> None:
    """Writes the display matrix into every track of an MP4 file."""
    with open(path, "r+b") as file:
        read = partial(_read_at, file)
        for moov in _movie_boxes(file):
            for tkhd in list(_track_headers(read, moov)):
                file.seek(tkhd.begin + _TKHD_MATRIX_AT[_version(read, tkhd)])
                file.write(_MATRIX.pack(*matrix))


def _movie_boxes(file: SeekableFile) -> Iterator[Box]:
    file.seek(0, 2)
    return find_boxes(partial(_read_at, file), 0, file.tell(), b"moov")


def _track_headers(read: ReadAt, moov: Box) -> Iterator[Box]:
    for tkhd in find_inner_boxes(read, moov, b"trak", b"tkhd"):
        if tkhd.end - tkhd.begin >= _TKHD_MATRIX_AT[_version(read, tkhd)] + _MATRIX.size:
            yield tkhd


def _version(read: ReadAt, box: Box) -> int:
    """The version of a FullBox: 1, or 0 for any other."""
    return int(read(box.begin, 1) == b"\1")


def _read_at(file: SeekableFile, position: int, count: int) -> bytes:
    file.seek(position)
    return file.read(count)


def _matrix(read: ReadAt, box: Box, places: Tuple[int, int]) -> Optional[Matrix]:
    data = read(box.begin + places[_version(read, box)], _MATRIX.size)
    return _MATRIX.unpack(data) if len(data) == _MATRIX.size else None


def _product(track: Matrix, movie: Matrix) -> Matrix:
    """The track's matrix applied first, then the movie's."""
    return tuple(
        sum(track[3 * row + k] * movie[3 * k + column] >> _FRACTION_BITS[k] for k in range(3))
        for row in range(3)
        for column in range(3)
    )
