"""Times of live sources run on with the wall clock, across jumps, gaps, missing stamps and reconnections."""

from fractions import Fraction

import pytest
from live_doubles import Counts

from edge_attp.sources.timestamps import TICKS_PER_S, Times

MS = Fraction(1, 1000)
FRAME = 40  # milliseconds


@pytest.fixture
def count():
    return Counts()


@pytest.fixture
def times(count):
    times = Times(count)
    times.begin_connection(MS, Fraction(25))
    return times


def fed(times, entries):
    """entries: (pts in ms, arrival in ms); returns pts in ms."""
    return [times.stamp(pts, None, at / 1000)[0] * 1000 / TICKS_PER_S for pts, at in entries]


def steady(start, at, pictures=5):
    return [(start + FRAME * n, at + FRAME * n) for n in range(pictures)]


def test_differences_are_kept_and_the_first_time_is_zero(times, count):
    order = [0, 3, 1, 2, 6, 4, 5]  # decoding order of B pictures
    assert fed(times, [(7000 + FRAME * n, FRAME * k) for k, n in enumerate(order)]) == [
        FRAME * n for n in order
    ]
    assert count == {}


def test_dts_follows_pts(times):
    assert times.stamp(1080, 1000, 0.0) == (0, -80 * 90)
    assert times.stamp(1040, 1040, 0.04) == (-40 * 90, -40 * 90)
    assert times.stamp(None, 1160, 0.08) == (80 * 90, None)
    assert times.stamp(1200, 99999, 0.12) == (120 * 90, None)  # cannot be: later than shown
    assert times.stamp(1240, -99999, 0.16) == (160 * 90, None)


@pytest.mark.parametrize("jump", [3600_000, -3600_000, 2**33 // 90, -(2**33 // 90), 10_000, -2_000])
def test_a_jump_of_the_clock_is_taken_out(times, count, jump):
    given = fed(times, steady(5000, 0) + steady(5200 + jump, 200))
    assert given == [FRAME * n for n in range(10)]
    assert count == {"time_jumps": 1}


def test_a_gap_in_which_time_passed_is_no_jump(times, count):
    assert fed(times, steady(0, 0, 2) + steady(60_000, 60_000, 2)) == [0, 40, 60_000, 60_040]
    assert count == {}


def test_bursts_are_no_jumps(times, count):
    """Segments of HLS: 6 s at once, every 6 s."""
    entries = [(FRAME * n, n // 150 * 6000) for n in range(600)]
    assert fed(times, entries) == [FRAME * n for n in range(600)]
    assert count == {}


def test_a_reconnection_goes_on_with_the_wall_clock(times, count):
    first = fed(times, steady(123_456, 0))
    times.begin_connection(Fraction(1, 90000), Fraction(25))
    later = fed(times, [(n * FRAME * 90, 10_000 + n * FRAME) for n in range(3)])
    assert first + later == [0, 40, 80, 120, 160, 10_000, 10_040, 10_080]
    assert count == {}


def test_times_never_fall_behind_those_before_a_reconnection(times):
    """Packets that came in a burst are ahead of the wall clock."""
    fed(times, [(FRAME * n, 0) for n in range(100)])
    times.begin_connection(MS, Fraction(25))
    assert fed(times, [(0, 500), (40, 540)]) == [99 * FRAME + 500, 99 * FRAME + 540]


def test_missing_times(times, count):
    """They follow the last one by one interval."""
    given = fed(times, [(3000, 40), (3040, 80), (None, 120), (3120, 160)])
    assert given == [0, 40, 80, 120]
    assert count == {"missing_times": 1}


def test_a_first_picture_without_time(times, count):
    """As RTSP begins: it stands at 0, and B pictures come between it and the next one."""
    assert fed(times, [(None, 0), (120, 40), (40, 80), (80, 120)]) == [0, 120, 40, 80]
    times.begin_connection(MS, Fraction(25))
    assert fed(times, [(None, 1120), (120, 1160), (40, 1200)]) == [1120, 1240, 1160]
    times.begin_connection(MS, Fraction(25))
    assert fed(times, [(None, 2120), (99_000, 2160), (99_040, 2200)]) == [2160, 2200, 2240]
    assert count == {}


def test_a_source_without_times_is_timed_by_arrival(times, count):
    given = fed(times, [(None, at) for at in (500, 540, 575, 575, 1000)])
    assert given == pytest.approx([0, 40, 75, 75, 500], abs=0.05) and given[3] > given[2]
    assert count == {}


def test_pts_go_back_by_reordering_at_most(times, count):
    import random

    draw = random.Random(1)
    newest, at = 0, 0.0
    for _ in range(2000):
        at += draw.choice([0, 0.04, 0.04, 3.0])
        if draw.random() < 0.02:
            times.begin_connection(MS, Fraction(25))
        pts = draw.choice([None, draw.randrange(-(2**40), 2**40), int(at * 1000)])
        given = times.stamp(pts, None, at)[0]
        assert newest - TICKS_PER_S <= given
        newest = max(newest, given)
    assert count["time_jumps"] > 100
