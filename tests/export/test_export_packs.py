"""Model packs: the demo pack is reproducible, packs appear whole or not at all, and mistakes are named."""

import json

import pytest

torch = pytest.importorskip("torch")

import make_data  # noqa: E402
import numpy as np  # noqa: E402
import onnx  # noqa: E402
from demo_inputs import DATA, DEMO_PACK  # noqa: E402

from edge_attp.errors import ModelError, UsageError  # noqa: E402
from edge_attp_export.architecture import Architecture  # noqa: E402
from edge_attp_export.attp import ATTP  # noqa: E402
from edge_attp_export.checkpoints import load_checkpoint  # noqa: E402
from edge_attp_export.cli import main  # noqa: E402
from edge_attp_export.packs import read_labels  # noqa: E402

PACKS = DEMO_PACK.parent
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


def test_demo_pack_is_rebuilt_by_the_command_of_its_readme(tmp_path, monkeypatch):
    text = (PACKS / "README.md").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.endswith("--out demo"))
    program, *arguments = line.split()
    assert program == "edge-attp-export"
    monkeypatch.chdir(PACKS)
    assert main([*arguments[:-1], str(tmp_path / "demo")]) == 0
    # Sums differ in the last bits from processor to processor, so tensors are compared and not bytes.
    for name in ("appearance.onnx", "motion.onnx"):
        fresh, stored = weights(tmp_path / "demo" / name), weights(DEMO_PACK / name)
        assert fresh.keys() == stored.keys()
        for key, value in stored.items():
            np.testing.assert_allclose(fresh[key], value, rtol=1e-3, atol=1e-4, err_msg=key)
        assert structure(tmp_path / "demo" / name) == structure(DEMO_PACK / name)
    assert description(tmp_path / "demo") == description(DEMO_PACK)


def structure(path):
    model = onnx.load(path)
    del model.graph.initializer[:]
    return model


def description(folder):
    content = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    for graph in content["graphs"].values():
        graph.pop("sha256")
    return content


def test_stored_demo_scores_are_pytorchs():
    stored = np.array(json.loads((DATA / "demo_scores.json").read_text()))
    np.testing.assert_allclose(make_data.demo_scores(), stored, atol=1e-3)


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
    assert "exists; give --force" in capsys.readouterr().err
    assert (out / "precious").exists()
    assert export(labels, out, "--force") == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "appearance.onnx",
        "model.json",
        "motion.onnx",
    ]


def test_failed_export_leaves_nothing(labels, tmp_path, monkeypatch):
    def fail(model):
        raise KeyboardInterrupt

    monkeypatch.setattr("edge_attp_export.packs.motion_graph", fail)
    before = sorted(path.name for path in tmp_path.iterdir())
    assert export(labels, tmp_path / "pack") == 130
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("text", "message"),
    [("wave\nrun\nwave\n", "line 3: the label 'wave' is there twice"), ("wave\n", "1 labels")],
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


def test_backbone_checkpoint_goes_into_all_three_networks(tmp_path):
    shape = Architecture("mobilenet_v2", 2, 0.1, 5, 4)
    source, model = ATTP(shape), ATTP(shape)
    path = tmp_path / "backbone.pth"
    torch.save(source.litenet_i.state_dict(), path)
    assert load_checkpoint(model, path) is False
    for net in (model.litenet_i, model.litenet_mv, model.litenet_r):
        torch.testing.assert_close(
            net.features[18][0].weight, source.litenet_i.features[18][0].weight
        )


def test_whole_checkpoint_makes_a_trained_pack(labels, tmp_path):
    source = ATTP(Architecture("mobilenet_v2", 2, 0.1, 5, 4))
    path = tmp_path / "model.pth"
    torch.save(source.state_dict(), path)
    assert export(labels, tmp_path / "pack", "--checkpoint", str(path)) == 0
    assert json.loads((tmp_path / "pack" / "model.json").read_text())["trained"] is True
    stored = weights(tmp_path / "pack" / "motion.onnx")["classifier"]
    np.testing.assert_array_equal(stored, source.pooling.p.detach().numpy())


def test_unusable_checkpoints_are_model_errors(tmp_path):
    model = ATTP(Architecture("mobilenet_v2", 2, 0.1, 5, 4))
    garbage, foreign = tmp_path / "garbage.pth", tmp_path / "foreign.pth"
    garbage.write_bytes(b"not a checkpoint")
    torch.save({"layer.weight": torch.zeros(3)}, foreign)
    for path in (tmp_path / "missing.pth", garbage, foreign):
        with pytest.raises(ModelError, match=path.name) as caught:
            load_checkpoint(model, path)
        assert "\n" not in str(caught.value)
