"""NAL units as bytes: splitting them, and the parameter sets that are in force.

Just enough to carry bytes about; the native core does all real parsing.
"""

import re
from typing import Dict, Iterator, List, NamedTuple, Tuple

from edge_attp.bitstream import sei
from edge_attp.bitstream.orientation import NOTHING
from edge_attp.bitstream.syntax import Syntax

START_CODE = b"\0\0\1"

_START = re.compile(START_CODE)


class KeyBytes(NamedTuple):
    """All that a decoder needs for one random-access picture."""

    parameter_sets: bytes  # Annex B, those in force before `data`
    data: bytes
    nal_length_bytes: int  # 0: data is Annex B


def split(data: bytes, nal_length_bytes: int) -> Iterator[bytes]:
    """The NAL units of a packet, without start codes or lengths; a broken length ends the packet."""
    return _split_prefixed(data, nal_length_bytes) if nal_length_bytes else _split_annex_b(data)


def _split_prefixed(data: bytes, nal_length_bytes: int) -> Iterator[bytes]:
    position = 0
    while position + nal_length_bytes < len(data):
        begin = position + nal_length_bytes
        position = begin + int.from_bytes(data[position:begin], "big")
        if position > begin:
            yield data[begin:position]


def _split_annex_b(data: bytes) -> Iterator[bytes]:
    match = _START.search(data)
    while match:
        following = _START.search(data, match.end())
        nal = data[match.end() : following.start() if following else len(data)].rstrip(b"\0")
        if nal:
            yield nal
        match = following


def join(nals: List[bytes], nal_length_bytes: int) -> bytes:
    """The inverse of split()."""
    if nal_length_bytes == 0:
        return b"".join(b"\0" + START_CODE + nal for nal in nals)
    return b"".join(len(nal).to_bytes(nal_length_bytes, "big") + nal for nal in nals)


def shortened(data: bytes, nal_length_bytes: int, syntax: Syntax) -> bytes:
    """A packet whose last slice ends in the middle, which the core takes for damage."""
    units = list(split(data, nal_length_bytes))
    places = [k for k, unit in enumerate(units) if syntax.nal_type(unit) in syntax.slice_types]
    if places:
        last = units[places[-1]]
        units[places[-1]] = last[: max(len(last) // 2, syntax.header_bytes + 1)]
    return join(units, nal_length_bytes)


class ParameterSets:
    """Remembers the parameter sets in force, as a decoder starting at a later picture needs them, and what
    the newest display orientation message said, which stays true until another comes."""

    def __init__(self, syntax: Syntax, nal_length_bytes: int) -> None:
        self._syntax = syntax
        self._nal_length_bytes = nal_length_bytes
        self._sets: Dict[Tuple[int, int], bytes] = {}
        self.annex_b = b""  # all of them; the same object until one changes
        self.display_orientation = NOTHING

    @property
    def is_complete(self) -> bool:
        """Whether there is one of each kind at least."""
        return self._syntax.set_types <= {kind for kind, _ in self._sets}

    def add(self, nals: List[bytes]) -> None:
        changed = False
        for nal in nals:
            key = self._syntax.set_key(nal)
            if self._sets.get(key) != nal:
                self._sets[key] = nal
                changed = True
        if changed:
            ordered = sorted(self._sets.items())
            self.annex_b = join([nal for _, nal in ordered], 0)

    def watch(self, data: bytes) -> None:
        """Takes the parameter sets and messages of a packet. They come before its first slice, so most
        packets are done after one look at their first NAL unit."""
        length_bytes, syntax = self._nal_length_bytes, self._syntax
        if length_bytes and data[length_bytes : length_bytes + 1] in syntax.slice_heads:
            return
        found = []
        for nal in split(data, length_bytes):
            kind = syntax.nal_type(nal)
            if kind in syntax.set_types:
                found.append(nal)
            elif kind == syntax.sei_type:
                said = sei.display_orientation(nal, syntax.header_bytes)
                self.display_orientation = said or self.display_orientation
            elif kind in syntax.slice_types:
                break
        if found:
            self.add(found)
