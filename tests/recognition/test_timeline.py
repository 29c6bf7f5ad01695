"""Pictures in decoding order to results in display order."""

import numpy as np
import pytest

from edge_attp.recognition import PictureFacts, PictureLogits, RegionLogits, Thresholds, Timeline
from edge_attp.types import Region

LABELS = ["wave", "walk"]
WAVE, WALK = np.array([4.0, 0.0], np.float32), np.array([0.0, 4.0], np.float32)
FACTS = PictureFacts(
    decode_index=0,
    packet=0,
    pts=None,
    poc=0,
    kind="P",
    is_key=False,
    integrity="ok",
    gop=0,
    starts_sequence=False,
    time_s=None,
    step=1,
    is_shown=True,
)


def picture(index, poc, time_s, logits, gop=0, **changes):
    facts = FACTS._replace(
        decode_index=index, poc=poc, time_s=time_s, gop=gop, starts_sequence=index == 0, **changes
    )
    return PictureLogits(facts, () if logits is None else (RegionLogits(None, logits),))


def run(timeline, entries):
    """entries: (poc, time_s, logits, gop) in decoding order."""
    shown = []
    for index, entry in enumerate(entries):
        shown += timeline.add_picture(picture(index, *entry))
    return shown + timeline.show_remaining()


def test_pictures_without_times_are_counted_in_display_order():
    shown = run(Timeline(LABELS, "cam", 0.04), [(poc, None, WAVE, 0) for poc in (0, 6, 2, 4)])
    assert [r.decode_index for r, _ in shown] == [0, 2, 3, 1]
    assert [r.start_s for r, _ in shown] == pytest.approx([0, 0.04, 0.08, 0.12])
    assert shown[2][0].end_s == pytest.approx(0.12)


def test_times_of_the_stream_are_kept_from_the_first_picture_on():
    entries = [(0, 10.0, WAVE, 0), (4, 10.5, WAVE, 0), (2, 10.25, WAVE, 0)]
    shown = run(Timeline(LABELS, "cam", 0.25), entries)
    assert [r.start_s for r, _ in shown] == [0.0, 0.25, 0.5]
    np.testing.assert_allclose(shown[0][0].decisive.probabilities, [0.982, 0.018], atol=1e-3)


def test_a_picture_that_was_not_scored_shows_what_is_known():
    shown = run(
        Timeline(LABELS, "cam", 0.04), [(0, 0.0, None, 0), (2, 0.04, WAVE, 0), (4, 0.08, None, 0)]
    )
    assert [r.decisive is None for r, _ in shown] == [True, False, True]
    assert shown[0][0].smoothed is None
    np.testing.assert_array_equal(shown[2][0].smoothed, shown[1][0].smoothed)


def test_events_come_with_the_picture_that_ends_them():
    timeline = Timeline(LABELS, "cam", 0.1)
    track = [WAVE] * 10 + [WALK] * 20
    shown = run(timeline, [(2 * i, i / 10.0, logits, 0) for i, logits in enumerate(track)])
    ended = [(r.decode_index, event) for r, events in shown for event in events]
    ((index, wave),) = ended
    assert wave.label == "wave" and wave.start_s == 0.0 and 1.0 < wave.end_s < 1.8
    assert shown[index][0].start_s == pytest.approx(wave.end_s)
    assert [event.label for event in timeline.end_events()] == ["walk"]


def test_mean_is_over_gops_and_spans_what_was_scored():
    timeline = Timeline(LABELS, "cam", 0.04)
    run(timeline, [(0, 1.0, None, 0), (2, 1.5, WAVE, 0), (4, 2.0, WAVE, 0), (6, 2.5, WALK, 1)])
    scores = timeline.video_scores()
    np.testing.assert_allclose(scores.logits, [2, 2])
    assert (scores.start_s, scores.end_s) == (0.5, 1.54) and timeline.gops == 2


def test_nothing_scored():
    timeline = Timeline(LABELS, "cam", 0.04)
    run(timeline, [(0, 0.0, None, 0)])
    assert timeline.video_scores() is None and timeline.gops == 0 and timeline.end_events() == []


def test_a_hidden_picture_has_its_place_in_the_order_and_nothing_else():
    timeline = Timeline(LABELS, "cam", 0.04)
    shown = []
    for index, (poc, time_s) in enumerate([(0, -0.08), (6, 0.04), (2, -0.04), (4, 0.0), (8, 0.08)]):
        is_shown = time_s >= 0
        logits = WAVE if is_shown else None
        shown += timeline.add_picture(picture(index, poc, time_s, logits, is_shown=is_shown))
    shown += timeline.show_remaining()
    assert [(r.decode_index, r.start_s) for r, _ in shown] == [(3, 0.0), (1, 0.04), (4, 0.08)]


