"""Model packs: the untrained pack is reproducible, packs are written atomically, and mistakes are named."""

import hashlib
import json

import make_data
import numpy as np
import onnx
import pytest
import small_checkpoint
import torch
from fixed_inputs import DATA, UNTRAINED

from edge_attp.engine import load_pack
from edge_attp.errors import UsageError
from edge_attp_export.architecture import Architecture
from edge_attp_export.attp import ATTP
from edge_attp_export.checkpoints import build
from edge_attp_export.cli import main
from edge_attp_export.model_card import card, with_facts
from edge_attp_export.onnx_graphs import appearance_graph, motion_graph
from edge_attp_export.packs import PACKABLE, describe, read_labels
from edge_attp_export.parity import Parity

pytestmark = [pytest.mark.needs_torch, pytest.mark.needs_onnx]

FILES = ["README.md", "appearance.onnx", "model.json", "motion.onnx"]
TINY = ["--backbone", "mobilenet_v2", "--width", "0.1", "--projections", "4"]


@pytest.fixture
def labels(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("wave\n\n  stand \n")
    return path


def export(labels, out, *options):
    return main(["export", *TINY, "--classes", str(labels), "--out", str(out), *options])


def weights(path):
    return {w.name: onnx.numpy_helper.to_array(w) for w in onnx.load(path).graph.initializer}


def test_untrained_pack_is_rebuilt_by_its_command(tmp_path):
    command = "export --backbone mobilenet_v2 --width 0.15 --projections 64 --name untrained"
    files = ["--classes", str(DATA / "untrained_labels.txt"), "-o", str(tmp_path / "fresh")]
    assert main([*command.split(), *files]) == 0
    # Sums differ in the last bits from processor to processor, so tensors are compared and not bytes.
    for name in ("appearance.onnx", "motion.onnx"):
        fresh, stored = weights(tmp_path / "fresh" / name), weights(UNTRAINED / name)
        assert fresh.keys() == stored.keys()
        for key, value in stored.items():
            np.testing.assert_allclose(fresh[key], value, rtol=1e-3, atol=1e-4, err_msg=key)
        assert structure(tmp_path / "fresh" / name) == structure(UNTRAINED / name)
    assert description(tmp_path / "fresh") == description(UNTRAINED)


def structure(path):
    model = onnx.load(path)
    del model.graph.initializer[:]
    return model


def description(folder):
    content = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    for graph in content["graphs"].values():
        graph.pop("sha256")
    return content


def test_stored_untrained_scores_are_pytorchs():
    stored = np.array(json.loads((DATA / "untrained_scores.json").read_text()))
    np.testing.assert_allclose(make_data.untrained_scores(), stored, atol=1e-3)


def test_pack_describes_itself(labels, tmp_path):
    assert export(labels, tmp_path / "mine") == 0
    content = json.loads((tmp_path / "mine" / "model.json").read_text())
    assert content["name"] == "mine"
    assert content["labels"] == ["wave", "stand"]
    assert content["trained"] is False
    assert content["trilinear"] == {
        "factors": 5,
        "projections": 4,
        "channels": 128,
        "positions": 49,
    }


def test_seed_decides_the_weights(labels, tmp_path):
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        assert export(labels, tmp_path / name, "--seed", seed) == 0
    data = {name: (tmp_path / name / "motion.onnx").read_bytes() for name in "abc"}
    assert data["a"] == data["b"] != data["c"]


def test_existing_folder_is_kept_unless_forced(labels, tmp_path, capsys):
    out = tmp_path / "pack"
    out.mkdir()
    (out / "precious").write_text("x")
    assert export(labels, out) == 2
    assert "exists; --force" in capsys.readouterr().err
    assert (out / "precious").exists()
    assert export(labels, out, "--force") == 0
    assert sorted(path.name for path in out.iterdir()) == FILES


@pytest.mark.parametrize("broken", ["onnx_graphs.motion_graph", "model_card.card"])
def test_failed_export_leaves_nothing(broken, labels, tmp_path, monkeypatch):
    def fail(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"edge_attp_export.{broken}", fail)
    before = sorted(path.name for path in tmp_path.iterdir())
    assert export(labels, tmp_path / "pack") == 130
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("text", "message"),
    [("wave\nrun\nwave\n", "line 3: the label 'wave' occurs twice"), ("wave\n", "1 labels")],
)
def test_bad_labels_are_named(tmp_path, text, message):
    path = tmp_path / "labels.txt"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        read_labels(path)


