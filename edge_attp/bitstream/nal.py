"""NAL units as bytes: splitting them, the avcC record, and the parameter sets that are in force.

Just enough to carry bytes about; the native core does all real parsing.
"""

import re
from typing import Dict, Iterator, List, NamedTuple, Tuple

from edge_attp.errors import CorruptStream

START_CODE = b"\0\0\1"
NAL_SLICE, NAL_IDR, NAL_SEI, NAL_SPS, NAL_PPS, NAL_AUD = 1, 5, 6, 7, 8, 9
SLICE_TYPES = frozenset((1, 2, 3, 4, 5))

_START = re.compile(START_CODE)


class KeyBytes(NamedTuple):
    """All that a decoder needs for one random-access picture."""

    parameter_sets: bytes  # Annex B, those in force before `data`
    data: bytes
    nal_length_bytes: int  # 0: data is Annex B


def nal_type(nal: bytes) -> int:
    return nal[0] & 31


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


def parse_avcc(record: bytes, name: str) -> Tuple[int, List[bytes]]:
    """NAL length size and parameter sets of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15).

    CorruptStream, naming the source, if the record is cut short.
    """
    position = 5
    nals: List[bytes] = []
    try:
        for mask in (31, 255):
            count = record[position] & mask
            position += 1
            for _ in range(count):
                size = record[position] << 8 | record[position + 1]
                nal = record[position + 2 : position + 2 + size]
                if len(nal) < max(size, 1):
                    raise IndexError
                nals.append(nal)
                position += 2 + size
    except IndexError:
        raise CorruptStream(
            "{}: its avcC record (parameter sets) is cut short".format(name)
        ) from None
    nal_length_bytes = (record[4] & 3) + 1
    if nal_length_bytes == 3 or any(len(nal) >> 8 * nal_length_bytes for nal in nals):
        raise CorruptStream(
            "{}: its avcC record says that NAL unit lengths have {} byte(s), which cannot be".format(
                name, nal_length_bytes
            )
        )
    return nal_length_bytes, nals


def parameter_set_key(nal: bytes) -> Tuple[int, int]:
    """(nal_unit_type, seq_parameter_set_id or pic_parameter_set_id); a set replaces that of equal key."""
    begin = 4 if nal_type(nal) == NAL_SPS else 1  # an SPS has profile, constraints and level first
    bits = int.from_bytes(nal[begin : begin + 3].ljust(3, b"\xff"), "big")
    zeros = 24 - bits.bit_length()
    value = (bits >> max(23 - 2 * zeros, 0)) - 1  # ue(v), clause 9.1
    return nal_type(nal), min(value, 255)


class ParameterSets:
    """Remembers the parameter sets in force, as a decoder starting at a later picture needs them."""

    def __init__(self, nal_length_bytes: int) -> None:
        self._nal_length_bytes = nal_length_bytes
        self._sets: Dict[Tuple[int, int], bytes] = {}
        self.annex_b = b""  # all of them; the same object until one changes

    def add(self, nals: List[bytes]) -> None:
        changed = False
        for nal in nals:
            key = parameter_set_key(nal)
            if self._sets.get(key) != nal:
                self._sets[key] = nal
                changed = True
        if changed:
            ordered = sorted(self._sets.items())
            self.annex_b = join([nal for _, nal in ordered], 0)

    def watch(self, data: bytes) -> None:
        """Takes the parameter sets of a packet. They come before its first slice, so most packets are
        done after one look at their first NAL unit."""
        if (
            self._nal_length_bytes
            and data[self._nal_length_bytes : self._nal_length_bytes + 1] in _SLICE_HEADS
        ):
            return
        found = []
        for nal in split(data, self._nal_length_bytes):
            kind = nal_type(nal)
            if kind in (NAL_SPS, NAL_PPS):
                found.append(nal)
            elif kind in SLICE_TYPES:
                break
        if found:
            self.add(found)


_SLICE_HEADS = frozenset(
    bytes([ref_idc << 5 | kind]) for ref_idc in range(4) for kind in SLICE_TYPES
)
