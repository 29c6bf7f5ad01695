"""`evaluate`: the protocol on the cache, compared with the deployed path on whole files."""

import json
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import small_models
import torch
from data_sets import film

from edge_attp.errors import ModelError, SourceError, UsageError
from edge_attp_export.attp import Inputs
from edge_attp_export.checkpoints import Checkpoint, read_checkpoint, save_checkpoint
from edge_attp_export.cli import main
from edge_attp_export.data.loader import Batch
from edge_attp_export.data.prepared import load_prepared
from edge_attp_export.input_spec import default_input
from edge_attp_export.training.evaluation import (
    Protocol,
    evaluated_samples,
    part_of,
    protocol_of,
)
from edge_attp_export.training.processes import Processes
from edge_attp_export.training.run import evaluate_checkpoint
from edge_attp_export.training.scoring import ClipScores, clip_scores, confusion

pytestmark = pytest.mark.needs_torch

LABELS = ("even", "odd")


def prepare(folder, scenes):
    """Real clips, transcoded and cached, all but the first in the test split."""
    rows = ["path,label,split"]
    for number, scene in enumerate(scenes):
        name = f"{number}.mp4"
        film(folder / name, scene, pictures=30, seed=number)
        rows.append(f"{name},{LABELS[number % 2]},{'train' if number < 1 else 'test'}")
    (folder / "set.csv").write_text("\n".join(rows) + "\n")
    out = folder / "prepared"
    command = ["prepare", str(folder / "set.csv"), str(out), "--size", "96x80", "--jobs", "1"]
    assert main([*command, "--optical-flow", "none"]) == 0
    return load_prepared(out)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare(tmp_path_factory.mktemp("videos"), ["moving"] * 4)


@pytest.fixture(scope="module")
def with_still(tmp_path_factory):
    """In one of its clips, of class odd, nothing moves."""
    return prepare(tmp_path_factory.mktemp("videos"), ["moving", "moving", "moving", "still"])


@pytest.fixture
def checkpoint(tmp_path, prepared):
    """A seeded model of the pack's kind with the set's labels."""
    return saved(tmp_path, prepared)


def saved(tmp_path, prepared, modalities="TTP", view="whole", **fields):
    shape = replace(small_models.architecture(modalities, **fields), classes=len(LABELS))
    model = small_models.model(shape)
    spec = default_input(model.architecture, (80, 68), (64, 64))
    if shape.has_speed:
        spec = spec._replace(memory=4.0, speed_memory=12.0, region_scale=1.5, region_least=0.9)
    training = {"split": "1", "view": view}
    made = Checkpoint(shape, prepared.labels, spec, model.state_dict(), training, {})
    save_checkpoint(tmp_path / "model.pt", made)
    return tmp_path / "model.pt"


def run(checkpoint, prepared, out, pack=None, **changes):
    lines = list(
        evaluate_checkpoint(checkpoint, prepared.folder, out, changes, pack, "cpu", workers=0)
    )
    return lines, json.loads((out / "metrics.json").read_text())


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"motion_input": "grid", "residual_input": "grid"},
        {"motion_input": "enlarged", "residual_input": "energy"},
        {"modalities": "M"},
        {"modalities": "I+M"},
        {"modalities": "I+MV+R"},
        {"modalities": "M+S"},
        {"modalities": "I+M+S"},
    ],
    ids=lambda fields: "-".join(fields.values()),
)
def test_the_deployed_pack_agrees_with_pytorch_on_whole_files(fields, prepared, tmp_path):
    checkpoint = saved(tmp_path, prepared, **fields)
    pack = str(tmp_path / "pack")
    assert main(["export", str(checkpoint), "-o", pack]) == 0
    lines, metrics = run(checkpoint, prepared, tmp_path / "out", pack)
    found = metrics["deployed"]
    assert found["clips"] == 3 and found["same_answer"] == 1.0
    assert found["largest_difference"] < max(1e-3 * found["spread"], 1e-4) < found["spread"]
    agrees = found["largest_difference"] <= 1e-3 * found["spread"]
    assert ("agrees with PyTorch" if agrees else "DIFFERS from PyTorch") in lines[1]
    assert (tmp_path / "out" / "confusion.png").stat().st_size > 0


@pytest.mark.parametrize("modalities", ["M", "M+S"])
def test_a_pack_for_regions_agrees_on_the_pictures_in_which_something_moves(
    modalities, with_still, tmp_path
):
    checkpoint = saved(tmp_path, with_still, modalities, view="region")
    pack = str(tmp_path / "pack")
    assert main(["export", str(checkpoint), "-o", pack, "--background", "odd"]) == 0
    lines, metrics = run(checkpoint, with_still, tmp_path / "out", pack)
    found = metrics["deployed"]
    assert (found["clips"], found["idle"], found["same_answer"]) == (3, 1, 1.0)
    assert found["largest_difference"] < max(1e-3 * found["spread"], 1e-4) < found["spread"]
    assert "nothing moves in 1 of them" in lines[1]
    idle = (
        read_checkpoint(checkpoint),
        with_still,
        [with_still.clips[1]],
        Protocol(view="region", pictures=0),
    )
    moments = evaluated_samples(*idle).moments(0)
    assert any(is_idle for *_, is_idle in moments)  # of a clip in which something moves later


