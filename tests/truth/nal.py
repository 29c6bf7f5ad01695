"""NAL units of both codecs for the tests: how a stream is cut into them, and a slow reader of their bits."""

import re

_START_CODE = re.compile(b"\x00\x00\x01")
_LEADING_START_CODE = re.compile(b"\x00\x00+\x01")
_ESCAPED = re.compile(b"\x00\x00\x03")


class Bits:
    """Reads the syntax elements of a payload. Past its end there are zeros."""

    def __init__(self, payload):
        self._bits = "".join(f"{byte:08b}" for byte in payload)
        self.at = 0  # bits read so far

    def u(self, count):
        """u(n)."""
        self.at += count
        return int(self._bits[self.at - count : self.at] or "0", 2)

    def ue(self):
        """ue(v)."""
        zeros = self._bits.index("1", self.at) - self.at
        self.at += zeros
        return self.u(zeros + 1) - 1

    def se(self):
        """se(v)."""
        value = self.ue()
        return (value + 1) // 2 if value % 2 else -(value // 2)


def payload(unit, header_bytes):
    """What a NAL unit holds, without its header and without emulation prevention."""
    return _ESCAPED.sub(b"\x00\x00", unit[header_bytes:])


def size_bits(payload):
    """How many bits a payload has in front of its rbsp_trailing_bits()."""
    value = int.from_bytes(payload, "big")
    return 8 * len(payload) - (value & -value).bit_length()


def annex_b_nal_units(data):
    """The NAL units of an Annex B byte stream, without start codes and trailing zeros."""
    starts = [match.end() for match in _START_CODE.finditer(data)]
    ends = [start - 3 for start in starts[1:]] + [len(data)]
    return [data[start:end].rstrip(b"\x00") for start, end in zip(starts, ends)]


def length_prefixed_nal_units(data, length_bytes, codec):
    """The NAL units of a packet of an MP4 or Matroska file. Where its lengths do not lead to its end, it is Annex B
    from the first start code on that stands in the place of a length. No unit holds a start code or ends in zeros
    (7.4.1)."""
    units, at = _walk(data, length_bytes, lambda at: False)
    # With short fields "00 00 01" reads as empty units and one of a single byte: too likely by chance.
    first = next((len(unit) for unit in units if unit), 0)
    if at == len(data) and (length_bytes > 2 or first > 1):
        return _without_start_codes(units)
    units, at = _walk(data, length_bytes, lambda at: _is_annex_b(data, at, length_bytes, codec))
    return _without_start_codes(units) + annex_b_nal_units(data[at:])


def _walk(data, length_bytes, ends):
    """(units, where they end). The last one may be cut: then that is behind the data."""
    units, at = [], 0
    while at + length_bytes <= len(data) and not ends(at):
        size = int.from_bytes(data[at : at + length_bytes], "big")
        units.append(data[at + length_bytes : at + length_bytes + size])
        at += length_bytes + size
    return units, at


def _is_annex_b(data, at, length_bytes, codec):
    """A start code stands there, which is no length of a unit that may be one: 00 00 01 xx may be either."""
    if not _LEADING_START_CODE.match(data, at):
        return False
    size = int.from_bytes(data[at : at + length_bytes], "big")
    unit = data[at + length_bytes : at + length_bytes + size]
    return size < 2 or not _is_header[codec](unit) or bool(_START_CODE.search(unit))


_is_header = {
    "h264": lambda unit: unit[0] < 128 and 0 < unit[0] & 31 <= 20 and unit[0] & 127 != 5,
    "hevc": lambda unit: unit[0] < 128 and not unit[0] & 1 and 0 < unit[1] < 8,
}


def _without_start_codes(units):
    parts = [part.rstrip(b"\x00") for unit in units for part in _START_CODE.split(unit)]
    return [part for part in parts if part]