def test_missing_labels_end_in_one_line(tmp_path, capsys):
    assert export(tmp_path / "none.txt", tmp_path / "pack") == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and "none.txt" in captured.err


def test_untrained_pack_needs_classes(tmp_path, capsys):
    assert main(["export", "-o", str(tmp_path / "pack")]) == 2
    assert "expected a CHECKPOINT, or --classes" in capsys.readouterr().err


def test_backbone_weights_go_into_an_untrained_pack(labels, tmp_path):
    model = ATTP(Architecture("mobilenet_v2", 2, 0.1, 5, 4))
    torch.save(model.litenet_i.state_dict(), tmp_path / "backbone.pth")
    options = ["--backbone-weights", str(tmp_path / "backbone.pth")]
    assert export(labels, tmp_path / "pack", *options) == 0
    assert json.loads((tmp_path / "pack" / "model.json").read_text())["trained"] is False
    graph = appearance_graph(model)
    stored = weights(tmp_path / "pack" / "appearance.onnx")
    expected = {w.name: onnx.numpy_helper.to_array(w) for w in graph.graph.initializer}
    np.testing.assert_array_equal(stored["i.18.0.weight"], expected["i.18.0.weight"])


def test_checkpoint_says_everything(tmp_path, capsys):
    checkpoint = small_checkpoint.saved(tmp_path)
    assert main(["export", str(checkpoint), "-o", str(tmp_path / "pack"), "--name", "mine"]) == 0
    pack = load_pack(str(tmp_path / "pack"))
    assert (pack.name, pack.trained, pack.labels) == ("mine", True, small_checkpoint.LABELS)
    assert (pack.input.crop, pack.trilinear.positions) == ((64, 64), 4)
    assert pack.input == small_checkpoint.checkpoint().input
    assert pack.training == small_checkpoint.TRAINING and pack.accuracy == small_checkpoint.ACCURACY
    printed = capsys.readouterr()
    for name in ("appearance", "motion"):
        data = (tmp_path / "pack" / f"{name}.onnx").read_bytes()
        assert f"{name}.onnx  {len(data) / 1e6:.2f} MB" in printed.out
        assert hashlib.sha256(data).hexdigest() in printed.out
    assert "not checked; --check VIDEO" in printed.err


@pytest.mark.parametrize(
    "modalities, files, fusion",
    [
        (
            "M",
            ["README.md", "model.json", "motion.onnx"],
            "none: motion and residual energy in one network",
        ),
        (
            "I+M",
            FILES,
            "sum of the scores of key pictures, motion and residual energy in one network",
        ),
        ("I+MV+R", FILES, "sum of the scores of key pictures, motion, residual"),
    ],
)
def test_scores_that_are_added_up_go_into_a_pack(modalities, files, fusion, tmp_path):
    checkpoint, out = small_checkpoint.saved(tmp_path, modalities), tmp_path / "pack"
    assert main(["export", str(checkpoint), "-o", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == files
    pack = load_pack(str(out))
    assert pack.trilinear is None and pack.has_appearance == ("I" in modalities.split("+"))
    assert pack.input == small_checkpoint.checkpoint(modalities).input
    content = json.loads((out / "model.json").read_text())
    assert content["modalities"] == modalities and "trilinear" not in content
    networks = len(modalities.split("+"))
    card = (out / "README.md").read_text()
    assert f"| networks | {networks} x mobilenet_v2" in card and f"| fusion | {fusion} |" in card


@pytest.mark.parametrize("modalities", ["I", "MV", "BP", "TP"])
def test_what_a_device_cannot_score_does_not_go_into_a_pack(modalities, tmp_path, capsys):
    checkpoint = small_checkpoint.saved(tmp_path, modalities)
    assert main(["export", str(checkpoint), "-o", str(tmp_path / "pack")]) == 5
    error = capsys.readouterr().err
    assert f"{checkpoint}: a {modalities} model; a pack holds {PACKABLE}" in error
    assert not (tmp_path / "pack").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--width", "0.5"], "describes the model: omit --width"),
        (["--backbone-weights", "x"], "omit --backbone-weights"),
        (["--precision", "int8"], "int8 and --calibrate VIDEO... go together"),
        (["--calibrate", "x.mp4"], "int8 and --calibrate VIDEO... go together"),
        (["--card", "none.md"], "none.md: cannot read the notes"),
    ],
)
def test_options_that_do_not_go_together(options, message, tmp_path, capsys):
    checkpoint = small_checkpoint.saved(tmp_path)
    assert main(["export", str(checkpoint), "-o", str(tmp_path / "pack"), *options]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "pack").exists()


