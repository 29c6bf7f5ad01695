"""Thresholds: false events in quiet video, what is left of held-out clips, and what is written into a pack."""

import json
import math

import numpy as np
import pytest

from doubles import tiny_pack
from edge_attp.engine import load_pack, open_backend
from edge_attp.errors import SourceError, UsageError
from edge_attp.pipeline import Options, recognise
from edge_attp.recognition import EventDetector, Smoother, Thresholds
from edge_attp.sinks import Sink
from edge_attp_export import tracks
from edge_attp_export.cli import main
from edge_attp_export.false_events import (
    GRID,
    Quiet,
    Track,
    choose,
    events,
    most_per_hour,
    quiet_of,
)
from edge_attp_export.model_card import with_section
from edge_attp_export.packs import set_thresholds
from edge_attp_export.picture_answers import ClipPictures, beside, joined, write_answers
from edge_attp_export.recall import HeldOut
from edge_attp_export.results import Clip, Results, Row, softmax, write_results
from rigs import media

pytestmark = [pytest.mark.needs_torch, pytest.mark.needs_onnx, pytest.mark.needs_onnxruntime]

VIDEO = media.Clip(width=96, height=64, pictures=75, options=media.x264(bframes=2, keyint=25))
SHORT = VIDEO._replace(pictures=30)


def track_of(probabilities, step_s=0.04):
    """A track of two labels, given the probability of the first."""
    first = np.array(probabilities, np.float32)
    times = np.arange(len(first)) * step_s
    return Track(times, times + step_s, np.stack([first, 1 - first], 1))


@pytest.mark.parametrize("seed", range(20))
def test_events_are_those_of_the_detector(seed):
    random = np.random.default_rng(seed)
    walk = np.cumsum(random.normal(0, 0.15, 400))
    track = track_of(1 / (1 + np.exp(-walk)), random.choice([0.04, 0.1, 0.3]))
    for start in GRID[::7]:
        detector = EventDetector(["a", "b"], thresholds=Thresholds(start=start))
        found = []
        for smoothed, *times in zip(track.smoothed, track.start_s, track.end_s):
            found += detector.detect(smoothed, *times)
        found += detector.end_all()
        for number, label in enumerate("ab"):
            expected = [(e.start_s, e.end_s) for e in found if e.label == label]
            assert events(track, number, start).tolist() == [list(pair) for pair in expected]


def test_a_count_proves_what_the_poisson_distribution_says():
    assert most_per_hour(0, 1) == pytest.approx(-math.log(0.05))
    assert most_per_hour(1, 1) == pytest.approx(4.7439, abs=1e-4)
    assert most_per_hour(10, 2) == pytest.approx(16.9622 / 2, abs=1e-4)
    assert most_per_hour(2000, 10) == pytest.approx(207.5, abs=1)


def quiet(**first_above):
    """An hour in two halves, the second of which repeats a quarter of an hour. Labels raise these numbers of events: in
    the first half below 0.7, in the second below 0.8."""
    counts = np.zeros((2, len(first_above), len(GRID)), int)
    for row, (in_first, in_second) in enumerate(first_above.values()):
        counts[0, row, : GRID.index(0.7)] = in_first
        counts[1, row, : GRID.index(0.8)] = in_second
    seconds = np.array([1800.0, 1800.0])
    return Quiet(("x", "y"), tuple(first_above), counts, seconds, seconds / (1, 2))


@pytest.mark.parametrize(
    "per_hour, is_certain, chosen",
    [
        (1.0, False, 0.8),
        (2.0, False, 0.7),
        (4.9, False, 0.7),
        (5.0, False, 0.5),
        (2.9, True, None),
        (3.0, True, 0.8),
        (6.3, True, 0.7),
    ],
)
def test_the_least_threshold_is_chosen_that_is_quiet_enough(per_hour, is_certain, chosen):
    found = choose(quiet(fight=(3, 2)), per_hour, 0.5, is_certain)
    assert found == (None if chosen is None else {"fight": chosen})


