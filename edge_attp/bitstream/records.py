"""The records in which containers keep parameter sets: avcC and hvcC (ISO/IEC 14496-15), or Annex B."""

from typing import List, Tuple

from edge_attp.bitstream import nal
from edge_attp.bitstream.syntax import H264, Syntax
from edge_attp.errors import CorruptStream

# Where the NAL length size lies: in the two lowest bits of that byte. Arrays of NAL units follow.
_LENGTH_SIZE_AT = {"avcC": 4, "hvcC": 21}


def parse_configuration(record: bytes, syntax: Syntax, name: str) -> Tuple[int, List[bytes]]:
    """NAL length size (0: packets are Annex B) and parameter sets of a container's codec configuration.

    CorruptStream, naming the source, if the record is cut short or says what cannot be.
    """
    if record[0] > 1 or record.startswith((b"\0\0\1", b"\0\0\0\1")):
        return 0, list(nal.split(record, 0))
    kind = "avcC" if syntax is H264 else "hvcC"
    try:
        nals = _avcc_nals(record) if syntax is H264 else _hvcc_nals(record)
    except IndexError:
        raise CorruptStream(
            "{}: its {} record (parameter sets) is cut short".format(name, kind)
        ) from None
    nal_length_bytes = (record[_LENGTH_SIZE_AT[kind]] & 3) + 1
    if nal_length_bytes == 3 or any(len(unit) >> 8 * nal_length_bytes for unit in nals):
        raise CorruptStream(
            "{}: its {} record says that NAL unit lengths have {} byte(s), which cannot be".format(
                name, kind, nal_length_bytes
            )
        )
    return nal_length_bytes, [unit for unit in nals if syntax.nal_type(unit) in syntax.set_types]


def _avcc_nals(record: bytes) -> List[bytes]:
    """Of an AVCDecoderConfigurationRecord; IndexError if it is cut short."""
    position = 5
    nals: List[bytes] = []
    for mask in (31, 255):
        count = record[position] & mask
        position = _take(record, position + 1, count, nals)
    return nals


def _hvcc_nals(record: bytes) -> List[bytes]:
    """Of an HEVCDecoderConfigurationRecord; IndexError if it is cut short."""
    position = 23
    nals: List[bytes] = []
    for _ in range(record[22]):
        count = record[position + 1] << 8 | record[position + 2]
        position = _take(record, position + 3, count, nals)
    return nals


def _take(record: bytes, position: int, count: int, nals: List[bytes]) -> int:
    """Appends `count` NAL units, each behind its length in two bytes; returns where they end."""
    for _ in range(count):
        size = record[position] << 8 | record[position + 1]
        nal_unit = record[position + 2 : position + 2 + size]
        if len(nal_unit) < max(size, 1):
            raise IndexError
        nals.append(nal_unit)
        position += 2 + size
    return position
