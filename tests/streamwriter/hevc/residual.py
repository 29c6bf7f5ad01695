"""residual_coding() of HEVC (7.3.8.11) for given coefficient levels, and random levels to write."""

DIAGONAL, HORIZONTAL, VERTICAL = range(3)
_SIG_CTX_4X4 = (0, 1, 4, 5, 2, 3, 4, 5, 6, 6, 8, 8, 7, 7, 8)


def _diagonal(size):
    """6.5.3: (x, y), up and to the right."""
    places = [(x, y) for y in range(size) for x in range(size)]
    return sorted(places, key=lambda place: (place[0] + place[1], place[0]))


def _scan(size, scan_idx):
    """6.5.3 to 6.5.5."""
    if scan_idx == DIAGONAL:
        return _diagonal(size)
    places = [(x, y) for y in range(size) for x in range(size)]
    return places if scan_idx == HORIZONTAL else [(y, x) for x, y in places]


_SCANS = {(size, idx): _scan(size, idx) for size in (1, 2, 4, 8) for idx in range(3)}


class ResidualCoding:
    """Writes one transform block. levels: {(x, y): TransCoeffLevel}, none of them 0, at least one.

    hides_signs: sign_data_hiding_enabled_flag without cu_transquant_bypass_flag. written: counts what occurred.
    """

    def __init__(self, encoder, log2_size, c_idx, scan_idx, hides_signs, written):
        self._encoder, self._log2, self._c_idx, self._scan_idx = (
            encoder,
            log2_size,
            c_idx,
            scan_idx,
        )
        self._hides_signs, self._written = hides_signs, written
        self._sub_blocks = _SCANS[1 << (log2_size - 2), scan_idx]
        self._places = _SCANS[4, scan_idx]

    def write(self, levels):
        self._coded = {(x >> 2, y >> 2) for x, y in levels}
        last = max(self._sub_blocks.index(place) for place in self._coded)
        inside = self._in_sub_block(levels, last)
        last_place = max(n for n, level in enumerate(inside) if level)
        self._write_last(last, last_place)
        self._greater1_ctx = 1
        for i in range(last, -1, -1):
            inside = self._in_sub_block(levels, i)
            first = last_place - 1 if i == last else 15
            self._write_significance(i, i == last, inside, first)
            coded = [n for n in range(15, -1, -1) if inside[n]]
            if coded:
                self._write_levels(i, [inside[n] for n in coded], coded[0] - coded[-1] > 3)

    def _in_sub_block(self, levels, i):
        """The 16 levels of sub-block i in scan order."""
        left, top = (4 * place for place in self._sub_blocks[i])
        return [levels.get((left + x, top + y), 0) for x, y in self._places]

    def _write_last(self, sub_block, n):
        x, y = (
            4 * whole + part for whole, part in zip(self._sub_blocks[sub_block], self._places[n])
        )
        if self._scan_idx == VERTICAL:
            x, y = y, x
        prefixes = [self._last_prefix(value) for value in (x, y)]
        for name, prefix in zip(("last_sig_coeff_x_prefix", "last_sig_coeff_y_prefix"), prefixes):
            self._write_last_prefix(name, prefix)
        for value, prefix in zip((x, y), prefixes):
            if prefix > 3:
                self._encoder.bypass_bits(
                    (prefix >> 1) - 1, value & ((1 << ((prefix >> 1) - 1)) - 1)
                )

    @staticmethod
    def _last_prefix(value):
        """The inverse of (7-74)."""
        if value < 4:
            return value
        log2 = value.bit_length() - 1
        return 2 * log2 + ((value >> (log2 - 1)) & 1)

    def _write_last_prefix(self, name, prefix):
        """9.3.4.2.3."""
        if self._c_idx == 0:
            offset, shift = 3 * (self._log2 - 2) + ((self._log2 - 1) >> 2), (self._log2 + 1) >> 2
        else:
            offset, shift = 15, self._log2 - 2
        largest = 2 * self._log2 - 1
        for k in range(min(prefix + 1, largest)):
            self._encoder.flag(name, k < prefix, offset + (k >> shift))

    def _write_significance(self, i, is_last, inside, first):
        """coded_sub_block_flag and sig_coeff_flag of places `first` and before."""
        x, y = self._sub_blocks[i]
        right, below = (x + 1, y) in self._coded, (x, y + 1) in self._coded
        infer_dc = False
        if not is_last and i > 0:
            inc = int(right or below) + (2 if self._c_idx else 0)
            self._encoder.flag("coded_sub_block_flag", (x, y) in self._coded, inc)
            if (x, y) not in self._coded:
                return
            infer_dc = True
        for n in range(first, -1, -1):
            if n == 0 and infer_dc:
                break  # the sub-block is coded and nothing else is in it
            inc = self._sig_ctx((x, y), self._places[n], int(right) + 2 * int(below))
            self._encoder.flag("sig_coeff_flag", inside[n] != 0, inc)
            infer_dc = infer_dc and not inside[n]

    def _sig_ctx(self, sub_block, place, coded_beside):
        """9.3.4.2.5."""
        x, y = place
        if self._log2 == 2:
            ctx = _SIG_CTX_4X4[4 * y + x]
        elif place == (0, 0) and sub_block == (0, 0):
            ctx = 0
        else:
            ctx = self._sig_ctx_by_neighbours(x, y, coded_beside)
            if self._c_idx == 0:
                ctx += 3 if sub_block != (0, 0) else 0
                small = 9 if self._scan_idx == DIAGONAL else 15
                ctx += small if self._log2 == 3 else 21
            else:
                ctx += 9 if self._log2 == 3 else 12
        return ctx if self._c_idx == 0 else 27 + ctx

    @staticmethod
    def _sig_ctx_by_neighbours(x, y, coded_beside):
        if coded_beside == 0:
            return 2 if x + y == 0 else int(x + y < 3)
        if coded_beside == 3:
            return 2
        along = y if coded_beside == 1 else x
        return 2 if along == 0 else int(along == 1)

    def _write_levels(self, i, levels, may_hide):
        """Everything after sig_coeff_flag, of the levels of one sub-block in coding order."""
        ctx_set = (2 if i > 0 and self._c_idx == 0 else 0) + int(self._greater1_ctx == 0)
        sizes = [abs(level) for level in levels]
        base = self._write_greater(sizes, ctx_set)
        hides = self._hides_signs and may_hide
        self._written["hidden sign"] += hides
        for level in levels[:-1] if hides else levels:
            self._encoder.bypass(int(level < 0))
        rice = 0
        for size, known in zip(sizes, base):
            if size < known:
                continue
            self._write_remaining(size - known, rice)
            if size > 3 << rice:
                rice = min(rice + 1, 4)

    def _write_greater(self, sizes, ctx_set):
        """The greater1 and greater2 flags. Returns the least size of each level that has coeff_abs_level_remaining."""
        self._greater1_ctx = 1
        base, first_greater = [], None
        for k, size in enumerate(sizes[:8]):
            inc = 4 * ctx_set + self._greater1_ctx + (16 if self._c_idx else 0)
            self._encoder.flag("coeff_abs_level_greater1_flag", size > 1, inc)
            if size > 1:
                self._greater1_ctx = 0
                first_greater = k if first_greater is None else first_greater
            elif self._greater1_ctx:
                self._greater1_ctx = min(self._greater1_ctx + 1, 3)
            base.append(2)
        if first_greater is not None:
            inc = ctx_set + (4 if self._c_idx else 0)
            is_greater = sizes[first_greater] > 2
            self._encoder.flag("coeff_abs_level_greater2_flag", is_greater, inc)
            base[first_greater] = 3
        return base + [1] * len(sizes[8:])

    def _write_remaining(self, value, rice):
        """9.3.3.11."""
        prefix = min(value >> rice, 4)
        for _ in range(prefix):
            self._encoder.bypass(1)
        if prefix < 4:
            self._encoder.bypass(0)
            self._encoder.bypass_bits(rice, value)
        else:
            self._encoder.exp_golomb(value - (4 << rice), rice + 1)


def random_levels(random, log2_size, largest):
    """Levels of one block, up to `largest`: one place, a corner of low frequencies, a few anywhere, or many."""
    size = 1 << log2_size
    kind = random.rand()
    if kind < 0.15:
        places = [(0, 0)]
    elif kind < 0.3:
        places = [tuple(random.randint(0, size, 2).tolist())]
    elif kind < 0.75:
        corner = min(size, int(random.randint(2, 7)))
        places = random.randint(0, corner, (int(random.randint(1, 9)), 2)).tolist()
    elif kind < 0.9 or size > 8:
        places = random.randint(0, size, (int(random.randint(2, 24)), 2)).tolist()
    else:
        places = [(x, y) for y in range(size) for x in range(size)]
    tops = random.choice(
        [1, 2, 3, min(largest, 20), largest], len(places), p=[0.5, 0.25, 0.15, 0.07, 0.03]
    )
    signs = random.choice([-1, 1], len(places))
    return {
        tuple(place): int(sign * random.randint(1, top + 1))
        for place, top, sign in zip(places, tops, signs)
    }
