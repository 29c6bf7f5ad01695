"""H.264 streams written bit by bit, for tests that know every value beforehand and need no encoder.

Baseline, CAVLC, POC type 2, one slice a picture. An IDR picture is all I_PCM; a P picture is either all
P_Skip or has one P_L0_16x16 macroblock after the other, all with the same vector.
"""

import numpy as np

START = b"\0\0\0\1"
CODEC = "h264"
SETS = 2  # parameter sets of a GOP


class Bits:
    """Writes the descriptors of clause 7.2."""

    def __init__(self):
        self._bits = []

    def u(self, count, value):
        self._bits += [value >> shift & 1 for shift in range(count - 1, -1, -1)]
        return self

    def ue(self, *values):
        for value in values:
            length = (value + 1).bit_length()
            self.u(2 * length - 1, value + 1)
        return self

    def se(self, *values):
        for value in values:
            self.ue(2 * value - 1 if value > 0 else -2 * value)
        return self

    def align(self):
        while len(self._bits) % 8:
            self.u(1, 0)
        return self

    def nal(self, header):
        """The NAL unit with its trailing bits and emulation prevention, clause 7.4.1."""
        self.u(1, 1).align()
        payload = bytes(np.packbits(np.array(self._bits, np.uint8)))
        return header + _prevent_emulation(payload)


def _prevent_emulation(payload):
    out, zeros = bytearray(), 0
    for byte in payload:
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)


def sps(columns=2, rows=2, crop=(0, 0, 0, 0), time_scale=50, sps_id=0, frame_mbs_only=1):
    """Sizes in macroblocks, crop = (left, right, top, bottom) in chroma samples."""
    bits = Bits().u(8, 66).u(8, 0xC0 if frame_mbs_only else 0).u(8, 30)
    bits.ue(sps_id, 0, 2, 1).u(1, 0).ue(columns - 1, rows - 1).u(1, frame_mbs_only)
    if not frame_mbs_only:
        bits.u(1, 0)  # mb_adaptive_frame_field_flag
    bits.u(1, 1).u(1, int(any(crop)))
    if any(crop):
        bits.ue(*crop)
    bits.u(1, int(time_scale > 0))
    if time_scale:
        bits.u(4, 0).u(1, 1).u(32, 1).u(32, time_scale).u(1, 1).u(4, 0)
    return bits.nal(b"\x67")


def pps(pps_id=0, sps_id=0):
    bits = Bits().ue(pps_id, sps_id).u(2, 0).ue(0, 0, 0).u(3, 0).se(0, 0, 0).u(3, 0b100)
    return bits.nal(b"\x68")


def parameter_sets(columns, rows, **parameters):
    return [sps(columns, rows, **parameters), pps()]


def refused():
    """An interlaced stream: refused by name."""
    return annex_b(parameter_sets(2, 2, frame_mbs_only=0) + [idr(picture_samples(2, 4))])


def idr(samples, idr_pic_id=0):
    """samples: uint8 (macroblocks, 384), 256 of Y, then 64 of Cb and 64 of Cr for each."""
    bits = Bits().ue(0, 7, 0).u(4, 0).ue(idr_pic_id).u(2, 0).se(0).ue(1)
    for macroblock in samples:
        bits.ue(25).align()
        for sample in macroblock:
            bits.u(8, int(sample))
    return bits.nal(b"\x65")


def p_picture(frame_num, macroblocks, mv=None, is_reference=True):
    """All skipped, or all P_L0_16x16 with the vector mv = (x, y) in quarter samples."""
    bits = Bits().ue(0, 5, 0).u(4, frame_num % 16).u(2, 0)
    if is_reference:
        bits.u(1, 0)  # adaptive_ref_pic_marking_mode_flag
    bits.se(0).ue(1)
    if mv is None:
        bits.ue(macroblocks)
    else:
        for macroblock in range(macroblocks):
            # The first block has no neighbours: its prediction is 0. All others then predict it.
            x, y = mv if macroblock == 0 else (0, 0)
            bits.ue(0, 0).se(x, y).ue(0)
    return bits.nal(b"\x61" if is_reference else b"\x01")


def picture_samples(columns, rows, seed=0):
    """Random I_PCM samples of a picture, as idr() takes them."""
    return np.random.RandomState(seed).randint(1, 256, (columns * rows, 384)).astype(np.uint8)


def luma(samples, columns, rows):
    """The luma plane that these samples make, uint8 (16 rows, 16 columns)."""
    blocks = samples[:, :256].reshape(rows, columns, 16, 16)
    return blocks.transpose(0, 2, 1, 3).reshape(rows * 16, columns * 16)


def annex_b(units):
    return b"".join(START + unit for unit in units)


def stream(gops=3, gop=4, columns=2, rows=2, mv=(6, -4), **parameters):
    """GOPs of an IDR picture, a skipped P picture, and P pictures that move by `mv`. Annex B."""
    units = []
    for number in range(gops):
        units += parameter_sets(columns, rows, **parameters)
        units.append(idr(picture_samples(columns, rows, number), number % 2))
        for frame_num in range(1, gop):
            still = frame_num == 1
            units.append(p_picture(frame_num, columns * rows, None if still else mv))
    return annex_b(units)