@pytest.mark.needs_av
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_command_checks_calibrates_and_writes_the_card(precision, clips, tmp_path, capsys):
    video = str(clips.path(small_checkpoint.CLIP))
    (tmp_path / "notes.md").write_text("Made for doors.")
    command = ["export", str(small_checkpoint.saved(tmp_path)), "-o", str(tmp_path / "pack")]
    command += ["--precision", precision, "--card", str(tmp_path / "notes.md"), "--check", video]
    assert main(command + (["--calibrate", video] if precision == "int8" else [])) == 0
    printed = capsys.readouterr().out
    assert "U'x differs by" in printed and "of the best labels are the same" in printed
    content = json.loads((tmp_path / "pack" / "model.json").read_text())
    assert content.get("precision", "fp32") == precision
    text = (tmp_path / "pack" / "README.md").read_text()
    assert "Made for doors." in text and f"| precision | {precision} |" in text
    assert "U'x differs by" in text and "ms per key picture" in text
    load_pack(str(tmp_path / "pack"))


@pytest.mark.needs_av
@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize("modalities", ["M", "I+M"])
def test_sums_of_scores_are_checked_and_calibrated_too(
    modalities, precision, clips, tmp_path, capsys
):
    video = str(clips.path(small_checkpoint.CLIP))
    checkpoint, out = small_checkpoint.saved(tmp_path, modalities), tmp_path / "pack"
    command = ["export", str(checkpoint), "-o", str(out), "--precision", precision]
    # In 8 bits, the labels of random weights are too close for a check.
    assert main(command + ["--calibrate" if precision == "int8" else "--check", video]) == 0
    printed, card = capsys.readouterr().out, (out / "README.md").read_text()
    load_pack(str(out))
    if precision == "int8":
        return
    assert "of the best labels are the same" in printed and "U'x" not in printed + card
    assert ("appearance differs by at most" in card) == (modalities == "I+M")
    assert ("ms per key picture" in card) == (modalities == "I+M") and "ms per P or B" in card


@pytest.mark.needs_av
def test_a_pack_that_is_not_its_model_is_not_written(clips, tmp_path, monkeypatch, capsys):
    other = small_checkpoint.checkpoint(seed=3)
    monkeypatch.setattr(
        "edge_attp_export.onnx_graphs.motion_graph",
        lambda model, *rest: motion_graph(build(other), *rest),
    )
    command = ["export", str(small_checkpoint.saved(tmp_path)), "-o", str(tmp_path / "pack")]
    assert main([*command, "--check", str(clips.path(small_checkpoint.CLIP))]) == 5
    assert "the pack differs from the model: the scores differ" in capsys.readouterr().err
    assert not (tmp_path / "pack").exists()


