"""A CABAC encoder (clause 9.3.4.5), the same for H.264 and HEVC. Each codec's cabac.py has its contexts."""

# fmt: off
# Table 9-44, by pStateIdx and qCodIRangeIdx, and Table 9-45.
_RANGE_LPS = (
    (128, 176, 208, 240), (128, 167, 197, 227), (128, 158, 187, 216), (123, 150, 178, 205),
    (116, 142, 169, 195), (111, 135, 160, 185), (105, 128, 152, 175), (100, 122, 144, 166),
    (95, 116, 137, 158), (90, 110, 130, 150), (85, 104, 123, 142), (81, 99, 117, 135),
    (77, 94, 111, 128), (73, 89, 105, 122), (69, 85, 100, 116), (66, 80, 95, 110),
    (62, 76, 90, 104), (59, 72, 86, 99), (56, 69, 81, 94), (53, 65, 77, 89), (51, 62, 73, 85),
    (48, 59, 69, 80), (46, 56, 66, 76), (43, 53, 63, 72), (41, 50, 59, 69), (39, 48, 56, 65),
    (37, 45, 54, 62), (35, 43, 51, 59), (33, 41, 48, 56), (32, 39, 46, 53), (30, 37, 43, 50),
    (29, 35, 41, 48), (27, 33, 39, 45), (26, 31, 37, 43), (24, 30, 35, 41), (23, 28, 33, 39),
    (22, 27, 32, 37), (21, 26, 30, 35), (20, 24, 29, 33), (19, 23, 27, 31), (18, 22, 26, 30),
    (17, 21, 25, 28), (16, 20, 23, 27), (15, 19, 22, 25), (14, 18, 21, 24), (14, 17, 20, 23),
    (13, 16, 19, 22), (12, 15, 18, 21), (12, 14, 17, 20), (11, 14, 16, 19), (11, 13, 15, 18),
    (10, 12, 15, 17), (10, 12, 14, 16), (9, 11, 13, 15), (9, 11, 12, 14), (8, 10, 12, 14),
    (8, 9, 11, 13), (7, 9, 11, 12), (7, 9, 10, 12), (7, 8, 10, 11), (6, 8, 9, 11), (6, 7, 9, 10),
    (6, 7, 8, 9), (2, 2, 2, 2),
)
_NEXT_LPS = (
    0, 0, 1, 2, 2, 4, 4, 5, 6, 7, 8, 9, 9, 11, 11, 12, 13, 13, 15, 15, 16, 16, 18, 18, 19, 19, 21, 21, 22, 22, 23, 24,
    24, 25, 26, 26, 27, 27, 28, 29, 29, 30, 30, 30, 31, 32, 32, 33, 33, 33, 34, 34, 35, 35, 35, 36, 36, 36, 37, 37, 37,
    38, 38, 63,
)
# fmt: on


def initial_state(m, n, qp):
    """9.3.1.1 (HEVC: 9.3.2.2): [pStateIdx, valMPS]."""
    state = min(max(((m * qp) >> 4) + n, 1), 126)
    return [63 - state, 0] if state <= 63 else [state - 64, 1]


class Encoder:
    """Encodes bins into a bits.Bits. states: initial_state() of each context, which change with what is encoded."""

    def __init__(self, bits, states):
        self.bits, self.states = bits, states
        self.restart()

    def restart(self):
        """9.3.4.1, at the beginning of a slice and after PCM samples."""
        self._low, self._range, self._first, self._outstanding = 0, 510, True, 0

    def decision(self, context, value):
        """9.3.4.2."""
        state = self.states[context]
        lps = _RANGE_LPS[state[0]][(self._range >> 6) & 3]
        self._range -= lps
        if value != state[1]:
            self._low += self._range
            self._range = lps
            if state[0] == 0:
                state[1] = 1 - state[1]
            state[0] = _NEXT_LPS[state[0]]
        else:
            state[0] = min(state[0] + 1, 62)
        self._renormalise()

    def decisions(self, *pairs):
        """Bins given as (context, value)."""
        for context, value in pairs:
            self.decision(context, value)

    def bypass(self, value):
        """9.3.4.4."""
        self._low = 2 * self._low + (self._range if value else 0)
        if self._low >= 1024:
            self._put(1)
            self._low -= 1024
        elif self._low < 512:
            self._put(0)
        else:
            self._low -= 512
            self._outstanding += 1

    def exp_golomb(self, value, k):
        """The suffix of UEG3 (9.3.2.3); HEVC: EGk (9.3.3.5)."""
        while value >= 1 << k:
            self.bypass(1)
            value -= 1 << k
            k += 1
        self.bypass(0)
        self.bypass_bits(k, value)

    def bypass_bits(self, count, value):
        """`count` bypass bins, the most significant first."""
        for shift in reversed(range(count)):
            self.bypass((value >> shift) & 1)

    def terminate(self, value):
        """9.3.4.5. After a one, all bits are written but the last, which is a one: rbsp_stop_one_bit at the end."""
        self._range -= 2
        if not value:
            self._renormalise()
            return
        self._low += self._range
        self._range = 2
        self._renormalise()
        self._put((self._low >> 9) & 1)
        self.bits.u(1, (self._low >> 8) & 1)

    def _renormalise(self):
        while self._range < 256:
            if self._low < 256:
                self._put(0)
            elif self._low >= 512:
                self._low -= 512
                self._put(1)
            else:
                self._low -= 256
                self._outstanding += 1
            self._range *= 2
            self._low *= 2

    def _put(self, bit):
        if self._first:
            self._first = False
        else:
            self.bits.u(1, bit)
        for _ in range(self._outstanding):
            self.bits.u(1, 1 - bit)
        self._outstanding = 0
