"""macroblock_layer() without residual (7.3.5), in CAVLC and in CABAC, behind the same methods.

A macroblock is written as: skip(), or mb_type(...) and what belongs to it, then done(). `block` is (x, y, width,
height) in 4x4 blocks within the macroblock; it decides the CABAC contexts, which look at the neighbours (9.3.3.1.1).
"""

import numpy as np

from streamwriter.bits import B_SLICE, I_SLICE, P_SLICE
from streamwriter.cabac import Encoder
from streamwriter.h264.cabac import macroblock_states

# mb_type of I_PCM in each slice type.
PCM = {P_SLICE: 5 + 25, B_SLICE: 23 + 25, I_SLICE: 25}
P_8X8REF0 = 4


class Cavlc:
    """Clause 9.1 and 9.2: nothing depends on the neighbours."""

    allowed_p_types = 5  # P_8x8ref0 among them

    def __init__(self, bits, slice_type):
        self._bits, self._type, self._run = bits, slice_type, 0

    def skip(self, address):
        self._run += 1

    def mb_type(self, address, value):
        if self._type != I_SLICE:
            self._bits.ue(self._run)
        self._run = 0
        self._bits.ue(value)

    def pcm(self, planes):
        self._bits.align()
        for plane in planes:
            self._bits.raw(plane.tobytes())

    def sub_mb_type(self, block, value):
        self._bits.ue(value)

    def ref_idx(self, number, block, value, largest):
        self._bits.te(value, largest)

    def mvd(self, number, block, component, value):
        self._bits.se(value)

    def no_residual(self):
        self._bits.ue(0)  # coded_block_pattern

    def done(self, is_last):
        if is_last and self._run:
            self._bits.ue(self._run)


class Neighbourhood:
    """What CABAC contexts look at, over one picture. Shape of `size`: (width, height) in macroblocks."""

    def __init__(self, size):
        width, height = size
        self.width = width
        self.slice = np.full(width * height, -1)
        self.skip, self.direct, self.pcm = (np.zeros(width * height, bool) for _ in range(3))
        self.ref_above_0 = np.zeros((2, 4 * height, 4 * width), bool)
        self.mvd = np.zeros((2, 2, 4 * height, 4 * width), int)

    def beside(self, address):
        """Addresses of the macroblocks to the left and above, of the same slice, else None."""
        here = self.slice[address]
        left = address - 1 if address % self.width and self.slice[address - 1] == here else None
        above = address - self.width
        return left, above if above >= 0 and self.slice[above] == here else None


