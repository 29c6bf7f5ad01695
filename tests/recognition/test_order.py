"""Decoding order to display order."""

import pytest

from edge_attp.recognition import DisplayOrder
from edge_attp.recognition.order import MAX_HELD


def shown(pocs, starts=()):
    """What comes out after each push, and at the end."""
    order = DisplayOrder()
    steps = [order.push(poc, index in starts, poc) for index, poc in enumerate(pocs)]
    return steps, order.release_all()


def test_without_b_pictures_each_waits_for_one():
    steps, rest = shown([0, 2, 4, 6])
    assert steps == [[], [0], [2], [4]] and rest == [6]


def test_b_pyramid():
    steps, rest = shown([0, 8, 4, 2, 6, 16, 12])
    assert steps == [[], [0], [], [], [], [2, 4, 6, 8], []] and rest == [12, 16]


def test_a_new_sequence_flushes():
    steps, rest = shown([0, 8, 4, 0, 2], starts=[0, 3])
    assert sum(steps, []) + rest == [0, 4, 8, 0, 2]


def test_an_open_gop_goes_on_counting():
    steps, rest = shown([0, 4, 2, 12, 8, 6, 10, 16], starts=[0, 3])
    assert sum(steps, []) + rest == [0, 2, 4, 6, 8, 10, 12, 16]


def test_a_late_picture_is_not_lost():
    steps, rest = shown([0, 4, 8, 2, 12])
    assert sorted(sum(steps, []) + rest) == [0, 2, 4, 8, 12]


def test_no_more_is_held_than_any_stream_needs():
    steps, rest = shown([1000] + list(range(100)))
    assert sum(steps, []) == list(range(101 - MAX_HELD)) and rest[-1] == 1000


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_any_hierarchy_is_sorted(depth):
    def below(low, high):
        if high - low > 1:
            middle = (low + high) // 2
            yield middle
            for half in (below(low, middle), below(middle, high)):
                yield from half

    pocs = [0]
    for start in range(0, 5 * depth, depth):
        pocs += [start + depth] + list(below(start, start + depth))
    steps, rest = shown(pocs)
    assert sum(steps, []) + rest == sorted(pocs)
