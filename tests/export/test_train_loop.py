"""The training loop on a small set: it learns, resumes, stops, freezes, and runs in two processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import small_sets
import torch

from edge_attp.engine.pack import Normalisation
from edge_attp.errors import EdgeAttpError, UsageError
from edge_attp_export import input_spec
from edge_attp_export.architecture import Architecture
from edge_attp_export.attp import ATTP
from edge_attp_export.checkpoints import read_checkpoint
from edge_attp_export.config import from_dict
from edge_attp_export.data.loader import Batch
from edge_attp_export.training.head import fit_head
from edge_attp_export.training.run import train
from edge_attp_export.training.run_folder import RunFolder
from rigs.paths import ROOT

pytestmark = pytest.mark.needs_torch


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    torch.set_num_threads(1)
    return small_sets.make(tmp_path_factory.mktemp("small"))


def run(prepared, folder, resume=False, **tables):
    content = small_sets.config(prepared, **tables)
    train(from_dict(content, Path("test")), folder, resume, "cpu")
    return json.loads((folder / "metrics.json").read_text()), read_checkpoint(folder / "best.pt")


@pytest.fixture(scope="module")
def teacher(prepared, tmp_path_factory):
    """LiteNet_OF."""
    folder = tmp_path_factory.mktemp("runs") / "teacher"
    run(prepared, folder, data={"flow": "optical"})
    return folder / "best.pt"


def same(first, second):
    return all(torch.equal(value, second[key]) for key, value in first.items())


def test_it_learns_what_shows_in_the_motion(prepared, tmp_path):
    metrics, checkpoint = run(prepared, tmp_path / "run", train={"epochs": 12})
    assert metrics["test"]["top1"] == 1.0 and metrics["test"]["clips"] == 8
    assert metrics["test"]["confusion"] == [[4, 0], [0, 4]]
    assert checkpoint.labels == small_sets.LABELS
    assert checkpoint.training["data"] == prepared.folder.name
    assert str(prepared.folder.parent) not in json.dumps(checkpoint.training)
    assert checkpoint.input.crop == (64, 64)
    for name in ("log.csv", "curves.png", "confusion.png", "config.json", "last.pt"):
        assert (tmp_path / "run" / name).stat().st_size > 0


def test_a_resumed_run_is_the_same_run(prepared, tmp_path):
    class Enough(Exception):
        pass

    whole = run(prepared, tmp_path / "whole")[1]
    log, counted = RunFolder.save_last, []

    def stop(folder, state):
        log(folder, state)
        counted.append(state)
        if len(counted) == 2:
            raise Enough

    RunFolder.save_last = stop
    try:
        with pytest.raises(Enough):
            run(prepared, tmp_path / "parts")
    finally:
        RunFolder.save_last = log
    resumed = run(prepared, tmp_path / "parts", resume=True)[1]
    assert same(whole.state, resumed.state)
    rows = (tmp_path / "parts" / "log.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["epoch", "1", "2", "3"]


def test_a_run_is_not_overwritten_or_continued_as_another(prepared, tmp_path):
    run(prepared, tmp_path / "run", train={"epochs": 1})
    with pytest.raises(UsageError, match="holds a run"):
        run(prepared, tmp_path / "run", train={"epochs": 1})
    with pytest.raises(UsageError, match="was started with train.seed = 0, not 1"):
        run(prepared, tmp_path / "run", resume=True, train={"seed": 1})


def test_what_cannot_begin_leaves_no_folder(tmp_path):
    content = small_sets.config(small_sets.make(tmp_path / "set", train=1, val=0, test=0))
    content["data"]["prepared"] = str(tmp_path / "nothing")
    with pytest.raises(UsageError, match="make it with prepare"):
        train(from_dict(content, Path("test")), tmp_path / "run", False, "cpu")
    assert not (tmp_path / "run").exists()


def test_equal_seeds_give_equal_models(prepared, tmp_path):
    runs = [
        run(prepared, tmp_path / str(index), train={"epochs": 1, "seed": seed})[1].state
        for index, seed in enumerate((3, 3, 4))
    ]
    assert same(runs[0], runs[1]) and not same(runs[0], runs[2])


def test_it_stops_early_when_validation_stays_the_same(prepared, tmp_path):
    still = {"epochs": 50, "patience": 2, "learning_rate": 1e-9}
    run(prepared, tmp_path / "run", train=still)
    rows = (tmp_path / "run" / "log.csv").read_text().splitlines()[1:]
    assert 3 <= len(rows) < 15


def test_a_loss_that_is_no_number_is_an_error(prepared, tmp_path, monkeypatch):
    tiny = Normalisation((0.0, 0.0, 0.0), (1e-43, 1e-43, 1e-43))
    monkeypatch.setattr(input_spec, "RESIDUAL", tiny)
    with pytest.raises(EdgeAttpError, match="the loss is nan; try a lower train.learning_rate"):
        run(prepared, tmp_path / "run", model={"modalities": "R"})


@pytest.mark.parametrize("modalities", ["I", "R", "I+MV+R", "BP", "TP", "TTP"])
def test_every_row_of_table_3_trains(prepared, tmp_path, modalities):
    frames = "I" if modalities == "I" else "I+P+B"
    tables = {"model": {"modalities": modalities, "sketch": 32}, "train": {"epochs": 1}}
    metrics, _ = run(prepared, tmp_path / "run", data={"frame_types": frames}, **tables)
    assert metrics["test"]["clips"] == 8


@pytest.mark.parametrize("alignment", ["ours", "after-fc", "distillation"])
def test_alignment_has_a_teacher_and_a_loss(prepared, tmp_path, teacher, alignment):
    tables = {"model": {"alignment": alignment}, "objective": {"teacher": str(teacher)}}
    run(prepared, tmp_path / "run", train={"epochs": 1}, **tables)
    _, row = (tmp_path / "run" / "log.csv").read_text().splitlines()
    assert float(row.split(",")[3]) > 0


def test_a_teacher_that_saw_vectors_is_refused(prepared, tmp_path, teacher):
    run(prepared, tmp_path / "mv", train={"epochs": 1})
    tables = {
        "model": {"alignment": "ours"},
        "objective": {"teacher": str(tmp_path / "mv" / "best.pt")},
    }
    with pytest.raises(UsageError, match="data.flow 'optical'"):
        run(prepared, tmp_path / "run", **tables)


def test_networks_and_teachers_see_the_same_resolution(prepared, tmp_path, teacher):
    run(prepared, tmp_path / "mv", model={"motion_input": "grid"}, train={"epochs": 0})
    taken = {"networks": {"MV": str(tmp_path / "mv" / "best.pt")}}
    with pytest.raises(
        UsageError, match="model.networks.MV: .* one sample in 4, this model one in 1"
    ):
        run(prepared, tmp_path / "other", model=taken)
    with pytest.raises(UsageError, match="its motion_input is 'full', that of the model 'grid'"):
        run(
            prepared,
            tmp_path / "aligned",
            model={"alignment": "ours", "motion_input": "grid"},
            objective={"teacher": str(teacher)},
        )


def test_frozen_networks_are_taken_over_and_stay(prepared, tmp_path):
    runs = {}
    for name in ("I", "MV", "R"):
        frames = "I" if name == "I" else "I+P+B"
        tables = {"model": {"modalities": name}, "train": {"epochs": 1}}
        run(prepared, tmp_path / name, data={"frame_types": frames}, **tables)
        runs[name] = str(tmp_path / name / "best.pt")
    tables = {
        "model": {"modalities": "ATTP", "networks": runs},
        "train": {"freeze": True, "views": 2},
    }  # no teacher: what aligns is trained already
    _, fused = run(prepared, tmp_path / "fused", **tables)
    _, late = run(
        prepared,
        tmp_path / "late",
        model={"modalities": "I+MV+R", "networks": runs},
        train={"epochs": 0},
    )
    for name, path in runs.items():
        own = read_checkpoint(Path(path)).state
        for checkpoint in (fused, late):
            for key, value in checkpoint.state.items():
                if key.startswith(f"litenet_{name.lower()}."):
                    assert torch.equal(value, own[key]), key
        assert torch.equal(
            late.state[f"classifiers.{name}.weight"], own[f"classifiers.{name}.weight"]
        )
    with pytest.raises(UsageError, match="model.networks.I: .*has no network I"):
        wrong = {"modalities": "TTP", "networks": {"I": runs["MV"]}}
        run(prepared, tmp_path / "wrong", model=wrong)


def test_a_head_is_fitted_at_once(prepared, tmp_path):
    """It tells the clips of training apart, and the networks stay but for the statistics of motion."""
    tables = {
        "model": {"modalities": "MV"},
        "train": {"freeze": True, "head": "logistic", "strength": 0.01},
    }
    metrics, checkpoint = run(prepared, tmp_path / "run", **tables)
    assert metrics["test"]["top1"] > 0.5 and checkpoint.training["epoch"] == 0
    weak, _ = run(
        prepared, tmp_path / "weak", **{**tables, "train": {**tables["train"], "strength": 1e6}}
    )
    assert weak["test"]["loss"] == pytest.approx(np.log(len(checkpoint.labels)), abs=0.01)
    with pytest.raises(UsageError, match='"logistic" needs freeze = true'):
        run(prepared, tmp_path / "wrong", train={"head": "logistic"})


def test_a_fitted_head_is_the_line_through_the_means_of_clips():
    torch.manual_seed(3)
    model = ATTP(Architecture("mobilenet_v2", 2, modalities="I+MV+R"))
    maps = {name: torch.randn(60, model.litenet_i.channels, 2) for name in ("I", "MV", "R")}
    clips = torch.arange(20).repeat_interleave(3)
    labels = clips % 2
    for name in maps:
        maps[name][labels == 1, :5] += 1
    fit_head(model.eval(), [Batch(maps, None, labels, clips, clips)], 1e-3)
    scores = model.outputs(maps).parts.sum(0).view(20, 3, 2).mean(1)
    assert torch.equal(scores.argmax(1), torch.arange(20) % 2)
    assert torch.equal(model.classifiers["I"].bias, model.classifiers["R"].bias)


def test_bf16_on_a_processor(prepared, tmp_path):
    metrics, _ = run(prepared, tmp_path / "run", train={"epochs": 1, "amp": "bf16"})
    assert metrics["test"]["clips"] == 8


def test_two_processes_under_torchrun_train_one_model(prepared, tmp_path):
    content = tmp_path / "two.toml"
    tables = small_sets.config(prepared, train={"epochs": 2, "clips": 2})
    content.write_text(
        "\n".join(
            f"[{table}]\n" + "\n".join(f"{key} = {json.dumps(v)}" for key, v in values.items())
            for table, values in tables.items()
        )
    )
    environment = dict(os.environ, PYTHONPATH=f"{ROOT / 'export'}:{ROOT}")
    # A worker once died of SIGABRT here and said nothing; should one again, its stacks tell where.
    environment.update(OMP_NUM_THREADS="1", PYTHONFAULTHANDLER="1", TORCH_SHOW_CPP_STACKTRACES="1")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command += ["-m", "edge_attp_export", "train", str(content), "-o", str(tmp_path / "run")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("test clips") == 1
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["test"]["clips"] == 8
    assert read_checkpoint(tmp_path / "run" / "best.pt").training["processes"] == 2
