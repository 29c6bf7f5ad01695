"""The tests' own HEVC prediction, checked sample by sample against a slow and literal reading of the standard."""

import numpy as np
import pytest

from truth.interpolation_hevc import Reference

HEIGHT, WIDTH = 18, 22
# The weights of 8.5.3.3.3.1 as the equations there write them: (offset of the sample, weight), whole sample left out.
LUMA = {
    1: ((-3, -1), (-2, 4), (-1, -10), (0, 58), (1, 17), (2, -5), (3, 1)),
    2: ((-3, -1), (-2, 4), (-1, -11), (0, 40), (1, 40), (2, -11), (3, 4), (4, -1)),
    3: ((-2, 1), (-1, -5), (0, 17), (1, 58), (2, -10), (3, 4), (4, -1)),
}
CHROMA = {
    1: ((-1, -2), (0, 58), (1, 10), (2, -2)),
    2: ((-1, -4), (0, 54), (1, 16), (2, -2)),
    3: ((-1, -6), (0, 46), (1, 28), (2, -4)),
    4: ((-1, -4), (0, 36), (1, 36), (2, -4)),
    5: ((-1, -4), (0, 28), (1, 46), (2, -6)),
    6: ((-1, -2), (0, 16), (1, 54), (2, -4)),
    7: ((-1, -2), (0, 10), (1, 58), (2, -2)),
}


class Slow:
    """predSampleLX for one sample at a time, one case of the text after the other."""

    def __init__(self, plane, bit_depth, weights, fractions):
        self.plane, self.weights, self.fractions = plane.astype(int), weights, fractions
        self.shift1, self.shift2, self.shift3 = min(4, bit_depth - 8), 6, max(2, 14 - bit_depth)

    def at(self, x, y):
        height, width = self.plane.shape
        return int(self.plane[min(max(y, 0), height - 1), min(max(x, 0), width - 1)])

    def row(self, x, y, fraction):
        return sum(w * self.at(x + k, y) for k, w in self.weights[fraction]) >> self.shift1

    def sample(self, place_x, place_y):
        """place: position in units of the fraction."""
        (x, fx), (y, fy) = (divmod(int(place), self.fractions) for place in (place_x, place_y))
        if not fx and not fy:
            return self.at(x, y) << self.shift3
        if not fy:
            return self.row(x, y, fx)
        if not fx:
            return sum(w * self.at(x, y + k) for k, w in self.weights[fy]) >> self.shift1
        return sum(w * self.row(x, y + k, fx) for k, w in self.weights[fy]) >> self.shift2