def test_card_names_everything():
    checkpoint = small_checkpoint.checkpoint()
    training = {
        "data": "300 clips of doors",
        "licences": ["clips: CC0", "weights: Apache-2.0"],
        "protocol": "five seeds, sources apart",
        "intended_use": "counting doors",
        "limits": "windows | gates",
        "settings": {"epochs": 3, "rates": [0.1, 0.01]},
        "seed": 1,
    }
    accuracy = {
        "top1": {"mean": 0.75, "spread": 0.031},
        "baselines": {"majority": 0.5},
        "calibration": {"temperature": 1.25},
        "thresholds": {"open": 0.75},
    }
    filled = checkpoint._replace(training=training, accuracy=accuracy)
    description = describe(filled, build(filled), True, "doors", "fp16")
    found = Parity(16, 0.0012, 0.034, 1.0, 2.5, 7.25, "ONNX Runtime 9, CPU")
    text = card(description, {"motion.onnx": 2_500_000, "appearance.onnx": 1_000_000}, found, "Hi.")
    for expected in (
        "# doors\n",
        "Labels: open, close, wave",
        "Hi.",
        "| size | 3.50 MB (motion.onnx 2.50 MB, appearance.onnx 1.00 MB) |",
        "## Intended use\n\ncounting doors",
        "## What it is not good for\n\nwindows | gates",
        "## Data\n\n300 clips of doors",
        "## Licences\n\n- clips: CC0\n- weights: Apache-2.0",
        "## Protocol\n\nfive seeds, sources apart",
        "| settings: epochs | 3 |",
        "| settings: rates | 0.1, 0.01 |",
        "| top1: mean | 0.75 |",
        "| top1: spread | 0.031 |",
        "| majority | 0.5 |",
        "## Calibration\n\n| | |\n|---|---|\n| temperature | 1.25 |\n\n![Reliability of held-out",
        "## Thresholds of events\n\n| | |\n|---|---|\n| open | 0.75 |",
        "motion.onnx 7.2 ms per P or B picture",
    ):
        assert expected in text
    assert "Untrained" not in text and "Not recorded" not in text


def test_a_pack_says_what_its_networks_saw():
    checkpoint = small_checkpoint.checkpoint()
    model = build(checkpoint)
    for training, wanted in (
        ({}, {}),
        ({"view": "whole"}, {}),
        ({"view": "region"}, {"view": "region"}),
    ):
        described = describe(checkpoint._replace(training=training), model, True, "doors")
        assert {key: described[key] for key in ("view",) if key in described} == wanted


def test_background_labels_are_named(tmp_path, capsys):
    command = ["export", str(small_checkpoint.saved(tmp_path)), "-o", str(tmp_path / "pack")]
    assert main([*command, "--background", "wave", "close"]) == 0
    assert load_pack(str(tmp_path / "pack")).background == ("wave", "close")
    for labels, message in (
        (["shut"], "--background shut: the labels are open, close, wave"),
        (["wave", "close", "open"], "--background names all labels"),
    ):
        assert main([*command, "--force", "--background", *labels]) == 2
        assert message in capsys.readouterr().err


def test_facts_join_what_the_checkpoint_says(tmp_path):
    facts, out = tmp_path / "facts.json", tmp_path / "pack"
    facts.write_text('{"training": {"licences": "CC0"}, "accuracy": {"top1": 0.5}}')
    checkpoint = small_checkpoint.saved(tmp_path)
    assert main(["export", str(checkpoint), "-o", str(out), "--facts", str(facts)]) == 0
    pack = load_pack(str(out))
    assert pack.training == dict(small_checkpoint.TRAINING, licences="CC0")
    assert pack.accuracy == {"top1": 0.5, "spread": 0.03}
    assert "## Licences\n\nCC0" in (out / "README.md").read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot read the facts"),
        ("[]", "expected an object with 'training' and 'accuracy'"),
        ('{"speed": {}}', "expected an object with 'training' and 'accuracy'"),
        ('{"training": 3}', "'training' is not an object"),
    ],
)
def test_bad_facts_are_named(text, message, tmp_path):
    path = tmp_path / "facts.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=f"facts.json: {message}"):
        with_facts(small_checkpoint.checkpoint(), path)


def test_card_of_an_untrained_pack_says_so(labels, tmp_path):
    assert export(labels, tmp_path / "pack") == 0
    text = (tmp_path / "pack" / "README.md").read_text()
    assert "**Untrained: the weights are random" in text
    assert text.count("Not recorded.") == 10
    assert "Neither parity with PyTorch nor speed was measured" in text
