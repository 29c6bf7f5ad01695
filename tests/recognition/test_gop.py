"""Which two key pictures a picture is scored with: eq. (7)."""

import itertools

import numpy as np
import pytest

from edge_attp.recognition import GopState

gops = itertools.count()


def features(value):
    return np.full((2, 4), value, np.float32)


def fused(state):
    out = np.zeros((2, 4), np.float32)
    state.fuse_features(out)
    assert (out == out[0, 0]).all()
    return out[0, 0]


def test_first_gop_waits_for_the_second_key_picture():
    state = GopState()
    assert not state.has_key and not state.is_ready
    state.take_features(next(gops), features(1))
    assert state.has_key and not state.is_ready
    with pytest.raises(RuntimeError, match="not known yet"):
        state.fuse_features(features(0))
    state.take_features(next(gops), features(10))
    assert state.is_ready
    assert fused(state) == 11  # GOP 0 with dt = +1, and GOP 1 with dt = -1


def test_later_gops_take_the_previous_key_picture():
    state = GopState()
    for value in (1, 10, 100, 1000):
        state.take_features(next(gops), features(value))
    assert fused(state) == 1100


def test_not_waiting_takes_the_same_key_picture_twice():
    state = GopState()
    state.take_features(next(gops), features(3))
    state.stop_waiting()
    assert fused(state) == 6
    state.take_features(next(gops), features(10))
    assert fused(state) == 13
    state.stop_waiting()
    assert fused(state) == 13


def test_not_waiting_without_a_key_picture_changes_nothing():
    state = GopState()
    state.stop_waiting()
    assert not state.is_ready


def test_live_state_never_waits():
    state = GopState(wait=False)
    state.take_features(next(gops), features(3))
    assert fused(state) == 6


def test_features_are_copied():
    state, buffer = GopState(), features(1)
    state.take_features(next(gops), buffer)
    buffer[...] = 50
    state.take_features(next(gops), buffer)
    buffer[...] = 0
    assert fused(state) == 51


def test_features_of_the_same_gop_replace_those_before():
    state = GopState(wait=False)
    state.take_features(0, features(1))
    state.take_features(0, features(2))
    assert fused(state) == 4
    state.take_features(7, features(10))
    assert fused(state) == 12
    state.take_features(7, features(20))
    assert fused(state) == 22
