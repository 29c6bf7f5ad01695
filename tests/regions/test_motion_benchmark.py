"""benchmarks/motion.py: what it counts, worked out by hand."""

import importlib
import sys

import numpy as np
import pytest

from rigs.paths import ROOT

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_cv2]


@pytest.fixture(scope="module")
def motion():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        yield importlib.import_module("motion")
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))


def scene(motion, **changes):
    return motion.scenes.Scene("one", "still", "clean", "h264", 96, 64, 1)._replace(**changes)


def test_overlap(motion):
    assert motion.overlap((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert motion.overlap((0, 0, 10, 10), (10, 0, 20, 10)) == 0


def test_counts(motion):
    """Of 100 pictures, the first 12 and the 12 after the entrance are not judged."""
    box = [0, 0, 10, 10]
    truth = [[box] if number >= motion.scenes.ENTERS else [] for number in range(100)]
    boxes = [[] for _ in truth]
    boxes[20] = [(0, 0, 10, 10)]  # nobody there
    boxes[30] = [(0, 0, 10, 10)]  # not judged
    boxes[50] = [(0, 0, 10, 12), (50, 50, 60, 60)]
    boxes[60] = [(50, 50, 60, 60)]
    counts = motion.count(scene(motion), truth, boxes)
    assert counts == (2, 1, 61, 12, 63, 1, 4, 1)
    assert sum(counts[:4]) == 100 - 12 - 12
    rates = motion.rates(counts)
    assert rates["precision"] == pytest.approx(2 / 3) and rates["recall"] == pytest.approx(2 / 63)


def test_summary_of_equal_clips_has_no_spread(motion):
    counts = motion.Counts(hits=3, misses=1, people=4, people_found=2)
    clip = motion.Clip(scene(motion), counts, 0.1)
    found = motion.summary([clip] * 5)
    assert found["recall"] == [0.75, 0.75, 0.75] and found["people_found"] == [0.5, 0.5, 0.5]
    assert found["boxes_right"] is None


def test_scenes_are_drawn_alike_and_boxes_hold_people(motion):
    one = list(motion.scenes.draw(scene(motion)))
    two = list(motion.scenes.draw(scene(motion)))
    assert all(np.array_equal(a[0], b[0]) and a[1] == b[1] for a, b in zip(one, two))
    empty = list(motion.scenes.draw(scene(motion, body="nothing")))
    assert not any(boxes for _, boxes in empty)
    for _, boxes in one[motion.scenes.ENTERS + 5 :]:
        ((left, top, right, bottom),) = boxes
        assert 0 <= left < right <= 96 and 0 <= top < bottom <= 64