def test_a_scored_picture_says_all_that_its_facts_say():
    facts = FACTS._replace(
        decode_index=7, packet=9, pts=1200, kind="B", is_key=True, integrity="damaged", gop=3
    )
    timeline = Timeline(LABELS, "cam", 0.04)
    timeline.add_picture(PictureLogits(facts, (RegionLogits(None, WAVE),)))
    ((shown, _),) = timeline.show_remaining()
    assert all(value is not None for value in shown)
    shared = set(shown._fields) & set(facts._fields)
    assert len(shared) == 7
    for name in shared:
        assert getattr(shown, name) == getattr(facts, name), name
    assert (shown.start_s, shown.end_s) == (0.0, 0.04)
    (region,) = shown.regions
    assert region is shown.decisive and region.region is None
    assert region.logits.dtype == region.probabilities.dtype == shown.smoothed.dtype == np.float32
    np.testing.assert_array_equal(shown.smoothed, region.probabilities)


def test_regions_are_scored_beside_the_whole_picture_and_change_nothing_of_it():
    window = Region(1, 0, 16, 64, (8, 24, 56, 72), 0.1)
    regions = RegionLogits(window, WALK), RegionLogits(None, WAVE)
    timeline = Timeline(LABELS, "cam", 0.04)
    timeline.add_picture(PictureLogits(FACTS, regions))
    ((shown, _),) = timeline.show_remaining()
    assert [scored.region for scored in shown.regions] == [None, window]
    assert (
        shown.regions[1].probabilities.argmax() == 1 and shown.decisive.probabilities.argmax() == 0
    )
    np.testing.assert_array_equal(timeline.video_scores().logits, WAVE)


def window(number):
    return Region(number, 16 * number, 0, 16, (16 * number, 0, 16 * number + 8, 8), 0.1)


def of_regions(index, *logits):
    """A picture whose regions have these logits."""
    facts = picture(index, 2 * index, None, None).facts
    return PictureLogits(
        facts, tuple(RegionLogits(window(n), said) for n, said in enumerate(logits))
    )


STRONG_WALK = 2 * WALK


@pytest.mark.parametrize(
    "background, first",
    [([], 0), (["walk"], 1), (["wave"], 2)],
    ids=["the first one", "the one that waves", "the one that walks most"],
)
def test_one_region_speaks_for_the_picture(background, first):
    timeline = Timeline(LABELS, "cam", 0.04, background=background)
    shown = timeline.add_picture(of_regions(0, WALK, WAVE, STRONG_WALK))
    ((scored, _),) = shown + timeline.show_remaining()
    others = [number for number in range(3) if number != first]
    assert [region.region.id for region in scored.regions] == [first, *others]
    np.testing.assert_array_equal(scored.smoothed, scored.regions[0].probabilities)
    np.testing.assert_array_equal(timeline.video_scores().logits, scored.regions[0].logits)


def idle(index):
    return PictureLogits(picture(index, 2 * index, None, None).facts, (), is_idle=True)


@pytest.mark.parametrize("background", [[], ["walk"]])
def test_an_event_has_the_box_of_its_peak_and_ends_while_nothing_moves(background):
    thresholds = Thresholds(0.6, 0.4, 0.0)
    timeline = Timeline(LABELS, "cam", 0.1, thresholds, background=background)
    track = [of_regions(0, WAVE), of_regions(1, WALK, 2 * WAVE)[:2]]
    track[1] = PictureLogits(track[1][0], track[1][1][1:])
    shown = []
    for said in track + [idle(index) for index in range(2, 20)]:
        shown += timeline.add_picture(said)
    shown += timeline.show_remaining()
    (wave,) = [event for _, events in shown for event in events if event.label == "wave"]
    assert wave.box == window(1).box and wave.peak_s == pytest.approx(0.1)
    assert 0.2 < wave.end_s < 1.5
    assert [scored.is_idle for scored, _ in shown] == [False] * 2 + [True] * 18
    walks = [event.label for event in timeline.end_events()]
    assert walks == background


def test_idle_pictures_before_anything_was_scored():
    timeline = Timeline(LABELS, "cam", 0.1)
    timeline.add_picture(idle(0))
    ((shown, events),) = timeline.show_remaining()
    assert shown.smoothed is None and shown.decisive is None and not events
    assert timeline.video_scores() is None
    timeline = Timeline(LABELS, "cam", 0.1, background=["walk"])
    timeline.add_picture(idle(0))
    ((shown, _),) = timeline.show_remaining()
    assert shown.smoothed.tolist() == [0, 1] and shown.decisive.region is None
    assert timeline.video_scores().probabilities.tolist() == [0, 1]
    assert timeline.gops == 0
