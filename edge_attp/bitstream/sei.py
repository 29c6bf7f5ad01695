"""SEI messages, as far as those who do not parse pictures need them: H.264 clause 7.3.2.3, HEVC 7.3.2.4."""

from typing import Iterator, Optional, Tuple

from edge_attp.bitstream.orientation import NOTHING, Told, from_angle

_DISPLAY_ORIENTATION = 47  # payloadType in both


def display_orientation(nal: bytes, header_bytes: int) -> Optional[Told]:
    """What the display orientation message of an SEI NAL unit says (H.264 D.2.27, HEVC D.3.17); NOTHING if
    it takes back what an earlier one said, None if there is none."""
    rbsp = nal[header_bytes:].replace(b"\0\0\3", b"\0\0")  # clause 7.3.1.1
    for kind, payload in _messages(rbsp):
        if kind == _DISPLAY_ORIENTATION and payload:
            return _told(int.from_bytes(payload[:3].ljust(3, b"\0"), "big"))
    return None


def _told(bits: int) -> Told:
    """By its first 24 bits: mirrored first, either way, then turned anticlockwise."""
    cancel_flag, hor_flip, ver_flip = (bits >> place & 1 for place in (23, 22, 21))
    if cancel_flag:
        return NOTHING
    anticlockwise_rotation = bits >> 5 & 0xFFFF
    turned_deg = 180 * ver_flip - 360 * anticlockwise_rotation / 65536
    return from_angle(turned_deg, hor_flip != ver_flip)


def _messages(rbsp: bytes) -> Iterator[Tuple[int, bytes]]:
    """payloadType and payload of each message; what is cut short at the end is left out."""
    position = 0
    while position + 2 < len(rbsp):
        kind, position = _value(rbsp, position)
        size, position = _value(rbsp, position)
        if position + size > len(rbsp):
            return
        yield kind, rbsp[position : position + size]
        position += size


def _value(rbsp: bytes, position: int) -> Tuple[int, int]:
    """A number of payloadType or payloadSize, and where it ends: bytes of 255, and one that is less."""
    value = 0
    while rbsp[position : position + 1] == b"\xff":
        value, position = value + 255, position + 1
    value += int.from_bytes(rbsp[position : position + 1], "big")
    return value, position + 1
