"""Inter prediction of H.264 frames in NumPy, written from the standard (ITU-T H.264, clause 8.4.2), for the tests only.

The parser under test predicts nothing; this file is the other half of eq. (1): prediction + residual = picture.
All 16 luma positions of a reference are computed as planes once (8.4.2.2.1); a block is a gather from one of them.
Progressive 8-bit 4:2:0: the chroma vector equals the luma vector, in units of 1/8 chroma sample (8.4.1.4).
"""

import numpy as np

# Planes are 16 times their picture, and cheap to make again: only those of the references used last are kept.
_MOST_PLANES = 20

# A 6-tap filter reaches 3 samples: one this far outside the picture sees only border samples, so that positions
# further out can be clamped to it and nothing changes.
_REACH = 8
_PAD = 13


def _six_tap(samples, axis):
    """E - 5F + 20G + 20H - 5I + J (8-241): 5 samples shorter along `axis`, the first between samples 2 and 3."""
    length = samples.shape[axis] - 5
    samples = np.moveaxis(samples, axis, 0)
    e, f, g, h, i, j = (samples[k : k + length] for k in range(6))
    return np.moveaxis((e + j) - 5 * (f + i) + 20 * (g + h), 0, axis)


def _clip8(values):
    return np.clip(values, 0, 255).astype(np.uint8)


def _mean(one, other):
    return ((one.astype(np.uint16) + other + 1) >> 1).astype(np.uint8)


def luma_planes(y):
    """All quarter-sample positions of a luma plane (8.4.2.2.1).

    y: uint8 (H, W). Returns uint8 (16, H + 2*_REACH + 1, W + 2*_REACH + 1): plane 4 * yFrac + xFrac, whose entry
    [_REACH + y, _REACH + x] is the sample at (x + xFrac / 4, y + yFrac / 4).
    """
    padded = np.pad(y, _PAD, mode="edge").astype(np.int32)
    height, width = y.shape[0] + 2 * _REACH + 2, y.shape[1] + 2 * _REACH + 2
    first = _PAD - _REACH

    def window(values, row, column):
        return values[row : row + height, column : column + width]

    between_columns = _six_tap(padded, 1)
    between_rows = _six_tap(padded, 0)
    full = _clip8(window(padded, first, first))
    b = _clip8((window(between_columns, first, first - 2) + 16) >> 5)
    h = _clip8((window(between_rows, first - 2, first) + 16) >> 5)
    j = _clip8((window(_six_tap(between_columns, 0), first - 2, first - 2) + 512) >> 10)
    # One row and column more than needed were computed: the samples H, M, m and s one to the right or below.
    right, below = np.s_[:-1, 1:], np.s_[1:, :-1]
    m, s = h[right], b[below]
    full_right, full_below = full[right], full[below]
    full, b, h, j = (plane[:-1, :-1] for plane in (full, b, h, j))
    return np.stack(
        [
            *(full, _mean(full, b), b, _mean(b, full_right)),  # G a b c
            *(_mean(full, h), _mean(b, h), _mean(b, j), _mean(b, m)),  # d e f g
            *(h, _mean(h, j), j, _mean(j, m)),  # h i j k
            *(_mean(h, full_below), _mean(h, s), _mean(j, s), _mean(s, m)),  # n p q r
        ]
    )


class Reference:
    """One decoded picture to predict from, and how two predictions become one.

    y, u, v: uint8 planes of the whole coded picture, displayed or not.
    """

    _with_planes = []

    def __init__(self, y, u, v, bit_depth=8):
        assert bit_depth == 8, bit_depth
        self._y, self._u, self._v = y, u, v
        self._planes = None

    def _luma_planes(self):
        if self._planes is None:
            self._planes = luma_planes(self._y)
            self._with_planes.append(self)
            if len(self._with_planes) > _MOST_PLANES:
                self._with_planes.pop(0)._planes = None
        return self._planes

    def luma(self, x, y):
        """4x4 luma blocks at quarter-sample positions x, y: int (N,). Returns int32 (N, 4, 4)."""
        planes = self._luma_planes()
        _, height, width = planes.shape
        steps = np.arange(_REACH, _REACH + 4)
        columns = np.clip((x >> 2)[:, None] + steps, 0, width - 1)
        rows = np.clip((y >> 2)[:, None] + steps, 0, height - 1)
        position = (4 * (y & 3) + (x & 3))[:, None, None] * (height * width)
        index = position + rows[:, :, None] * width + columns[:, None, :]
        return planes.reshape(-1)[index].astype(np.int32)

    def chroma(self, x, y):
        """2x2 blocks of Cb and Cr at eighth-sample positions x, y: int (N,) (8.4.2.2.2). Returns two (N, 2, 2)."""
        height, width = self._u.shape
        columns = np.clip((x >> 3)[:, None] + np.arange(3), 0, width - 1)
        rows = np.clip((y >> 3)[:, None] + np.arange(3), 0, height - 1)
        index = rows[:, :, None] * width + columns[:, None, :]
        x_frac, y_frac = (x & 7)[:, None, None], (y & 7)[:, None, None]

        def bilinear(plane):
            near = plane.reshape(-1)[index].astype(np.int32)
            upper = (8 - x_frac) * near[:, :2, :2] + x_frac * near[:, :2, 1:]
            lower = (8 - x_frac) * near[:, 1:, :2] + x_frac * near[:, 1:, 1:]
            return ((8 - y_frac) * upper + y_frac * lower + 32) >> 6

        return bilinear(self._u), bilinear(self._v)

    @staticmethod
    def combine(first, second, use_first, use_second):
        """Default weighted prediction (8.4.2.3.1). first, second: int32 (N, h, w); use_first, use_second: bool (N,)."""
        both = ((first + second + 1) >> 1) * (use_first & use_second)[:, None, None]
        only_first = first * (use_first & ~use_second)[:, None, None]
        only_second = second * (use_second & ~use_first)[:, None, None]
        return both + only_first + only_second

    @staticmethod
    def combine_weighted(first, second, use_first, use_second, log2_denom, weight, offset):
        """Explicit and implicit weighted prediction (8.4.2.3.2). weight, offset: int (2, N); log2_denom: int."""
        w0, w1 = (weight[i].astype(np.int32)[:, None, None] for i in range(2))
        o0, o1 = (offset[i].astype(np.int32)[:, None, None] for i in range(2))
        rounding = (1 << log2_denom) >> 1
        only_first = ((first * w0 + rounding) >> log2_denom) + o0
        only_second = ((second * w1 + rounding) >> log2_denom) + o1
        both = ((first * w0 + second * w1 + (1 << log2_denom)) >> (log2_denom + 1)) + (
            (o0 + o1 + 1) >> 1
        )
        use_first, use_second = use_first[:, None, None], use_second[:, None, None]
        value = np.where(use_first & use_second, both, np.where(use_first, only_first, only_second))
        return np.clip(value, 0, 255)
