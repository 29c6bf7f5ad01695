"""Raw streams (Annex B): recognising them and cutting them into access units. Works without PyAV."""

import re
from typing import BinaryIO, Callable, Iterator, Optional, Union

from edge_attp.bitstream.files import PipeReader
from edge_attp.bitstream.source import Source
from edge_attp.bitstream.syntax import SYNTAXES, Syntax
from edge_attp.errors import SourceError
from edge_attp.types import EncodedPacket

CHUNK_BYTES = 1 << 18
# A longer "unit" is passed on in pieces: without any boundary, it is probably not video at all.
MAX_UNIT_BYTES = 1 << 24


def detect_syntax(head: bytes) -> Optional[Syntax]:
    """The codec of a raw stream that begins with these bytes, None if it is not one.

    MPEG program streams and MPEG-4 Part 2 begin with start codes too, but the bytes that follow cannot
    begin an H.264 or HEVC stream. Zero bytes may come first (leading_zero_8bits).
    """
    body = head.lstrip(b"\0")
    if len(head) - len(body) < 2 or len(body) < 3 or body[0] != 1:
        return None
    found = [syntax for syntax in SYNTAXES if syntax.begins_stream(body[1:3])]
    return found[-1] if found else None  # HEVC, which checks more bits, takes precedence


def access_units(syntax: Syntax, read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Cuts a byte stream before each access unit, by NAL unit type and each picture's first slice.

    This is an estimate, good enough to find the bytes of a key picture again (it fails with arbitrary slice
    order); the core finds the real boundaries (H.264 clause 7.4.1.2.4, HEVC 7.4.2.4.4). No byte is lost
    or added.
    """
    # A start code, with the NAL unit's header and the byte after it as lookahead.
    lookahead = syntax.header_bytes + 1
    nal_start = re.compile(b"\0\0\1(?=(.{%d}))" % lookahead, re.DOTALL)
    overlap = 3 + lookahead - 1  # these last bytes may begin a match that the next chunk completes
    held = b""
    searched = 0
    has_slice = False
    while True:
        chunk = read(CHUNK_BYTES)
        held += chunk
        begin = 0
        for match in nal_start.finditer(held, searched):
            head = match.group(1)
            kind = syntax.nal_type(head)
            is_slice = kind in syntax.slice_types
            begins_unit = syntax.begins_picture(head) if is_slice else kind in syntax.first_types
            if has_slice and begins_unit:
                yield held[begin : match.start()]
                begin = match.start()
                has_slice = False
            has_slice = has_slice or is_slice
        if not chunk:
            break
        searched = max(len(held) - begin - overlap, 0)
        held = held[begin:]
        if len(held) > MAX_UNIT_BYTES:
            yield held[:-overlap]
            held, searched = held[-overlap:], 0
    if held[begin:]:
        yield held[begin:]


class RawSource(Source):
    """Annex B bytes from a binary file. They have no time stamps."""

    complete = False

    def __init__(
        self, file: Union[BinaryIO, PipeReader], name: str, syntax: Syntax, *, owned: bool
    ) -> None:
        """`owned`: whether close() closes the file."""
        super().__init__()
        self.syntax = syntax
        self.codec = self.container = syntax.name
        self.name = name
        self._file = file
        self._owned = owned
        # read1 does not wait until a whole chunk has arrived.
        self._read_some: Callable[[int], bytes] = getattr(file, "read1", file.read)
        self._failure: Optional[OSError] = None

    def packets(self) -> Iterator[EncodedPacket]:
        for unit in access_units(self.syntax, self._read):
            yield EncodedPacket(unit, None, None, False)
        if isinstance(self._failure, SourceError):
            raise self._failure
        if self._failure is not None:
            reason = self._failure.strerror or self._failure
            raise SourceError(f"{self.name}: reading failed: {reason}")

    def _read(self, size: int) -> bytes:
        """Takes a failure for the end of the file, so that all bytes before it are given out first."""
        try:
            return self._read_some(size)
        except OSError as error:
            self._failure = error
            return b""

    def close(self) -> None:
        if self._owned and not isinstance(self._file, PipeReader):
            self._file.close()
