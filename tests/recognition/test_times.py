"""Times of pictures in display order, from whatever a container says."""

import pytest

from edge_attp.recognition.times import MAX_HELD, DisplayTimes, Untimed

RATE_S = 0.04
UNIX_S = 1796000000.0


def starts(times_s, jump_s=float("inf"), batch=1, step=1):
    """start_s of pictures with these times, `batch` at a time."""
    display = DisplayTimes(RATE_S, jump_s)
    pictures = [Untimed(index, time_s, step) for index, time_s in enumerate(times_s)]
    timed = []
    for begin in range(0, len(pictures), batch):
        timed += display.time_pictures(pictures[begin : begin + batch])
    timed += display.time_remaining()
    assert [index for index, _ in timed] == list(range(len(times_s)))
    assert all(before < after for (_, before), (_, after) in zip(timed, timed[1:]))
    return [start_s for _, start_s in timed]


def steps(count, begin=0.0, step=RATE_S):
    return [begin + step * index for index in range(count)]


@pytest.mark.parametrize("begin_s", [0.0, -0.2, 1.48, 50000.0, UNIX_S])
def test_the_first_picture_is_at_0(begin_s):
    assert starts(steps(5, begin_s)) == pytest.approx(steps(5), abs=1e-6)


def test_uneven_times_are_kept():
    times_s = [0.0, 0.04, 0.5, 0.52, 30.0, 30.04]
    assert starts(times_s) == times_s


def test_without_any_time_pictures_are_counted_at_once():
    display = DisplayTimes(RATE_S)
    shown = [display.time_pictures([Untimed(k, None)]) for k in range(4)]
    assert [entry for entries in shown for entry in entries] == [
        (k, pytest.approx(k * RATE_S)) for k in range(4)
    ]
    assert all(shown) and not display.time_remaining()


def test_missing_times_lie_evenly_between_their_neighbours():
    """As in program streams, where one picture of a PES packet has a time; the rate may be wrong."""
    assert starts([5.0, None, None, None, 5.4, None, 5.42]) == pytest.approx(
        [0.0, 0.1, 0.2, 0.3, 0.4, 0.41, 0.42]
    )


def test_missing_times_at_both_ends_are_an_interval_apart():
    assert starts([None, None, 7.0, 7.04, None, None]) == pytest.approx(steps(6))


def test_times_that_end_are_waited_for_once_only():
    display = DisplayTimes(RATE_S)
    display.time_pictures([Untimed(0, 1.0)])
    given = [len(display.time_pictures([Untimed(k, None)])) for k in range(MAX_HELD + 3)]
    assert given == [0] * MAX_HELD + [MAX_HELD + 1, 1, 1]
    ((_, start_s),) = display.time_pictures([Untimed(99, 1.0 + 100 * RATE_S)])
    assert start_s == pytest.approx(100 * RATE_S)


@pytest.mark.parametrize("again_s", [0.0, 1.48, -5.0])
def test_a_clock_that_goes_back_does_not_hold_time_up(again_s):
    times_s = steps(10, 1.48) + steps(10, again_s) + steps(10, again_s)
    assert starts(times_s, jump_s=10.0) == pytest.approx(steps(30))


def test_a_clock_that_jumps_ahead_is_followed_where_there_is_one_clock_only():
    times_s = steps(5) + steps(5, 50000.0)
    assert starts(times_s, jump_s=10.0) == pytest.approx(steps(10))
    assert starts(times_s) == times_s


def test_a_pause_is_no_jump():
    times_s = steps(5) + steps(5, 9.0)
    assert starts(times_s, jump_s=10.0) == times_s


@pytest.mark.parametrize("wrong_s", [0.0, 90000.0])
def test_one_wrong_time_changes_the_next_ones_little(wrong_s):
    times_s = steps(20, 100.0)
    times_s[7] = wrong_s
    assert starts(times_s, jump_s=10.0) == pytest.approx(steps(20), abs=1e-6)


@pytest.mark.parametrize("jump_s", [10.0, float("inf")])
def test_equal_times_are_no_times(jump_s):
    assert starts([0.0, 0.0, 0.08, 0.08, 0.16], jump_s) == pytest.approx(steps(5))
    assert starts([3.0] * 60, jump_s) == pytest.approx(steps(60))


def test_times_in_decoding_order_are_put_right():
    """As FFmpeg gives those of AVI files, and as some programs write them."""
    batches = [[0.0], [0.08, 0.12, 0.04], [0.2, 0.24, 0.16]]
    display, shown = DisplayTimes(RATE_S), []
    for times_s in batches:
        shown += display.time_pictures([Untimed(None, time_s) for time_s in times_s])
    assert [start_s for _, start_s in shown] == pytest.approx(steps(7))


def test_pictures_that_are_left_out_count():
    assert starts([None] * 3, step=12) == pytest.approx([11 * RATE_S, 23 * RATE_S, 35 * RATE_S])
    far = [0.0, 10.5, 21.0]  # 262 pictures apart: no jump
    assert starts(far, jump_s=1.0, step=262) == pytest.approx([261 * RATE_S + s for s in far])
