"""Folds of a cross-validation, named like splits."""

from collections import Counter
from pathlib import Path

import pytest

from edge_attp.errors import UsageError
from edge_attp_export.data.division import divide
from edge_attp_export.data.folds import Fold, fold_named, fold_of_groups
from edge_attp_export.data.prepared import ClipEntry, Prepared

pytestmark = pytest.mark.needs_torch

ENTRIES = tuple(
    ClipEntry(f"{label}/{number}", label, {"1": "train"}, f"source {number % 20}")
    for label in ("one", "other")
    for number in range(50)
)
SET = Prepared(Path("set"), ("one", "other"), {}, ENTRIES, {}, None)


def test_every_clip_is_tested_once_and_groups_stay_whole():
    tested = []
    for number in range(1, 6):
        division = divide(SET, f"{number}/5", 0, 0)
        assert not division.val and len(division.train) + len(division.test) == 100
        groups = [{entry.group for entry in part} for part in (division.train, division.test)]
        assert not groups[0] & groups[1]
        assert Counter(entry.label for entry in division.test) == {"one": 10, "other": 10}
        tested += division.test
    assert sorted(tested) == sorted(ENTRIES)


def test_a_seed_divides_anew_and_always_alike():
    first, again, other = (fold_of_groups(ENTRIES, 5, seed) for seed in (0, 0, 1))
    assert first == again != other
    assert fold_named("2/5:1") == Fold(2, 5, 1) and Fold(2, 5, 1).split == "2/5:1"


def test_as_many_folds_as_groups_leave_one_out():
    assert sorted(fold_of_groups(ENTRIES, 20, 0).values()) == list(range(1, 21))
    with pytest.raises(UsageError, match="21 folds need as many groups, and the set has 20"):
        fold_of_groups(ENTRIES, 21, 0)


def test_validation_clips_come_from_the_training_groups():
    division = divide(SET, "1/5", 0.2, 0)
    groups = [{entry.group for entry in part} for part in division]
    assert groups[1] and not groups[0] & groups[1] and not groups[1] & groups[2]


def test_all_tests_on_nothing():
    division = divide(SET, "all", 0, 0)
    assert division.train == list(ENTRIES) and not division.test


@pytest.mark.parametrize("split", ["0/5", "6/5", "1/1"])
def test_folds_that_do_not_exist(split):
    if split == "0/5":
        assert fold_named(split) is None
        return
    with pytest.raises(UsageError, match="expected a fold from"):
        fold_named(split)
