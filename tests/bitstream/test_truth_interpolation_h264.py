"""The tests' own prediction, checked sample by sample against a slow and literal reading of the standard."""

import numpy as np
import pytest

from truth import interpolation_h264

TAPS = (1, -5, 20, 20, -5, 1)


class Slow:
    """Clause 8.4.2.2 for one sample at a time, straight from the text, in the standard's notation."""

    def __init__(self, plane):
        self.plane = plane.astype(int)

    def at(self, x, y):
        height, width = self.plane.shape
        return int(self.plane[min(max(y, 0), height - 1), min(max(x, 0), width - 1)])

    def b1(self, x, y):
        return sum(tap * self.at(x - 2 + k, y) for k, tap in enumerate(TAPS))

    def h1(self, x, y):
        return sum(tap * self.at(x, y - 2 + k) for k, tap in enumerate(TAPS))

    def half(self, name, x, y):
        if name == "j":
            value = (sum(tap * self.b1(x, y - 2 + k) for k, tap in enumerate(TAPS)) + 512) >> 10
        else:
            value = ((self.b1(x, y) if name == "b" else self.h1(x, y)) + 16) >> 5
        return min(max(value, 0), 255)

    def luma(self, x4, y4):
        """Table 8-12: every position is one sample or the rounded mean of two."""
        x, y = x4 >> 2, y4 >> 2
        sample = {
            "G": lambda: self.at(x, y),
            "H": lambda: self.at(x + 1, y),
            "M": lambda: self.at(x, y + 1),
            "b": lambda: self.half("b", x, y),
            "h": lambda: self.half("h", x, y),
            "j": lambda: self.half("j", x, y),
            "m": lambda: self.half("h", x + 1, y),
            "s": lambda: self.half("b", x, y + 1),
        }
        rows = ("GG Gb bb bH", "Gh bh bj bm", "hh hj jj jm", "hM hs js sm")
        one, other = rows[y4 & 3].split()[x4 & 3]
        return (sample[one]() + sample[other]() + 1) >> 1

    def chroma(self, x8, y8):
        x, y, fx, fy = x8 >> 3, y8 >> 3, x8 & 7, y8 & 7
        upper = (8 - fx) * (8 - fy) * self.at(x, y) + fx * (8 - fy) * self.at(x + 1, y)
        lower = (8 - fx) * fy * self.at(x, y + 1) + fx * fy * self.at(x + 1, y + 1)
        return (upper + lower + 32) >> 6


@pytest.fixture(scope="module")
def planes():
    random = np.random.RandomState(1)
    y = random.randint(0, 256, (18, 22)).astype(np.uint8)
    y[4:12, 4:12] = random.choice([0, 255], (8, 8))  # overshoots: every clip is reached
    return (
        y,
        random.randint(0, 256, (9, 11)).astype(np.uint8),
        random.randint(0, 256, (9, 11)).astype(np.uint8),
    )


def positions(extent, step):
    """Block positions inside, across and far outside the picture, every fraction among them."""
    near = np.arange(-9 * step, (extent + 9) * step)
    return np.concatenate([near, [-70 * step - 3, (extent + 60) * step + 1]])


def test_luma_is_the_standards_at_every_fraction_and_border(planes):
    slow, reference = Slow(planes[0]), interpolation_h264.Reference(*planes)
    random = np.random.RandomState(2)
    x = positions(22, 4)
    for _ in range(4):
        y = random.choice(positions(18, 4), x.size)
        blocks = reference.luma(x, y)
        for n in range(x.size):
            expected = [[slow.luma(x[n] + 4 * i, y[n] + 4 * j) for i in range(4)] for j in range(4)]
            assert blocks[n].tolist() == expected, (x[n], y[n])


def test_every_luma_fraction_is_among_the_checked_ones(planes):
    slow, reference = Slow(planes[0]), interpolation_h264.Reference(*planes)
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(20, 24), np.arange(12, 16)))
    blocks = reference.luma(x, y)
    for n in range(16):
        assert blocks[n, 0, 0] == slow.luma(x[n], y[n]), (x[n], y[n])


def test_chroma_is_the_standards(planes):
    reference = interpolation_h264.Reference(*planes)
    random = np.random.RandomState(3)
    x = positions(11, 8)
    y = random.choice(positions(9, 8), x.size)
    for plane, blocks in zip(planes[1:], reference.chroma(x, y)):
        slow = Slow(plane)
        for n in range(x.size):
            expected = [
                [slow.chroma(x[n] + 8 * i, y[n] + 8 * j) for i in range(2)] for j in range(2)
            ]
            assert blocks[n].tolist() == expected, (x[n], y[n])


def slow_weighted(samples, denom, weights, offsets):
    """8.4.2.3.2 for one sample; samples, weights, offsets: one or two entries each."""
    if len(samples) == 1:
        value = samples[0] * weights[0]
        value = ((value + 2 ** (denom - 1)) >> denom if denom >= 1 else value) + offsets[0]
    else:
        value = (samples[0] * weights[0] + samples[1] * weights[1] + 2**denom) >> (denom + 1)
        value += (offsets[0] + offsets[1] + 1) >> 1
    return min(max(value, 0), 255)


@pytest.mark.parametrize("denom", range(8))
def test_weighted_prediction_is_the_standards(denom):
    random = np.random.RandomState(denom)
    count = 60
    first, second = random.randint(0, 256, (2, count, 4, 4))
    weight, offset = random.randint(-128, 128, (2, 2, count))
    use_first = np.arange(count) % 3 != 0
    use_second = np.arange(count) % 3 != 1
    out = interpolation_h264.Reference.combine_weighted(
        first, second, use_first, use_second, denom, weight, offset
    )
    for n in range(count):
        lists = [i for i, used in enumerate((use_first[n], use_second[n])) if used]
        for row in range(4):
            for column in range(4):
                samples = [int((first, second)[i][n, row, column]) for i in lists]
                expected = slow_weighted(
                    samples,
                    denom,
                    [int(weight[i, n]) for i in lists],
                    [int(offset[i, n]) for i in lists],
                )
                assert out[n, row, column] == expected, (n, row, column)


def test_default_prediction_takes_the_list_in_use_or_the_rounded_mean():
    first, second = np.full((3, 4, 4), 10), np.full((3, 4, 4), 13)
    out = interpolation_h264.Reference.combine(
        first, second, np.array([True, False, True]), np.array([False, True, True])
    )
    assert out[:, 0, 0].tolist() == [10, 13, 12]
    weights = np.ones((2, 3), int)
    same = interpolation_h264.Reference.combine_weighted(
        first,
        second,
        np.array([True, False, True]),
        np.array([False, True, True]),
        0,
        weights,
        0 * weights,
    )
    assert np.array_equal(out, same)
