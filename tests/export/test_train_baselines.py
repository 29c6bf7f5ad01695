"""Baselines: the statistics of a clip, the regression, its protocol, and the command."""

from __future__ import annotations

import argparse
import json
import shutil

import numpy as np
import pytest
import torch

from edge_attp.errors import UsageError
from edge_attp_export import baselines, clip_statistics, logistic, protocol, results
from edge_attp_export.data.cache import Planes, Sample, write_clip
from edge_attp_export.data.prepared import ClipEntry, Prepared, load_prepared, write_description
from rigs import media

pytestmark = pytest.mark.needs_torch

WIDTH, HEIGHT = 64, 48


def pan(x, y):
    """The flow of a picture that moves as a whole."""
    return np.stack([np.full((12, 16), x, np.float32), np.full((12, 16), y, np.float32)])


def planes(random):
    return Planes(
        *(
            random.integers(-9, 9, shape).astype(np.int16)
            for shape in ((48, 64), (24, 32), (24, 32))
        )
    )


@pytest.fixture
def prepared(tmp_path, clips):
    """Two classes that differ only in the direction of motion; the video is the same."""
    video = clips.path(media.Clip(width=WIDTH, height=HEIGHT, pictures=6, container="mp4"))
    random = np.random.default_rng(0)
    entries = []
    for index in range(24):
        label = ("left", "right")[index % 2]
        part = "test" if index >= 16 else ("val" if index >= 12 else "train")
        entries.append(ClipEntry(f"{label}/{index}", label, {"1": part}, f"source {index // 2}"))
    folder = tmp_path / "set"
    made = Prepared(folder, ("left", "right"), {}, tuple(entries), {}, None)
    for entry in entries:
        flow = pan(-2 if entry.label == "left" else 2, 0) + random.normal(0, 0.5, (2, 12, 16))
        samples = [
            Sample("P", gop, gop * 3 + 1, flow, flow, planes(random), None) for gop in range(2)
        ]
        keys = [np.zeros((HEIGHT, WIDTH, 3), np.uint8)] * 2
        write_clip(made.cached(entry.name), keys, samples, 8)
        made.video(entry.name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(video, made.video(entry.name))
    write_description(made)
    return made


def arguments(*given):
    parser = argparse.ArgumentParser()
    baselines.add_arguments(parser.add_subparsers())
    return parser.parse_args(["baselines", *map(str, given)])


def run(*given):
    options = arguments(*given)
    options.run(options)


@pytest.mark.needs_av
def test_the_command_finds_what_tells_the_classes_apart(prepared, tmp_path, capsys):
    out = tmp_path / "found.json"
    run(prepared.folder, "--seeds", 2, "--jobs", 1, "-o", out)
    content = json.loads(out.read_text())
    assert content["protocol"] == {"split": "1", "seeds": 2} and len(content["clips"]) == 8
    found = {row["name"]: row for row in content["rows"]}
    motion = found["motion, logistic regression"]
    assert motion["accuracy"] == 1 and motion["low"] == 1 and motion["area_under_roc"]["value"] == 1
    assert motion["confusion"] == [[8, 0], [0, 8]] and len(motion["seeds"]) == 2
    assert found["the largest class"]["accuracy"] == 0.5
    # The same video everywhere: nothing to be told from the container.
    controls = [row for row in content["rows"] if row["kind"] == "control"]
    assert len(controls) == 5 and {row["accuracy"] for row in controls} == {0.5}
    assert {row["area_under_roc"]["value"] for row in controls} == {0.5}
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(found)


@pytest.mark.needs_av
def test_every_clip_is_tested_in_folds(prepared):
    loaded = load_prepared(prepared.folder)
    plan = protocol.plan_of(arguments(prepared.folder, "--folds", 4, "--seeds", 1), loaded)
    assert len(plan.trials) == 1 and len(plan.trials[0]) == 4 and len(plan.clips()) == 24
    whole = protocol.plan_of(arguments(prepared.folder, "--folds", "group"), loaded)
    assert len(whole.trials) == 3 and len(whole.trials[0]) == 12
    known = baselines._Known(loaded, loaded, 1)
    known.choose(baselines.METHODS[0])
    row = plan.row("motion", "baseline", known.answer)
    assert row.probabilities.shape == (1, 24, 2)
    assert results.figures_of(row, plan.results([row]))["accuracy"] == 1


@pytest.mark.needs_av
def test_another_set_is_answered_with_its_own_classes(prepared, tmp_path):
    options = ["--on", prepared.folder, "--on-class", "left", "--on-class", "right=right"]
    plan = protocol.plan_of(
        arguments(prepared.folder, *options, "--seeds", 1), load_prepared(prepared.folder)
    )
    assert plan.description == {"trained_on": "all clips of set", "seeds": 1}
    (trial,) = plan.trials[0]
    assert trial.split == "all" and len(trial.fitted) == len(trial.test) == 24
    with pytest.raises(UsageError, match="expected the classes left, right, got right: see --on-"):
        protocol.plan_of(
            arguments(prepared.folder, "--on", prepared.folder, "--on-class", "right"),
            load_prepared(prepared.folder),
        )


@pytest.mark.needs_av
def test_a_split_without_tests(prepared):
    clips = tuple(entry._replace(splits={"1": "train"}) for entry in prepared.clips)
    write_description(prepared._replace(clips=clips))
    with pytest.raises(UsageError, match="split '1' has no test clips"):
        run(prepared.folder)


@pytest.mark.parametrize(
    "x, y, sector", [(3, 0, 0), (3, 3, 1), (0, 3, 2), (-3, 0, 4), (0, -3, 6), (3, -3, 7)]
)
def test_statistics_of_flow(x, y, sector):
    found = clip_statistics.of_flow(pan(x, y))
    length = np.log1p(np.hypot(x, y))
    assert np.allclose(found[:6], [length, 0, length, length, length, length], atol=1e-5)
    assert found[6:9].tolist() == [1, x, y]
    assert found[9:].argmax() == sector and np.isclose(found[9:].sum(), 1)


def test_what_stands_has_no_direction():
    assert not clip_statistics.of_flow(pan(0.1, -0.1))[9:].any()


def test_statistics_of_residuals():
    y = np.zeros((4, 4), np.int16)
    y[0] = -6
    found = clip_statistics.of_residual(Planes(y, np.full((2, 2), -1), np.zeros((2, 2))))
    assert np.allclose(found[:4], [0.25, np.log1p(1.5), np.log1p(1), 0])


@pytest.mark.needs_av
def test_statistics_of_a_container(prepared):
    entry = prepared.clips[0]
    _, found = clip_statistics.statistics(
        (entry.name, prepared.cached(entry.name), prepared.video(entry.name))
    )
    intra, predicted, bidirectional, seconds = found.types
    assert intra == 1 and predicted + bidirectional == 5 and seconds > 0
    size_bytes = prepared.video(entry.name).stat().st_size
    assert found.sizes[0] == np.log1p(size_bytes)
    packets_bytes = np.expm1(found.key_sizes[0]) + np.expm1(found.sizes[1:]) @ (
        predicted,
        bidirectional,
    )
    assert 0.3 * size_bytes < packets_bytes < size_bytes  # the rest is the container


def test_the_fit_is_the_least_loss():
    random = np.random.default_rng(1)
    x, labels = random.normal(size=(60, 4)) * (1, 9, 0.1, 1), random.integers(0, 3, 60)
    strength = 0.1

    def loss(line):
        scores = line.scores(x)
        penalty = 0.5 * strength * line.weights.square().sum()
        return float(torch.nn.functional.cross_entropy(scores, torch.from_numpy(labels)) + penalty)

    line = logistic.fit(x, labels, 3, strength)
    for step in (0.02, -0.02):
        for index in np.ndindex(4, 3):
            moved = line.weights.clone()
            moved[index] += step
            assert loss(line._replace(weights=moved)) > loss(line)


def test_a_feature_that_never_varies_leaves_the_shares_of_the_classes():
    labels = np.array([0, 0, 0, 1])
    scores = logistic.fit(np.full((4, 1), 7.0), labels, 2, 0.1).scores(np.full((1, 1), 7.0))
    assert np.allclose(torch.softmax(scores, 1), [[0.75, 0.25]], atol=1e-3)


def test_balanced_classes_count_alike():
    x, labels = np.zeros((10, 1)), np.array([0] * 8 + [2] * 2)
    plain = logistic.fit(x, labels, 3, 0.1).scores(x[:1]).softmax(1)[0]
    alike = logistic.fit(x, labels, 3, 0.1, logistic.balanced(labels)).scores(x[:1]).softmax(1)[0]
    assert plain[0] == pytest.approx(0.8, abs=0.01) and alike[0] == pytest.approx(0.5, abs=0.01)
    assert alike[2] == pytest.approx(0.5, abs=0.01)


def test_strength_grows_with_noise():
    random = np.random.default_rng(2)
    labels = np.arange(40) % 2
    groups = [str(index // 2) for index in range(40)]
    noise = random.normal(size=(40, 20))
    clear = noise.copy()
    clear[:, 0] = labels
    with logistic.one_thread():
        weak = logistic.chosen_strength(clear, labels, 2, groups, 0)
        strong = logistic.chosen_strength(noise, labels, 2, groups, 0)
    assert weak < strong


def test_groups_stay_whole_in_folds_and_folds_are_even():
    groups = [str(index % 15) for index in range(60)]
    fold_of = logistic.folds(groups, seed=3)
    assert all(len(set(fold_of[np.array(groups) == name])) == 1 for name in set(groups))
    assert np.bincount(fold_of).tolist() == [12] * 5
    assert (fold_of != logistic.folds(groups, seed=4)).any()
