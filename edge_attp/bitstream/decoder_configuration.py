"""Decoder configuration records, in which containers keep parameter sets: avcC and hvcC (ISO/IEC 14496-15).

A broken record is no reason to refuse a stream: the parameter sets may come in band, and the samples show
how many bytes the lengths of their NAL units have.
"""

from typing import List, NamedTuple, Sequence

from edge_attp.bitstream import nal
from edge_attp.bitstream.syntax import H264, Syntax

# The two lowest bits of this byte hold the size of a NAL unit length. Arrays of NAL units follow.
_LENGTH_SIZE_AT = {"avcC": 4, "hvcC": 21}
_LENGTH_SIZES = (4, 2, 1, 3)  # the most frequent first


class Configuration(NamedTuple):
    """What a record says. `nal_length_bytes` is 0 if packets are Annex B. `fault` says what is wrong with the
    record, if anything; then the size is a guess, and parameter sets may be missing."""

    nal_length_bytes: int
    parameter_sets: List[bytes]
    fault: str = ""


def parse_configuration(record: bytes, syntax: Syntax) -> Configuration:
    """Whatever is usable of a container's record, which may also be Annex B."""
    kind = "avcC" if syntax is H264 else "hvcC"
    if not record:
        return Configuration(4, [], f"it has no {kind} record (parameter sets)")
    if nal.is_start_code(record):
        return Configuration(0, _sets(list(nal.split(record, 0)), syntax))
    fault = ""
    nals: List[bytes] = []
    size_at = _LENGTH_SIZE_AT[kind]
    nal_length_bytes = (record[size_at] & 3) + 1 if len(record) > size_at else 4
    try:
        _take_all(record, size_at, syntax, nals)
    except IndexError:
        fault = f"its {kind} record (parameter sets) is cut short"
    if record[0] > 1:
        fault = f"its {kind} record (parameter sets) is broken"
    return Configuration(nal_length_bytes, _sets(nals, syntax), fault)


def likely_length_size(samples: Sequence[bytes], syntax: Syntax, guess: int) -> int:
    """How many bytes the NAL unit lengths of these samples have: 0 if they are Annex B, `guess` if the samples
    do not show it."""
    fitting = {
        size: sum(_fits(sample, size, syntax) for sample in samples)
        for size in (guess,) + _LENGTH_SIZES
        if size > 0
    }
    fitting[0] = sum(nal.is_start_code(sample) for sample in samples)
    best = max(fitting, key=lambda size: fitting[size])  # the first of equals
    return best if fitting[best] else guess


def _fits(sample: bytes, size: int, syntax: Syntax) -> bool:
    """Whether lengths of this size lead to the end, beginning with a unit that is not empty: zero bytes
    alone also form a chain of shorter lengths."""
    first = next(nal.split(sample, size, syntax), b"")
    is_chain = any(sample[:size]) and nal.lengths_fit(sample, size)
    return is_chain and bool(first) and syntax.is_header(first)


def _sets(nals: List[bytes], syntax: Syntax) -> List[bytes]:
    return [unit for unit in nals if syntax.nal_type(unit) in syntax.set_types]


def _take_all(record: bytes, size_at: int, syntax: Syntax, nals: List[bytes]) -> None:
    """Appends the NAL units of an AVC- or HEVCDecoderConfigurationRecord; IndexError if it is cut short."""
    position = size_at + 1
    if syntax is H264:
        for mask in (31, 255):
            count = record[position] & mask
            position = _take(record, position + 1, count, nals)
        return
    arrays = record[position]
    position += 1
    for _ in range(arrays):
        count = record[position + 1] << 8 | record[position + 2]
        position = _take(record, position + 3, count, nals)


def _take(record: bytes, position: int, count: int, nals: List[bytes]) -> int:
    """Appends `count` NAL units, each after its length in two bytes; returns where they end."""
    for _ in range(count):
        size = record[position] << 8 | record[position + 1]
        nal_unit = record[position + 2 : position + 2 + size].rstrip(b"\0")
        position += 2 + size
        if position > len(record):
            raise IndexError
        if nal_unit:
            nals.append(nal_unit)
    return position
