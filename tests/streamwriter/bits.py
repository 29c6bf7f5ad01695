"""Bit strings, and how NAL units are framed: what the syntax of both codecs shares."""

import re

START_CODE = b"\x00\x00\x00\x01"
P_SLICE, B_SLICE, I_SLICE = 0, 1, 2  # slice_type of H.264 (Table 7-6); HEVC swaps the first two


class Bits:
    """A bit string that grows: u(n), ue(v), se(v) and te(v) of clause 9.1. Every method returns the string itself."""

    def __init__(self):
        self._text = []
        self._count = 0

    def u(self, count, value):
        """`value` in `count` bits."""
        self._text.append("{:0{}b}".format(value, count) if count else "")
        self._count += count
        return self

    def ue(self, *values):
        for value in values:
            self.u(2 * (value + 1).bit_length() - 1, value + 1)
        return self

    def se(self, *values):
        return self.ue(*(2 * value - 1 if value > 0 else -2 * value for value in values))

    def te(self, value, largest):
        if largest == 1:
            return self.u(1, 1 - value)
        return self.ue(value)

    def align(self, bit=0):
        """Alignment bits up to the next byte boundary."""
        for _ in range(-self._count % 8):
            self.u(1, bit)
        return self

    def raw(self, data):
        """Whole bytes, at a byte boundary."""
        return self.u(8 * len(data), int.from_bytes(data, "big"))

    def add(self, other):
        """All bits of another bit string."""
        self._text += other._text
        self._count += other._count
        return self

    def whole_bytes(self):
        """The bytes, at a byte boundary."""
        return _to_bytes("".join(self._text))

    def payload(self):
        """The bytes with rbsp_trailing_bits()."""
        text = "".join(self._text) + "1"
        return _to_bytes(text + "0" * (-len(text) % 8))


def _to_bytes(text):
    return int(text, 2).to_bytes(len(text) // 8, "big")


def escaped(payload):
    """With emulation_prevention_three_byte wherever one is needed (7.4.1)."""
    return re.sub(b"\x00\x00(?=[\x00-\x03])", b"\x00\x00\x03", payload)


def annex_b(units):
    """NAL units as an Annex B byte stream."""
    return b"".join(START_CODE + unit for unit in units)


def length_prefixed(units, length_bytes):
    """NAL units as a packet of an MP4 or Matroska file."""
    return b"".join(len(unit).to_bytes(length_bytes, "big") + unit for unit in units)
