"""Inter prediction of HEVC in NumPy, written from the standard (ITU-T H.265, clause 8.5.3.3), for the tests only.

The other half of eq. (1), as `interpolation` is for H.264. Predictions have 14 bits until lists are combined.
4:2:0, any bit depth from 8 to 12: the chroma vector equals the luma vector, in units of 1/8 chroma sample (8.5.3.2.10).
"""

import numpy as np

# Table 8-11 and Table 8-12. With 64 for the whole-sample positions one rule serves all positions: 64 * A >> shift1 is
# A << shift3, and a column of such values filtered and shifted by 6 is that column filtered and shifted by shift1.
_LUMA_TAPS = np.array(
    [
        (0, 0, 0, 64, 0, 0, 0, 0),
        (-1, 4, -10, 58, 17, -5, 1, 0),
        (-1, 4, -11, 40, 40, -11, 4, -1),
        (0, 1, -5, 17, 58, -10, 4, -1),
    ]
)
_CHROMA_TAPS = np.array(
    [
        (0, 64, 0, 0),
        (-2, 58, 10, -2),
        (-4, 54, 16, -2),
        (-6, 46, 28, -4),
        (-4, 36, 36, -4),
        (-4, 28, 46, -6),
        (-2, 16, 54, -4),
        (-2, 10, 58, -2),
    ]
)
_CHUNK = 1 << 14  # blocks: bounds the memory of a large picture


class Reference:
    """One decoded picture to predict from, and how predictions become samples.

    y, u, v: uint8 or uint16 planes of the whole coded picture, displayed or not.
    """

    def __init__(self, y, u, v, bit_depth=8):
        self._y, self._u, self._v = y, u, v
        self._bit_depth = bit_depth
        self._shift1 = 14 - bit_depth  # of weighted sample prediction

    def luma(self, x, y):
        """4x4 luma blocks at quarter-sample positions x, y: int (N,). Returns int32 (N, 4, 4), 14 bits."""
        return self._filtered(self._y, x, y, 2, _LUMA_TAPS, 4)

    def chroma(self, x, y):
        """2x2 blocks of Cb and Cr at eighth-sample positions x, y: int (N,). Returns two (N, 2, 2), 14 bits."""
        return [self._filtered(plane, x, y, 3, _CHROMA_TAPS, 2) for plane in (self._u, self._v)]

    def _filtered(self, plane, x, y, fraction_bits, taps, size):
        """8.5.3.3.3.1 and 8.5.3.3.3.2: rows first, then columns of what came out."""
        out = np.empty((x.size, size, size), np.int32)
        for start in range(0, x.size, _CHUNK):
            part = slice(start, start + _CHUNK)
            across, down = (taps[v[part] & (1 << fraction_bits) - 1] for v in (x, y))
            near = _window(
                plane, x[part] >> fraction_bits, y[part] >> fraction_bits, taps.shape[1], size
            )
            rows = _convolved(near, across, size) >> (self._bit_depth - 8)
            out[part] = (_convolved(rows.swapaxes(1, 2), down, size) >> 6).swapaxes(1, 2)
        return out

    def combine(self, first, second, use_first, use_second):
        """Default weighted sample prediction (8.5.3.3.4.2). first, second: (N, h, w); use_*: bool (N,)."""
        use_first, use_second = use_first[:, None, None], use_second[:, None, None]
        one = first * use_first + second * use_second
        shift = self._shift1 + (use_first & use_second)
        return self._clipped((one + (1 << shift - 1)) >> shift)

    def combine_weighted(self, first, second, use_first, use_second, log2_denom, weight, offset):
        """Explicit weighted sample prediction (8.5.3.3.4.3). weight, offset: int (2, N), offsets at this bit depth."""
        w0, w1 = (weight[i].astype(np.int64)[:, None, None] for i in range(2))
        o0, o1 = (offset[i].astype(np.int64)[:, None, None] for i in range(2))
        log2_wd = log2_denom + self._shift1  # 2 at least
        rounding = 1 << (log2_wd - 1)
        only_first = ((first * w0 + rounding) >> log2_wd) + o0
        only_second = ((second * w1 + rounding) >> log2_wd) + o1
        both = (first * w0 + second * w1 + ((o0 + o1 + 1) << log2_wd)) >> (log2_wd + 1)
        use_first, use_second = use_first[:, None, None], use_second[:, None, None]
        value = np.where(use_first & use_second, both, np.where(use_first, only_first, only_second))
        return self._clipped(value)

    def _clipped(self, values):
        return np.clip(values, 0, (1 << self._bit_depth) - 1).astype(np.int32)


def _window(plane, x, y, taps, size):
    """The samples that filters of so many taps need for blocks at x, y; outside the picture its border goes on."""
    height, width = plane.shape
    steps = np.arange(size + taps - 1) - (taps // 2 - 1)
    columns = np.clip(x[:, None] + steps, 0, width - 1)
    rows = np.clip(y[:, None] + steps, 0, height - 1)
    index = rows[:, :, None] * width + columns[:, None, :]
    return plane.reshape(-1)[index].astype(np.int32)


def _convolved(samples, taps, size):
    """Filters the last axis. samples: (N, rows, size + taps - 1), taps: (N, taps). Returns (N, rows, size)."""
    taps = taps.astype(np.int32)[:, None, None]
    return sum(taps[..., k] * samples[:, :, k : k + size] for k in range(taps.shape[-1]))