def test_a_pack_without_background_cannot_tell_that_nothing_moves(with_still, tmp_path):
    checkpoint = saved(tmp_path, with_still, "M", view="region")
    pack = str(tmp_path / "pack")
    assert main(["export", str(checkpoint), "-o", pack]) == 0
    with pytest.raises(SourceError, match="nothing moves in it, and .*pack has no label for that"):
        run(checkpoint, with_still, tmp_path / "out", pack)


def test_late_fusion_is_evaluated_as_a_device_scores_it(prepared, tmp_path):
    """With the mean of two key pictures; the paper's row I+MV+R, with one."""
    for modalities, fields in (
        ("I+M", ("rgb", "flow", "residual", "neighbour")),
        ("I+MV+R", ("rgb", "flow", "residual")),
    ):
        checkpoint = read_checkpoint(saved(tmp_path, prepared, modalities=modalities))
        protocol = protocol_of(checkpoint)
        entries = part_of(prepared, protocol)
        samples = evaluated_samples(checkpoint, prepared, entries, protocol)
        given = samples[0, 0].pictures._asdict()
        assert {name for name, tensor in given.items() if tensor is not None} == set(fields)
        both = evaluated_samples(checkpoint, prepared, entries, protocol, as_device=True)
        assert both[0, 0].pictures.neighbour is not None


def test_a_pack_of_another_model_is_found_out(checkpoint, prepared, tmp_path):
    other = small_models.model(read_checkpoint(checkpoint).architecture, seed=9)
    made = read_checkpoint(checkpoint)._replace(state=other.state_dict())
    save_checkpoint(tmp_path / "other.pt", made)
    pack = str(tmp_path / "pack")
    assert main(["export", str(tmp_path / "other.pt"), "-o", pack]) == 0
    lines, _ = run(checkpoint, prepared, tmp_path / "out", pack)
    assert "DIFFERS from PyTorch" in lines[1]


def test_a_pack_of_other_labels_is_refused(checkpoint, prepared, tmp_path):
    made = read_checkpoint(checkpoint)._replace(labels=("a", "b"))
    save_checkpoint(tmp_path / "other.pt", made)
    pack = str(tmp_path / "pack")
    assert main(["export", str(tmp_path / "other.pt"), "-o", pack]) == 0
    with pytest.raises(ModelError, match="its labels differ from those"):
        run(checkpoint, prepared, tmp_path / "out", pack)
    with pytest.raises(UsageError, match="its labels differ from those"):
        run(tmp_path / "other.pt", prepared, tmp_path / "out2")


def test_the_protocol_can_be_changed(checkpoint, prepared, tmp_path):
    losses = {}
    for name, changes in {
        "one": {},
        "all": {"pictures": 0},
        "as-p": {"b_frames": "as-p"},
        "P": {"frame_types": "I+P"},
    }.items():
        _, metrics = run(checkpoint, prepared, tmp_path / name, **changes)
        losses[name] = metrics["loss"]
        assert metrics["clips"] == 3 and metrics["protocol"]["part"] == "test"
    assert len(set(losses.values())) == 4
    with pytest.raises(UsageError, match="choose one of correct, as-p, ignore"):
        run(checkpoint, prepared, tmp_path / "wrong", b_frames="both")


def test_a_gop_counts_once_however_many_of_its_pictures_are_scored():
    class Fixed:
        def eval(self):
            return self

        def outputs(self, inputs):
            class Outputs:
                parts = inputs.flow[None, :, :, 0, 0]

            return Outputs

    rows = torch.tensor([[3.0, 0.0], [5.0, 0.0], [0.0, 10.0]])
    numbers = torch.tensor([7, 7, 7])
    batch = Batch(
        Inputs(flow=rows[..., None, None]),
        None,
        torch.tensor([1, 1, 1]),
        numbers,
        torch.tensor([0, 0, 1]),
    )
    alone = Processes(0, 1, torch.device("cpu"))
    scores = clip_scores(Fixed(), [batch], alone, nullcontext)
    assert scores.numbers.tolist() == [7] and scores.logits.tolist() == [[2.0, 5.0]]
    assert scores.top1 == 1.0 and scores.loss == pytest.approx(np.log1p(np.exp(-3.0)))


def test_confusion_counts_truth_in_rows():
    scores = ClipScores(np.arange(3), np.array([[1.0, 0], [1, 0], [0, 1]]), np.array([0, 1, 1]))
    assert confusion(scores, 2).tolist() == [[1, 0], [1, 1]]
