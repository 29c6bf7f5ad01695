"""NAL units as bytes: splitting packets into them, and the parameter sets in force.

Only what is needed to handle bytes; the native core does all real parsing.
"""

import re
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

from edge_attp.bitstream.orientation import NOT_STATED, orientation_from_sei
from edge_attp.bitstream.syntax import Syntax

START_CODE = b"\0\0\1"

_START = re.compile(START_CODE)
_ANNEX_B = re.compile(b"\0\0+\1")


class KeyBytes(NamedTuple):
    """Everything a decoder needs for one random-access picture."""

    parameter_sets: bytes  # Annex B; those in force before `data`
    data: bytes
    nal_length_bytes: int  # 0: data is Annex B


def split(data: bytes, nal_length_bytes: int, syntax: Optional[Syntax] = None) -> Iterator[bytes]:
    """The NAL units of a packet without start codes or lengths, cut as the native core cuts them.

    Lengths are trusted if they lead exactly to the end of the packet. Otherwise, a remainder that begins
    with a start code is Annex B, and a broken length ends the packet. Start codes also cut units that have
    a length, because no NAL unit contains one (clause 7.4.1, HEVC 7.4.2). `syntax` is needed for packets
    with lengths only.
    """
    if nal_length_bytes:
        return _split_prefixed(data, nal_length_bytes, syntax)
    return _split_annex_b(data)


def is_start_code(data: bytes) -> bool:
    """Whether these bytes begin with a start code, after any number of zero bytes."""
    return _ANNEX_B.match(data) is not None


def lengths_fit(data: bytes, nal_length_bytes: int) -> bool:
    """Whether the lengths lead exactly to the end of the packet."""
    position = first = 0
    while position < len(data):
        begin = position + nal_length_bytes
        size = int.from_bytes(data[position:begin], "big")
        first = first or size
        position = begin + size
    # The bytes 0 0 0 1, read as lengths of one or two bytes, form such a chain but are a start code.
    return position == len(data) and (nal_length_bytes > 2 or first != 1)


def _split_prefixed(
    data: bytes, nal_length_bytes: int, syntax: Optional[Syntax]
) -> Iterator[bytes]:
    is_exact = lengths_fit(data, nal_length_bytes)
    position = 0
    while True:
        if not is_exact and _is_annex_b(data, position, nal_length_bytes, syntax):
            yield from _split_annex_b(data[position:])
            return
        begin = position + nal_length_bytes
        if begin >= len(data):
            return
        position = begin + int.from_bytes(data[position:begin], "big")
        yield from _parts(data[begin:position])


def _is_annex_b(
    data: bytes, position: int, nal_length_bytes: int, syntax: Optional[Syntax]
) -> bool:
    """Whether the rest of the packet begins with a start code rather than a length."""
    if _ANNEX_B.match(data, position) is None:
        return False
    begin = position + nal_length_bytes
    size = int.from_bytes(data[position:begin], "big")
    unit = data[begin : begin + size]
    has_header = bool(unit) and (syntax is None or syntax.is_header(unit))
    return not (size > 1 and has_header and START_CODE not in unit)


def _split_annex_b(data: bytes) -> Iterator[bytes]:
    match = _START.search(data)
    while match:
        following = _START.search(data, match.end())
        nal = data[match.end() : following.start() if following else len(data)].rstrip(b"\0")
        if nal:
            yield nal
        match = following


def _parts(unit: bytes) -> Iterator[bytes]:
    for part in unit.split(START_CODE):
        nal = part.rstrip(b"\0")
        if nal:
            yield nal


def join(nals: List[bytes], nal_length_bytes: int) -> bytes:
    """The inverse of split(). If one unit is too long for its length field, all get start codes."""
    if nal_length_bytes == 0 or any(len(nal) >> 8 * nal_length_bytes for nal in nals):
        return b"".join(b"\0" + START_CODE + nal for nal in nals)
    return b"".join(len(nal).to_bytes(nal_length_bytes, "big") + nal for nal in nals)


def truncate_last_slice(data: bytes, nal_length_bytes: int, syntax: Syntax) -> bytes:
    """The packet with its last slice cut in the middle, so that the core reports damage."""
    units = list(split(data, nal_length_bytes, syntax))
    places = [k for k, unit in enumerate(units) if syntax.nal_type(unit) in syntax.slice_types]
    if places:
        last = units[places[-1]]
        units[places[-1]] = last[: max(len(last) // 2, syntax.header_bytes + 1)]
    return join(units, nal_length_bytes)


class ParameterSets:
    """Remembers the parameter sets in force, which a decoder that starts at a later picture needs, and the
    newest display orientation message, which holds until another one comes."""

    def __init__(self, syntax: Syntax, nal_length_bytes: int) -> None:
        self._syntax = syntax
        self._nal_length_bytes = nal_length_bytes
        self._sets: Dict[Tuple[int, int], bytes] = {}
        self.annex_b = b""  # all sets; the same object until one changes
        self.display_orientation = NOT_STATED

    @property
    def is_complete(self) -> bool:
        """Whether at least one set of each kind is known."""
        return self._syntax.set_types <= {kind for kind, _ in self._sets}

    def add_sets(self, nals: List[bytes]) -> None:
        changed = False
        for nal in nals:
            key = self._syntax.set_key(nal)
            if self._sets.get(key) != nal:
                self._sets[key] = nal
                changed = True
        if changed:
            ordered = sorted(self._sets.items())
            self.annex_b = join([nal for _, nal in ordered], 0)

    def watch_packet(self, data: bytes) -> None:
        """Takes the parameter sets and messages out of a packet. They come before its first slice, so a look
        at the first NAL unit is enough for most packets."""
        length_bytes, syntax = self._nal_length_bytes, self._syntax
        if length_bytes and _begins_with_slice(data, length_bytes, syntax):
            return
        found = []
        for nal in split(data, length_bytes, syntax):
            kind = syntax.nal_type(nal)
            if kind in syntax.set_types:
                found.append(nal)
            elif kind == syntax.sei_type:
                stated = orientation_from_sei(nal, syntax.header_bytes)
                self.display_orientation = stated or self.display_orientation
            elif kind in syntax.slice_types:
                break
        if found:
            self.add_sets(found)


def _begins_with_slice(data: bytes, nal_length_bytes: int, syntax: Syntax) -> bool:
    head = data[nal_length_bytes : nal_length_bytes + 1]
    has_length = any(data[:nal_length_bytes]) and not is_start_code(data)
    return head in syntax.slice_heads and has_length