def test_labels_share_the_allowance_and_are_lowered_where_that_costs_nothing():
    both = quiet(fight=(0, 2), hug=(1, 0))
    assert choose(both, 1.0, 0.6, False) == {"fight": 0.8, "hug": 0.7}
    assert choose(both, 3.0, 0.6, False) == {"fight": 0.6, "hug": 0.6}
    rate = both.rate({"fight": 0.79, "hug": 0.8})
    assert (rate.events, rate.per_hour, rate.worst) == (2, 2.0, ["y"])
    assert rate.most_per_hour == most_per_hour(2, 1)
    assert rate.most_distinct_per_hour == most_per_hour(1, 0.75)


def test_a_threshold_below_which_more_is_quiet_again_is_not_enough():
    """At low thresholds, events that follow one another become one."""
    one = quiet(fight=(0, 0))
    one.counts[0, 0, GRID.index(0.6)] = 5
    assert choose(one, 1.0, 0.5, False) == {"fight": 0.61}


def test_quiet_video_is_counted_by_video():
    found = quiet_of(
        [track_of([0.9] * 50 + [0.1] * 50), track_of([0.7] * 50)],
        "xy",
        [1.0, 0.5],
        {"b": 1, "a": 0},
    )
    assert found.labels == ("b", "a") and found.counts.shape == (2, 2, len(GRID))
    assert found.counts[:, 1, GRID.index(0.8)].tolist() == [1, 0]
    assert found.counts[:, 0, GRID.index(0.8)].tolist() == [1, 0]
    assert found.seconds.tolist() == [4, 2] and found.distinct_seconds.tolist() == [4, 1]


# The runtime ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def pack(tmp_path):
    return tiny_pack.write(tmp_path / "tiny", gain=2.0, trained=True, background=["residual"])


def score(pack, paths, kept=None):
    return list(tracks.score(pack, tracks.find_videos(paths), 1, kept))


class Events(Sink):
    def __init__(self):
        self.found, self.pictures = [], []

    def picture(self, picture):
        self.pictures.append(picture)

    def event(self, event):
        self.found.append(event)


@pytest.mark.needs_av
def test_a_track_is_what_the_runtime_takes_events_from(pack, clips):
    path, sink = clips.path(VIDEO), Events()
    options = Options(wait=False, thresholds=Thresholds(start=0.7))
    recognise(str(path), load_pack(pack), open_backend("onnxruntime", 1), [sink], options)
    ((video, track),) = score(pack, [path])
    assert video.path == path and video.distinct_share == 1.0
    scored = [p for p in sink.pictures if p.regions and p.start_s >= tracks.SETTLED_S]
    assert track.start_s.tolist() == [p.start_s for p in scored]
    np.testing.assert_array_equal(track.smoothed, [p.smoothed for p in scored])
    labels = [label for n, label in enumerate(tiny_pack.LABELS) if len(events(track, n, 0.7))]
    assert labels == [event.label for event in sink.found] == ["appearance"]


@pytest.mark.needs_av
def test_tracks_are_kept_for_the_same_pack_and_video(pack, clips, tmp_path, monkeypatch):
    kept = tmp_path / "kept"
    (first,) = score(pack, [clips.path(VIDEO)], kept)
    (place,) = kept.iterdir()
    run, ran = tracks._run, []
    monkeypatch.setattr(tracks, "_run", lambda *given: ran.append(given) or run(*given))
    (again,) = score(pack, [clips.path(VIDEO)], kept)
    assert not ran
    for one, other in zip(first.track, again.track):
        np.testing.assert_array_equal(one, other)
    other = tiny_pack.write(tmp_path / "other", gain=3.0)
    score(other, [clips.path(VIDEO)], kept)
    assert len(ran) == 1 and len(list(kept.iterdir())) == 2


