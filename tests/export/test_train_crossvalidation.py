"""Cross-validation of a recipe: every clip answered by a model that has not seen it, resumable, without leaks."""

import json

import numpy as np
import pytest
import small_sets
import torch

from edge_attp_export.cli import main
from edge_attp_export.picture_answers import beside, read_answers
from edge_attp_export.results import read_results, softmax
from edge_attp_export.training import crossvalidation

pytestmark = pytest.mark.needs_torch


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    torch.set_num_threads(1)
    return small_sets.make(tmp_path_factory.mktemp("small"), train=4, val=1, test=1)


@pytest.fixture
def recipe(prepared, tmp_path):
    def write(name="motion", **tables):
        content = small_sets.config(prepared, **tables)
        lines = [
            f"[{table}]\n"
            + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
            for table, keys in content.items()
        ]
        path = tmp_path / f"{name}.toml"
        path.write_text("".join(lines), encoding="utf-8")
        return path

    return write


def crossvalidate(tmp_path, *arguments, code=0):
    fixed = ["--runs", str(tmp_path / "runs"), "--nice", "0", "--device", "cpu"]
    assert main(["crossvalidate", *map(str, arguments), *fixed]) == code


def test_every_clip_is_answered_once_a_seed(prepared, recipe, tmp_path, capsys, monkeypatch):
    out = tmp_path / "found.json"
    motion = recipe(train={"epochs": 12, "clips": 2}, data={"validation": 0})
    arguments = [motion, "--folds", 2, "--seeds", 1, "-o", out]
    trained = []
    train = crossvalidation.train
    monkeypatch.setattr(
        crossvalidation, "train", lambda *given: trained.append(given[2]) or train(*given)
    )
    crossvalidate(tmp_path, *arguments)
    results = read_results(out)
    assert results.protocol == {"folds": 2, "by": "group", "seeds": 1}
    row = results.row("motion")
    assert row.probabilities.shape == (1, 12, 2) and len(results.clips) == 12
    assert (row.probabilities[0].argmax(1) == results.truth).mean() > 0.8
    assert str(prepared.folder.parent) not in out.read_text()
    check_pictures(results, read_answers(beside(out)))
    run = tmp_path / "runs" / "seed0" / "1-of-2" / "motion"
    assert json.loads((run / "config.json").read_text())["data"]["split"] == "1/2:0"
    assert not list(run.glob("*.pt"))
    assert "6 of 6 right" in capsys.readouterr().err or len(trained) == 2

    (run / "metrics.json").unlink()  # as if it had been cut short
    crossvalidate(tmp_path, *arguments)
    assert trained == [False, False, True]
    assert main(["compare", str(out), f"{out}:motion"]) == 0
    assert "+0.000 (+0.000 to +0.000) on 12 clips" in capsys.readouterr().out


def check_pictures(results, answers):
    """A picture of each GOP was scored; the mean over the GOPs is the answer for the clip."""
    row = results.row("motion")
    assert answers.names == tuple(clip.name for clip in results.clips)
    ((*clips,),) = answers.clips()
    means = [clip.logits.mean(0) for clip in clips]
    np.testing.assert_allclose(means, row.logits[0], atol=0.03)
    np.testing.assert_allclose(softmax(row.logits), row.probabilities, atol=0.01)
    first = clips[0]
    assert len(first.times_s) == small_sets.GOPS and (np.diff(first.times_s) > 0).all()
    assert first.times_s[-1] < 1 and not first.is_idle.any()


def test_runs_without_answers_for_pictures_are_told(recipe, tmp_path, capsys):
    out = tmp_path / "found.json"
    arguments = [recipe(train={"epochs": 1}), "--folds", 2, "--seeds", 1, "-o", out]
    crossvalidate(tmp_path, *arguments)
    beside(out).unlink()
    next((tmp_path / "runs").glob("*/*/*/pictures.npz")).unlink()
    crossvalidate(tmp_path, *arguments)
    assert "made before answers for single pictures were kept" in capsys.readouterr().err
    assert read_answers(beside(out)) is None and read_results(out).rows[0].logits is not None


def test_stages_are_trained_in_each_fold(recipe, tmp_path):
    first = recipe("first", train={"epochs": 1})
    fused = {"modalities": "MV", "networks": {"MV": "{run}/first/best.pt"}}
    second = recipe("second", train={"epochs": 1}, model=dict(fused, networks={}))
    text = second.read_text().replace("networks = {}\n", "")
    second.write_text(text + '[model.networks]\nMV = "{run}/first/best.pt"\n')
    crossvalidate(tmp_path, first, second, "--folds", 2, "--seeds", 1, "--keep")
    place = tmp_path / "runs" / "seed0" / "2-of-2"
    assert (place / "first" / "best.pt").exists() and (place / "second" / "best.pt").exists()


def test_networks_that_know_the_test_clips_are_refused(recipe, tmp_path, capsys):
    first = recipe("first", train={"epochs": 0})
    assert main(["train", str(first), "-o", str(tmp_path / "run"), "--device", "cpu"]) == 0
    second = recipe("second")
    with second.open("a") as file:
        file.write(f'[model.networks]\nMV = "{tmp_path}/run/best.pt"\n')
    crossvalidate(tmp_path, second, "--folds", 2, code=2)
    assert "test clips included; train it in every fold" in capsys.readouterr().err


def test_a_model_of_one_set_answers_for_another(prepared, recipe, tmp_path):
    out = tmp_path / "found.json"
    arguments = ["--on", prepared.folder, "--on-class", "left", "--on-class", "right"]
    crossvalidate(tmp_path, recipe(train={"epochs": 1}), *arguments, "--seeds", 1, "-o", out)
    results = read_results(out)
    assert results.protocol == {"trained_on": f"all clips of {prepared.folder.name}", "seeds": 1}
    assert results.rows[0].probabilities.shape == (1, 12, 2)
    assert len(read_answers(beside(out)).clips()[0]) == 12


def test_checkpoints_are_evaluated_on_other_classes(prepared, recipe, tmp_path, capsys):
    run = tmp_path / "run"
    motion = recipe(train={"epochs": 1}, data={"split": "all"})
    assert main(["train", str(motion), "-o", str(run), "--device", "cpu"]) == 0
    fixed = ["evaluate", str(run / "best.pt"), str(prepared.folder), "-o", str(tmp_path / "test")]
    fixed += ["--split", "all", "--part", "train", "--device", "cpu", "--workers", "0"]
    assert main([*fixed, "--class", "left=left", "--class", "right"]) == 0
    assert "on 12 train clips, area under ROC" in capsys.readouterr().out
    assert main([*fixed, "--class", "left=both"]) == 2
    assert "the set has no label 'both'; its labels: left, right" in capsys.readouterr().err


def test_a_missing_row_is_named(tmp_path, capsys):
    assert main(["compare", str(tmp_path / "no.json"), str(tmp_path / "no.json:row")]) == 2
    assert "no.json: cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["1", "none"])
def test_folds_are_two_or_more_or_groups(recipe, tmp_path, text):
    with pytest.raises(SystemExit):
        crossvalidate(tmp_path, recipe(), "--folds", text)
