"""The clock of the stages."""

import pytest

from edge_attp import timing
from edge_attp.timing import STAGES, Clock


def test_percentiles_are_nearest_ranks():
    clock = Clock()
    for milliseconds in range(1, 101):
        clock.record("motion", milliseconds / 1000.0)
    times = clock.summary()["motion"]
    assert times.runs == 100 and times.mean_ms == pytest.approx(50.5)
    assert (times.p50_ms, times.p90_ms, times.p99_ms) == pytest.approx((50, 90, 99))


def test_one_run_is_all_percentiles():
    clock = Clock()
    clock.record("parse", 0.004)
    assert clock.summary()["parse"][1:] == pytest.approx((4, 4, 4, 4))
    assert clock.last_ms("parse") == pytest.approx(4) and clock.last_ms("sink") == 0


def test_stage_measures_its_block(monkeypatch):
    ticks = iter([10.0, 10.25])
    monkeypatch.setattr(timing.time, "monotonic", lambda: next(ticks))
    clock = Clock()
    with clock.stage("sink"):
        pass
    assert clock.summary()["sink"].p50_ms == pytest.approx(250)


def test_summary_keeps_the_order_of_the_stages():
    clock = Clock()
    for name in reversed(STAGES):
        clock.record(name, 0.001)
    assert tuple(clock.summary()) == STAGES


def test_a_run_without_end_does_not_grow(monkeypatch):
    monkeypatch.setattr(timing, "_KEPT", 10)
    clock = Clock()
    for _ in range(25):
        clock.record("parse", 0.001)
    assert clock.summary()["parse"].runs == 25 and len(clock._durations["parse"]) == 10


def test_totals_count_what_is_no_longer_kept(monkeypatch):
    monkeypatch.setattr(timing, "_KEPT", 10)
    clock = Clock()
    for _ in range(25):
        clock.record("parse", 0.002)
    (name, total), *others = clock.totals().items()
    assert (name, total.runs, others) == ("parse", 25, []) and total.seconds == pytest.approx(0.05)


def test_a_summary_of_the_newest_runs():
    clock = Clock()
    for milliseconds in (1000, 1, 3):
        clock.record("motion", milliseconds / 1000.0)
    times = clock.summary(newest=2)["motion"]
    assert times.runs == 3 and times[1:] == pytest.approx((2, 1, 3, 3))


def test_an_unknown_stage_is_an_error():
    with pytest.raises(KeyError):
        Clock().record("lunch", 1.0)
