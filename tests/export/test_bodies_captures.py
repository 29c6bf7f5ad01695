"""Captured motion: what is read, who is in which split, and which part of it a clip shows."""

import numpy as np
import pytest
from captured import RATE, small_set, walker, write_set

from edge_attp.errors import UsageError
from edge_attp_export.synth.bodies import actions, captures, casting, motion
from edge_attp_export.synth.bodies.captures import AT

pytestmark = pytest.mark.needs_torch


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return small_set(tmp_path_factory.mktemp("motion") / "set")


def test_positions_come_back(tmp_path):
    # The second begins far from where the first ends: the sum of the steps wraps, and must.
    first, second = walker(60) + (14, 0, -14), walker(40, speed=2.0) - (14, 0, -14)
    write_set(tmp_path / "s", [("one", "walk", "a", first), ("two", "jog", "b", second)])
    one, two = captures.read(tmp_path)
    assert (one.name, one.label, one.performer) == ("s/one", "walk", "s/a")
    assert (one.rate, one.seconds) == (RATE, 1.0)
    assert np.abs(one.positions() - first).max() < 0.0004
    assert np.abs(two.positions() - second).max() < 0.0004


def test_a_set_may_be_the_folder_itself(small):
    assert {c.performer for c in captures.read(small)} == {"a", "b", "c", "d", "e", ""}
    assert {c.performer for c in captures.read(small.parent)} == {
        "set/a", "set/b", "set/c", "set/d", "set/e", ""
    }  # fmt: skip


def test_an_unnamed_copy_belongs_to_its_performer(tmp_path):
    own, other = walker(100), walker(100, phase=2.0)
    turned = motion.turned(walker(102, phase=0.0)[2:], 1.2) * 1.1 + (1, 0, 2)
    write_set(tmp_path / "one", [("own", "walk", "a", own)])
    write_set(tmp_path / "two", [("copy", "walk", "", turned), ("other", "walk", "", other)])
    found = {c.name: c.performer for c in captures.read(tmp_path)}
    assert found == {"one/own": "one/a", "two/copy": "one/a", "two/other": ""}


def test_a_faulty_capture_is_left_out_but_names_its_copy(tmp_path):
    faulty, sound = ("bad", "walk", "a", walker(80), "footR"), ("copy", "walk", "", walker(80))
    write_set(tmp_path / "s", [faulty, sound, ("own", "walk", "a", walker(90, phase=2.0))])
    assert [(c.name, c.performer) for c in captures.read(tmp_path)] == [
        ("s/copy", "s/a"),
        ("s/own", "s/a"),
    ]


def test_mistakes_in_a_set_are_named(tmp_path):
    def refusal(folder):
        with pytest.raises(UsageError) as raised:
            captures.read(folder)
        return str(raised.value)

    assert "has no captured motion (joints.npz and clips.csv)" in refusal(tmp_path)
    write_set(tmp_path / "s", [("one", "walk", "a", walker(60), "handL")])
    assert "all captures are flagged as faulty" in refusal(tmp_path)
    table = tmp_path / "s" / "clips.csv"
    lines = table.read_text()
    table.write_text(lines.replace(",60,", ",61,"))
    assert "clips.csv:2: 61 frames from 0 at 60.0/s: joints.npz has 60" in refusal(tmp_path)
    table.write_text(lines.replace(",60,", ",many,"))
    assert "clips.csv:2: invalid literal" in refusal(tmp_path)
    table.write_text(lines.replace("subject", "who"))
    assert "clips.csv:1: no column subject" in refusal(tmp_path)
    np.savez(tmp_path / "t.npz", joints=np.array(["knee"]), delta=np.zeros((3, 1, 3), np.int16))
    (tmp_path / "t.npz").rename(tmp_path / "s" / "joints.npz")
    captures.joints_of.cache_clear()
    assert "joints.npz: expected 'delta' int16" in refusal(tmp_path)


def test_splits_share_no_performer(small):
    found = captures.read(small)
    dealt = casting.deal(found)
    assert sorted(c for split in dealt.values() for c in split) == sorted(found)
    performers = [{c.performer for c in dealt[split]} for split in casting.SPLITS]
    assert not performers[0] & performers[1] and not performers[0] & performers[2]
    assert not performers[1] & performers[2]
    assert "" in performers[0]
    # What five people do is in every split; what one does is in train, where it is worth most.
    for split in casting.SPLITS:
        assert {"walk", "run", "jump"} <= set(actions.present(dealt[split]))
    assert actions.present(dealt["train"])[-1] == "dance"
    assert len(dealt["train"]) > len(dealt["val"]) + len(dealt["test"]) - 3
    assert casting.deal(found[::-1])["test"] == dealt["test"][::-1]


def test_an_excerpt_is_where_something_moves(small):
    still = np.repeat(walker(1), 300, axis=0)
    still[120:180] = walker(60) + still[0, AT["spine"]] * (0, 0, 1)
    still[180:] = still[179]
    write = small.parent / "still"
    write_set(write, [("one", "walk", "z", still)])
    (capture,) = captures.read(write)
    for seed in range(5):
        part = motion.excerpt(capture, 0.8, 1.0, False, np.random.default_rng(seed))
        assert part.shape == (41, len(AT), 3)
        assert motion.hips(part)[20, ::2] == pytest.approx((0, 0), abs=1e-9)
        moving = np.abs(np.diff(part, axis=0)).max(axis=(1, 2)) > 1e-6
        assert moving.mean() > 0.5


def test_speed_and_mirror(small):
    capture = next(c for c in captures.read(small) if c.name == "a_walk")
    random = np.random.default_rng(0)
    slow, quick = (motion.excerpt(capture, 1.0, speed, False, random) for speed in (1.0, 2.0))
    pace = [np.diff(motion.hips(part)[:, 2]).mean() * motion.RATE for part in (slow, quick)]
    assert pace == pytest.approx([1.3, 2.6], rel=0.05)
    plain = motion.excerpt(capture, 1.0, 1.0, False, np.random.default_rng(1))
    other = motion.excerpt(capture, 1.0, 1.0, True, np.random.default_rng(1))
    assert other[:, AT["kneeL"]] == pytest.approx(plain[:, AT["kneeR"]] * (-1, 1, 1), abs=1e-9)
    assert other[:, AT["head"]] == pytest.approx(plain[:, AT["head"]] * (-1, 1, 1), abs=1e-9)


def test_a_short_capture_goes_on_without_a_jump(small):
    capture = next(c for c in captures.read(small) if c.name == "b_hop")
    own = np.linalg.norm(np.diff(capture.positions(), axis=0), axis=2).max() * RATE
    part = motion.excerpt(capture, 5.0, 1.0, False, np.random.default_rng(3))
    assert len(part) == 251 and capture.seconds < 1.3
    fastest = np.linalg.norm(np.diff(part, axis=0), axis=2).max() * motion.RATE
    assert fastest < 1.5 * own
    # It goes on the same way instead of starting again where it began.
    assert np.diff(motion.hips(part)[:, 2]).min() > -0.01


def test_a_turn_goes_from_ahead_to_the_left():
    joints = walker(3)
    assert motion.heading(joints, 0) == pytest.approx(0.0, abs=1e-9)
    assert motion.heading(motion.turned(joints, 0.7), 0) == pytest.approx(0.7)
    assert motion.vertical(np.pi / 2) @ (0, 0, 1) == pytest.approx((1, 0, 0), abs=1e-9)