@pytest.mark.needs_av
def test_video_that_is_too_short_is_named(pack, clips):
    with pytest.raises(SourceError, match="nothing was scored after 2 s"):
        score(pack, [clips.path(SHORT)])


# Held-out clips -------------------------------------------------------------------------------------------------------

LABELS = ("open", "close", "calm")


def held_out(answers=True, temperature=2.0):
    """Two seeds of four clips: two of "open", of which only the first seed sees one; the fourth looks like "open"."""
    sure, calm = [8.0, 0.0, 0.0], [0.0, 0.0, 8.0]
    logits = np.array([[sure, calm, calm, sure], [calm, calm, calm, sure]])
    clips = tuple(Clip(str(n), label, f"g{n}") for n, label in enumerate((0, 0, 2, 1)))
    row = Row("mine", "model", softmax(logits), {}, logits)
    results = Results("doors", {}, {}, LABELS, clips, (row,))
    pictures = joined([clip.name for clip in clips], [[_pictures(c) for c in s] for s in logits])
    return HeldOut(results, row, pictures if answers else None, temperature, 2), results, pictures


def _pictures(logits):
    """Three pictures, the last of which is idle whatever it looks like."""
    times = np.array([0.04, 0.44, 0.84], np.float32)
    return ClipPictures(
        np.zeros(3, int), times, np.arange(3) == 2, np.array([logits] * 3, np.float32)
    )


@pytest.mark.parametrize("answers", [True, False])
def test_recall_is_the_share_of_clips_with_an_event(answers):
    clips, _, _ = held_out(answers)
    stated = float(softmax(np.array([4.0, 0, 0]))[0])
    found = clips.recall(0, stated - 0.01)
    assert (found.found, found.others) == (0.25, 0.5)
    assert 0 <= found.low <= 0.25 <= found.high <= 0.5
    assert clips.recall(0, stated + 0.001)[:] == (0, 0, 0, 0)
    assert clips.recall(1, 0.5).found == 0
    how = "smoothed single pictures" if answers else "whole clips"
    assert clips.description == f"4 clips of doors, 2 seeds, by {how}"


def test_pictures_of_other_results_are_refused():
    _, results, pictures = held_out()
    other = results._replace(clips=results.clips[::-1])
    with pytest.raises(UsageError, match="single pictures belong to other results"):
        HeldOut(other, results.rows[0], pictures, 1.0, None)


def test_clips_are_smoothed_as_at_run_time_and_idle_pictures_are_background():
    clips, _, _ = held_out(temperature=1.0)
    track = clips._tracks[0][0]
    smoother = Smoother()
    expected = [
        smoother.smooth(np.asarray(one, np.float32), time_s)
        for one, time_s in zip(
            [*softmax(np.array([[8.0, 0, 0]] * 2)), [0, 0, 1]], track.start_s.tolist()
        )
    ]
    np.testing.assert_allclose(track.smoothed, expected)
    np.testing.assert_allclose(track.end_s, [0.44, 0.84, 1.24], atol=1e-6)


# The pack -------------------------------------------------------------------------------------------------------------


def test_a_section_of_a_card_is_replaced_or_added():
    card = "# x\n\n## One\n\nold\n\n- a\n\n## Two\n\nkept\n"
    assert with_section(card, "One", "new\n") == "# x\n\n## One\n\nnew\n\n## Two\n\nkept\n"
    assert with_section(card, "Two", "new") == card.replace("kept", "new")
    assert with_section(card, "Three", "new") == card + "\n## Three\n\nnew\n"