class Cabac:
    """Clause 9.3. slice_number must be another one in each slice of a picture."""

    allowed_p_types = 4  # P_8x8ref0 is CAVLC only

    def __init__(self, bits, slice_type, cabac_init_idc, neighbourhood, slice_number):
        bits.align(1)
        self._bits, self._type = bits, slice_type
        self._encoder = Encoder(
            bits, macroblock_states(None if slice_type == I_SLICE else cabac_init_idc)
        )
        self._near, self._slice = neighbourhood, slice_number

    def _begin(self, address):
        self._address = address
        self._near.slice[address] = self._slice
        self._at = 4 * (address // self._near.width), 4 * (address % self._near.width)

    def _count(self, condition):
        """ctxIdxInc = condTermFlagA + condTermFlagB of the macroblocks beside."""
        return sum(
            1
            for other in self._near.beside(self._address)
            if other is not None and condition(other)
        )

    def _skip_flag(self, value):
        first = 11 if self._type == P_SLICE else 24
        self._encoder.decision(first + self._count(lambda other: not self._near.skip[other]), value)

    def skip(self, address):
        self._begin(address)
        self._skip_flag(1)
        self._near.skip[address] = self._near.direct[address] = True

    def mb_type(self, address, value):
        self._begin(address)
        if self._type != I_SLICE:
            self._skip_flag(0)
        if value == PCM[self._type]:
            self._near.pcm[address] = True
        {I_SLICE: self._i_type, P_SLICE: self._p_type, B_SLICE: self._b_type}[self._type](value)

    def _i_type(self, value):
        self._encoder.decision(3 + self._count(lambda other: True), 1)  # all are I_PCM here

    def _p_type(self, value):
        bins = (
            ((14, 0), (15, 0), (16, 0)),
            ((14, 0), (15, 1), (17, 1)),
            ((14, 0), (15, 1), (17, 0)),
        )
        bins += (((14, 0), (15, 0), (16, 1)),)
        self._encoder.decisions(*(bins[value] if value < 4 else ((14, 1), (17, 1))))

    def _b_type(self, value):
        """Table 9-37(b)."""
        first = 27 + self._count(lambda other: not self._near.direct[other])
        if value == 0:
            self._near.direct[self._address] = True
            self._encoder.decision(first, 0)
            return
        self._encoder.decision(first, 1)
        if value < 3:
            self._encoder.decisions((30, 0), (32, value - 1))
            return
        if value < 11:
            code, length = value - 3, 4
        else:
            code, length = {11: (14, 4), 22: (15, 4), PCM[B_SLICE]: (13, 4)}.get(
                value, (value + 4, 5)
            )
        contexts = (31, 32, 32, 32, 32)
        bins = [(code >> (length - 1 - k)) & 1 for k in range(length)]
        self._encoder.decisions((30, 1), *zip(contexts, bins))
        if value == PCM[B_SLICE]:
            self._encoder.decision(32, 1)

    def pcm(self, planes):
        self._encoder.terminate(1)
        self._bits.u(1, 1).align()
        for plane in planes:
            self._bits.raw(plane.tobytes())
        self._encoder.restart()

    def sub_mb_type(self, block, value):
        if self._type == P_SLICE:
            bins = (
                ((21, 1),),
                ((21, 0), (22, 0)),
                ((21, 0), (22, 1), (23, 1)),
                ((21, 0), (22, 1), (23, 0)),
            )
            self._encoder.decisions(*bins[value])
        elif value == 0:
            self._encoder.decision(36, 0)
        elif value < 3:
            self._encoder.decisions((36, 1), (37, 0), (39, value - 1))
        elif value < 7:
            self._encoder.decisions(
                (36, 1), (37, 1), (38, 0), (39, (value - 3) >> 1), (39, (value - 3) & 1)
            )
        elif value < 11:
            rest = (39, (value - 7) >> 1), (39, (value - 7) & 1)
            self._encoder.decisions((36, 1), (37, 1), (38, 1), (39, 0), *rest)
        else:
            self._encoder.decisions((36, 1), (37, 1), (38, 1), (39, 1), (39, value - 11))

    def _blocks_beside(self, block):
        """Picture positions of the 4x4 blocks left of and above the first one of `block`, None where not available."""
        left, above = self._near.beside(self._address)
        y, x = self._at[0] + block[1], self._at[1] + block[0]
        return (
            (y, x - 1) if block[0] or left is not None else None,
            (y - 1, x) if block[1] or above is not None else None,
        )

    def _cover(self, block):
        y, x = self._at[0] + block[1], self._at[1] + block[0]
        return np.s_[y : y + block[3], x : x + block[2]]

    def ref_idx(self, number, block, value, largest):
        first, second = (
            place is not None and self._near.ref_above_0[number][place]
            for place in self._blocks_beside(block)
        )
        self._encoder.decision(54 + int(first) + 2 * int(second), int(value > 0))
        for k in range(1, value + 1):
            self._encoder.decision(58 if k == 1 else 59, int(k < value))
        self._near.ref_above_0[number][self._cover(block)] = value > 0

    def mvd(self, number, block, component, value):
        known = self._near.mvd[number, component]
        total = sum(abs(known[place]) for place in self._blocks_beside(block) if place is not None)
        first = (40, 47)[component]
        contexts = [first + (0 if total < 3 else 1 if total < 33 else 2)] + [
            first + k for k in (3, 4, 5, 6, 6, 6, 6, 6)
        ]
        size = abs(value)
        for k in range(min(size + 1, 9)):
            self._encoder.decision(contexts[k], int(k < size))
        if size >= 9:
            self._encoder.exp_golomb(size - 9, 3)
        if size:
            self._encoder.bypass(int(value < 0))
        known[self._cover(block)] = value

    def no_residual(self):
        """coded_block_pattern 0: four luma bins, one chroma bin (9.3.3.1.1.4); only I_PCM has coefficients here."""
        left, above = self._near.beside(self._address)
        has_none = [other is not None and not self._near.pcm[other] for other in (left, above)]
        for block in range(4):
            beside = has_none[0] if block % 2 == 0 else True
            over = has_none[1] if block < 2 else True
            self._encoder.decision(73 + int(beside) + 2 * int(over), 0)
        is_pcm = [other is not None and bool(self._near.pcm[other]) for other in (left, above)]
        self._encoder.decision(77 + int(is_pcm[0]) + 2 * int(is_pcm[1]), 0)

    def done(self, is_last):
        self._encoder.terminate(int(is_last))
