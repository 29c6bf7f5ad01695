"""The boxes of MP4 and MOV files (ISO/IEC 14496-12, 4.2), as far as a few facts must be looked up in them."""

from typing import Callable, Iterator, NamedTuple

# read(position, bytes): what is there, fewer at the end of the file.
Read = Callable[[int, int], bytes]

_MOST_BOXES = 1 << 14  # in one
_TRACK_ID_AT = (12, 20)  # in a tkhd box of version 0 and 1


class Box(NamedTuple):
    """begin: of what follows its size and type."""

    kind: bytes
    begin: int
    end: int


def boxes(read: Read, begin: int, end: int, kind: bytes = b"") -> Iterator[Box]:
    """The boxes between two places, of one type or all, as far as their sizes make sense. What is cut off
    ends at `end`."""
    for _ in range(_MOST_BOXES):
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


def inside(read: Read, box: Box, *path: bytes) -> Iterator[Box]:
    """The boxes at the end of a path of types."""
    if not path:
        yield box
        return
    for inner in boxes(read, box.begin, box.end, path[0]):
        yield from inside(read, inner, *path[1:])


def version(read: Read, box: Box) -> int:
    """Of a FullBox: 1, or what counts as 0."""
    return int(read(box.begin, 1) == b"\1")


def track_id(read: Read, tkhd: Box) -> int:
    """track_ID of a track header."""
    return int.from_bytes(read(tkhd.begin + _TRACK_ID_AT[version(read, tkhd)], 4), "big")