def test_thresholds_go_into_the_pack_and_its_card(pack, tmp_path):
    before = load_pack(pack)
    set_thresholds(tmp_path / "tiny", {"flow": 0.75}, {"hours": 2}, "| hours | 2 |")
    after = load_pack(pack)
    assert after.thresholds == {"flow": 0.75} and after.accuracy == {"thresholds": {"hours": 2}}
    assert after._replace(thresholds={}, accuracy=None) == before
    card = (tmp_path / "tiny" / "README.md").read_text()
    assert card == "# tiny\n\n## Thresholds of events\n\n| hours | 2 |\n"
    set_thresholds(tmp_path / "tiny", {"flow": 0.8}, {}, "again")
    assert (tmp_path / "tiny" / "README.md").read_text().endswith("events\n\nagain\n")


def calibrated(pack):
    """Say that the scores of a pack were divided by 2."""
    path = f"{pack}/model.json"
    with open(path) as file:
        content = json.load(file)
    content["accuracy"] = {"top1": 0.5, "calibration": {"temperature": 2.0}}
    with open(path, "w") as file:
        json.dump(content, file)


def results_file(tmp_path):
    _, results, pictures = held_out()
    path = tmp_path / "results.json"
    write_results(path, results._replace(labels=tuple(tiny_pack.LABELS)))
    write_answers(beside(path), pictures)
    return f"{path}:mine"


@pytest.mark.needs_av
def test_the_command_chooses_writes_and_says_why(pack, clips, tmp_path, capsys):
    calibrated(pack)
    command = ["thresholds", pack, "--quiet", str(clips.path(VIDEO)), "--nice", "0"]
    command += ["--clips", results_file(tmp_path), "--threads", "1"]
    assert main([*command, "--dry-run"]) == 0
    assert load_pack(pack).thresholds == {}
    assert main(command) == 0
    printed = capsys.readouterr().out
    written = load_pack(pack)
    start = written.thresholds["appearance"]
    assert 0.6 < start < 0.95 and written.thresholds["flow"] == 0.5
    assert f"\n{start:6.3f}*" in printed and "appearance: threshold" in printed
    assert "0 false events in 0.00 hours of quiet video, 0.00 of them distinct" in printed
    said = written.accuracy["thresholds"]
    assert written.accuracy["top1"] == 0.5 and said["false_events"]["count"] == 0
    assert said["appearance"] == {
        "threshold": start,
        "recall": 0.25,
        "recall_interval": [0.0, 0.5],
        "events_in_other_clips": 0.5,
    }
    card = (tmp_path / "tiny" / "README.md").read_text()
    assert f"| appearance: threshold | {start} |" in card and "| quiet video: videos | 1 |" in card

    ((_, track),) = score(pack, [clips.path(VIDEO)])
    assert not len(events(track, 0, start))
    assert len(events(track, 0, GRID[GRID.index(start) - 1]))


@pytest.mark.needs_av
def test_what_cannot_be_chosen_is_told(pack, clips, tmp_path, capsys):
    quiet_video = ["--quiet", str(clips.path(VIDEO)), "--nice", "0", "--threads", "1"]
    assert main(["thresholds", pack, *quiet_video, "--certain"]) == 5
    error = capsys.readouterr().err
    assert "no threshold leaves 1 false events an hour" in error and "more hours" in error
    loud = tiny_pack.write(tmp_path / "loud", gain=99.0, trained=True, background=["residual"])
    assert main(["thresholds", loud, *quiet_video]) == 5
    assert f"most are in {clips.path(VIDEO).name}" in capsys.readouterr().err
    other = tiny_pack.write(tmp_path / "b", labels=["a", "b", "c"])
    clip_results = ["--clips", results_file(tmp_path)]
    assert main(["thresholds", other, *quiet_video, *clip_results]) == 2
    assert "results for appearance, flow, residual; the pack has a, b, c" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="make it with quiet"):
        tracks.find_videos([tmp_path / "empty"])


@pytest.mark.parametrize("option", [["--per-hour", "0"], ["--least", "1"], ["--least", "x"]])
def test_wrong_numbers_are_refused(option, pack):
    with pytest.raises(SystemExit):
        main(["thresholds", pack, "--quiet", "x.mp4", *option])