def random_planes(bit_depth):
    """Y, Cb and Cr of noise, with black and white side by side: sums reach both ends of their range."""
    random = np.random.RandomState(bit_depth)
    kind, most = (np.uint8 if bit_depth == 8 else np.uint16), (1 << bit_depth) - 1
    planes = []
    for height, width in ((HEIGHT, WIDTH), (HEIGHT // 2, WIDTH // 2), (HEIGHT // 2, WIDTH // 2)):
        plane = random.randint(0, most + 1, (height, width))
        plane[2:8, 2:9] = random.choice([0, most], (6, 7))
        planes.append(plane.astype(kind))
    return planes


def positions(extent, step):
    """Block positions inside, across and far outside the picture, every fraction among them."""
    near = np.arange(-9 * step, (extent + 9) * step)
    return np.concatenate([near, [-70 * step - 3, (extent + 60) * step + 1]])


@pytest.mark.parametrize("bit_depth", [8, 9, 10])
def test_luma_is_the_standards_at_every_fraction_and_border(bit_depth):
    planes = random_planes(bit_depth)
    slow, reference = Slow(planes[0], bit_depth, LUMA, 4), Reference(*planes, bit_depth)
    random = np.random.RandomState(2)
    x, seen = positions(WIDTH, 4), set()
    for _ in range(2):
        y = random.choice(positions(HEIGHT, 4), x.size)
        blocks = reference.luma(x, y)
        for n in range(x.size):
            expected = [
                [slow.sample(x[n] + 4 * i, y[n] + 4 * j) for i in range(4)] for j in range(4)
            ]
            assert blocks[n].tolist() == expected, (x[n], y[n])
            seen.add((x[n] % 4, y[n] % 4))
    assert len(seen) == 16


@pytest.mark.parametrize("bit_depth", [8, 9, 10])
def test_chroma_is_the_standards_at_every_fraction_and_border(bit_depth):
    planes = random_planes(bit_depth)
    reference = Reference(*planes, bit_depth)
    random = np.random.RandomState(3)
    x, seen = np.tile(positions(WIDTH // 2, 8), 2), set()
    y = random.choice(positions(HEIGHT // 2, 8), x.size)
    for plane, blocks in zip(planes[1:], reference.chroma(x, y)):
        slow = Slow(plane, bit_depth, CHROMA, 8)
        for n in range(x.size):
            expected = [
                [slow.sample(x[n] + 8 * i, y[n] + 8 * j) for i in range(2)] for j in range(2)
            ]
            assert blocks[n].tolist() == expected, (x[n], y[n])
            seen.add((x[n] % 8, y[n] % 8))
    assert len(seen) == 64


def slow_default(samples, bit_depth):
    """8.5.3.3.4.2 for one sample; samples: one or two of 14 bits."""
    if len(samples) == 1:
        shift1 = 14 - bit_depth
        value = (samples[0] + (1 << (shift1 - 1))) >> shift1
    else:
        shift2 = 15 - bit_depth
        value = (samples[0] + samples[1] + (1 << (shift2 - 1))) >> shift2
    return min(max(value, 0), (1 << bit_depth) - 1)


def slow_weighted(samples, bit_depth, denom, weights, offsets):
    """8.5.3.3.4.3 for one sample; offsets as slice headers have them, for 8 bits."""
    log2_wd = denom + 14 - bit_depth
    offsets = [offset << (bit_depth - 8) for offset in offsets]
    if len(samples) == 1:
        value = ((samples[0] * weights[0] + 2 ** (log2_wd - 1)) >> log2_wd) + offsets[0]
    else:
        value = samples[0] * weights[0] + samples[1] * weights[1]
        value = (value + ((offsets[0] + offsets[1] + 1) << log2_wd)) >> (log2_wd + 1)
    return min(max(value, 0), (1 << bit_depth) - 1)


@pytest.fixture(scope="module")
def pairs():
    """Predictions of both lists at 14 bits and beyond, as filters overshoot, and which list is used."""
    random = np.random.RandomState(7)
    count = 60
    first, second = random.randint(-3000, 19500, (2, count, 4, 4))
    return first, second, np.arange(count) % 3 != 0, np.arange(count) % 3 != 1


def each_sample(pairs, out):
    """(what came out, the predictions that went in, their lists, their block) of every sample."""
    first, second, use_first, use_second = pairs
    for n, row, column in np.ndindex(*out.shape):
        lists = [i for i, used in enumerate((use_first[n], use_second[n])) if used]
        yield (
            out[n, row, column],
            [int((first, second)[i][n, row, column]) for i in lists],
            lists,
            n,
        )


@pytest.mark.parametrize("bit_depth", [8, 9, 10])
def test_default_prediction_is_the_standards(pairs, bit_depth):
    reference = Reference(*random_planes(bit_depth), bit_depth)
    for got, samples, _, n in each_sample(pairs, reference.combine(*pairs)):
        assert got == slow_default(samples, bit_depth), n


@pytest.mark.parametrize("bit_depth", [8, 9, 10])
@pytest.mark.parametrize("denom", range(8))
def test_weighted_prediction_is_the_standards(pairs, denom, bit_depth):
    random = np.random.RandomState(denom)
    count = len(pairs[0])
    weight = (1 << denom) + random.randint(-128, 128, (2, count))
    offset = random.randint(-128, 128, (2, count))
    reference = Reference(*random_planes(bit_depth), bit_depth)
    out = reference.combine_weighted(*pairs, denom, weight, offset << (bit_depth - 8))
    for got, samples, lists, n in each_sample(pairs, out):
        weights, offsets = ([int(values[i, n]) for i in lists] for values in (weight, offset))
        assert got == slow_weighted(samples, bit_depth, denom, weights, offsets), n


@pytest.mark.parametrize("denom", range(8))
def test_weights_that_change_nothing_are_default_prediction(pairs, denom):
    """Blocks without weights count as such in pictures that have some."""
    reference = Reference(*random_planes(8))
    weight = np.full((2, len(pairs[0])), 1 << denom)
    out = reference.combine_weighted(*pairs, denom, weight, 0 * weight)
    assert np.array_equal(out, reference.combine(*pairs))
