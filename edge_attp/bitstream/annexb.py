"""Raw H.264 (Annex B) from a file: recognising it and cutting it into access units. Needs no PyAV."""

import re
from typing import BinaryIO, Callable, Iterator, Optional

from edge_attp.bitstream.nal import SLICE_TYPES
from edge_attp.bitstream.source import Source
from edge_attp.errors import SourceError
from edge_attp.types import EncodedPacket

CHUNK_BYTES = 1 << 18
# A "unit" longer than this is handed on in pieces: no boundary in sight, so probably not video at all.
LONGEST_UNIT_BYTES = 1 << 24

SUFFIXES = (".264", ".h264", ".avc", ".jsv", ".jvt", ".26l", ".h26l")

# A start code, with the NAL unit's header and the byte after it looked at but not consumed.
_NAL_START = re.compile(b"\0\0\1(?=(.)(.))", re.DOTALL)

# NAL units that may come only before the first slice of a picture, clause 7.4.1.2.3.
_OPENING_TYPES = frozenset((6, 7, 8, 9, 14, 15, 16, 17, 18))


def looks_like_annex_b(head: bytes) -> bool:
    """True if these first bytes of a source are an H.264 start code and NAL unit header.

    MPEG program streams, MPEG-4 Part 2 and raw HEVC begin with start codes, too; their next byte is
    none that begins an H.264 stream. Zero bytes may come first (leading_zero_8bits).
    """
    body = head.lstrip(b"\0")
    if len(head) - len(body) < 2 or len(body) < 2 or body[0] != 1:
        return False
    forbidden, ref_idc, kind = body[1] >> 7, body[1] >> 5 & 3, body[1] & 31
    if forbidden:
        return False
    return kind == 1 or (kind in (5, 7, 8) and ref_idc > 0) or (kind in (6, 9) and ref_idc == 0)


def access_units(read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Cuts a byte stream before each access unit, by NAL unit type and first_mb_in_slice = 0.

    The cut is a guess good enough to find the bytes of a key picture again (wrong with arbitrary slice
    order); the core draws the real boundaries by clause 7.4.1.2.4. No byte is lost or added.
    """
    held = b""
    searched = 0
    has_slice = False
    while True:
        chunk = read(CHUNK_BYTES)
        held += chunk
        begin = 0
        for match in _NAL_START.finditer(held, searched):
            kind = match.group(1)[0] & 31
            is_slice = kind in SLICE_TYPES
            opens = kind in _OPENING_TYPES or (is_slice and match.group(2)[0] & 0x80)
            if has_slice and opens:
                yield held[begin : match.start()]
                begin = match.start()
                has_slice = False
            has_slice = has_slice or is_slice
        if not chunk:
            break
        # The last four bytes may be the beginning of a match that the next chunk completes.
        searched = max(len(held) - begin - 4, 0)
        held = held[begin:]
        if len(held) > LONGEST_UNIT_BYTES:
            yield held[:-4]
            held, searched = held[-4:], 0
    if held[begin:]:
        yield held[begin:]


class RawSource(Source):
    """Annex B bytes from a binary file. There are no time stamps."""

    container = "h264"
    complete = False

    def __init__(self, file: BinaryIO, name: str, owned: bool) -> None:
        super().__init__()
        self.name = name
        self._file = file
        self._owned = owned
        # read1 does not wait for a whole chunk.
        self._read_some: Callable[[int], bytes] = getattr(file, "read1", file.read)
        self._failure: Optional[OSError] = None

    def packets(self) -> Iterator[EncodedPacket]:
        for unit in access_units(self._read):
            yield EncodedPacket(unit, None, None, False)
        if self._failure is not None:
            reason = self._failure.strerror or self._failure
            raise SourceError("{}: reading failed: {}".format(self.name, reason))

    def _read(self, size: int) -> bytes:
        """A failure reads as the end of the file, so that all bytes before it are given out first."""
        try:
            return self._read_some(size)
        except OSError as error:
            self._failure = error
            return b""

    def close(self) -> None:
        if self._owned:
            self._file.close()
