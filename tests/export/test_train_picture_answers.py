"""The file of what was said of each picture of held-out clips."""

import numpy as np
import pytest

from edge_attp.errors import UsageError
from edge_attp_export import picture_answers
from edge_attp_export.picture_answers import ClipPictures, read_answers, write_answers

pytestmark = pytest.mark.needs_torch


def clip(pictures, first):
    numbers = np.arange(pictures)
    logits = np.stack([numbers + first, -numbers], 1).astype(np.float32)
    return ClipPictures(numbers // 2, (numbers / 25).astype(np.float32), numbers == 1, logits)


def test_a_file_gives_back_what_was_written(tmp_path):
    seeds = [[clip(3, 0), clip(1, 10)], [clip(2, 20), clip(4, 30)]]
    path = picture_answers.beside(tmp_path / "fight.json")
    assert path.name == "fight.pictures.npz"
    write_answers(path, picture_answers.joined(["a/1", "b"], seeds))
    read = read_answers(path)
    assert read.names == ("a/1", "b") and read.counts.tolist() == [[3, 1], [2, 4]]
    for ours, theirs in zip(sum(seeds, []), sum(read.clips(), [])):
        for one, other in zip(ours, theirs):
            np.testing.assert_array_equal(one, other)


def test_the_verdict_is_that_of_the_runtime():
    """The mean over pictures of a GOP, then over GOPs; idle pictures take no part."""
    pictures = ClipPictures(
        np.array([0, 0, 0, 1]),
        np.arange(4, dtype=np.float32),
        np.array([False, False, True, False]),
        np.array([[1.0, 0], [3, 0], [99, 99], [5, 1]], np.float32),
    )
    assert pictures.verdict().tolist() == [3.5, 0.5]
    assert pictures._replace(is_idle=np.ones(4, bool)).verdict() is None


def test_no_file_is_no_answer_and_a_wrong_one_is_named(tmp_path):
    path = tmp_path / "a.pictures.npz"
    assert read_answers(path) is None
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(UsageError, match="a.pictures.npz: holds no answers for pictures"):
        read_answers(path)
    np.savez(path, names=np.array(["a"]))
    with pytest.raises(UsageError, match="holds no answers for pictures"):
        read_answers(path)
