"""Smoothing and events."""

import numpy as np
import pytest

from edge_attp.recognition import EventDetector, Smoother, Thresholds

LABELS = ["wave", "walk"]


def probabilities(of_wave):
    return np.array([of_wave, 1 - of_wave], np.float32)


def detect(track, **options):
    """Events of a list of probabilities of "wave", a tenth of a second each."""
    detector, events = EventDetector(LABELS, "cam", Thresholds(**options)), []
    for index, probability in enumerate(track):
        smoothed = probabilities(probability)
        events += detector.detect(smoothed, index / 10.0, (index + 1) / 10.0)
    return events + detector.end_all()


def waves(track, **options):
    return [event for event in detect(track, **options) if event.label == "wave"]


def test_half_life():
    smoother = Smoother(half_life_s=0.5)
    np.testing.assert_allclose(smoother.smooth(probabilities(1.0), 0.0), [1, 0])
    np.testing.assert_allclose(smoother.smooth(probabilities(0.0), 0.5), [0.5, 0.5])
    np.testing.assert_allclose(smoother.smooth(probabilities(0.0), 1.5), [0.125, 0.875])


def test_steps_of_any_length_forget_alike():
    coarse, fine = Smoother(), Smoother()
    coarse.smooth(probabilities(1.0), 0.0)
    fine.smooth(probabilities(1.0), 0.0)
    last = coarse.smooth(probabilities(0.0), 1.0)
    for tenth in range(1, 11):
        result = fine.smooth(probabilities(0.0), tenth / 10.0)
    np.testing.assert_allclose(result, last, rtol=1e-5)


def test_a_step_back_in_time_counts_as_none():
    smoother = Smoother()
    smoother.smooth(probabilities(1.0), 2.0)
    np.testing.assert_allclose(smoother.smooth(probabilities(0.0), 1.0), [1, 0])
    np.testing.assert_allclose(smoother.smooth(probabilities(0.0), 2.5), [0.5, 0.5])


def test_event_has_start_end_and_peak():
    (event,) = waves([0.1, 0.5, 0.7, 0.9, 0.5, 0.45, 0.3, 0.1])
    assert event.label == "wave" and event.stream == "cam"
    assert event.start_s == pytest.approx(0.2) and event.end_s == pytest.approx(0.6)
    assert event.score == pytest.approx(0.9) and event.peak_s == pytest.approx(0.3)


def test_every_event_is_complete_with_an_id_of_its_own():
    events = detect([0.9] * 4 + [0.1] * 4)
    assert {event.phase for event in events} == {"end"}
    assert len({event.id for event in events}) == len(events) == 2
    assert all(value not in (None, "") for event in events for value in event._replace(box=1))


def test_between_the_thresholds_an_event_neither_starts_nor_ends():
    assert waves([0.5] * 10) == []
    assert len(waves([0.7] + [0.5] * 10 + [0.7, 0.5])) == 1


def test_events_end_in_order_and_may_come_back():
    found = [(e.label, round(e.start_s, 3)) for e in detect([0.9] * 4 + [0.1] * 4 + [0.9] * 4)]
    assert found == [("wave", 0.0), ("walk", 0.4), ("wave", 0.8)]


def test_a_flash_is_no_event():
    assert waves([0.1, 0.9, 0.1, 0.1]) == []
    assert len(waves([0.1, 0.9, 0.1, 0.1], shortest_s=0.05)) == 1


def test_the_end_of_the_stream_ends_events():
    (event,) = waves([0.9] * 5)
    assert event.end_s == pytest.approx(0.5)


@pytest.mark.parametrize("thresholds", [dict(start=0.3, end=0.5), dict(end=0.0), dict(start=1.5)])
def test_thresholds_must_make_sense(thresholds):
    with pytest.raises(ValueError, match="expected 0 < end <= start <= 1"):
        EventDetector(LABELS, thresholds=Thresholds(**thresholds))


@pytest.mark.parametrize(
    "user, learned, levels",
    [
        (dict(), None, (0.6, 0.4)),
        (dict(), 0.83, (0.83, 0.4)),
        (dict(), 0.3, (0.3, 0.2)),
        (dict(start=0.7), 0.83, (0.7, 0.4)),
        (dict(start=0.3), None, (0.3, 0.2)),
        (dict(end=0.5), 0.83, (0.83, 0.5)),
        (dict(end=0.5), 0.3, (0.3, 0.3)),
        (dict(start=0.9, end=0.8), 0.3, (0.9, 0.8)),
    ],
)
def test_the_user_comes_before_the_model(user, learned, levels):
    assert Thresholds(**user).levels(learned) == pytest.approx(levels)


def test_each_label_starts_where_the_model_has_learned():
    track = [[0.7, 0.7]] * 4 + [[0.9, 0.7]] * 4
    detector = EventDetector(LABELS, learned={"wave": 0.8})
    for index, both in enumerate(track):
        detector.detect(np.array(both, np.float32), index / 10.0, (index + 1) / 10.0)
    found = {event.label: event.start_s for event in detector.end_all()}
    assert found == {"wave": pytest.approx(0.4), "walk": 0.0}
