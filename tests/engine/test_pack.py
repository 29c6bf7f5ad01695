"""Reading model packs: what is right, and every way to be wrong."""

import json
import os

import pytest
import tiny_pack

from edge_attp.engine import default_pack, load_pack
from edge_attp.errors import ModelError


@pytest.fixture
def folder(tmp_path):
    return tiny_pack.write(tmp_path / "tiny")


def edit(folder, change):
    path = os.path.join(folder, "model.json")
    with open(path) as file:
        values = json.load(file)
    change(values)
    with open(path, "w") as file:
        json.dump(values, file)


def setter(path, value):
    def change(values):
        keys = path.split(".")
        for key in keys[:-1]:
            values = values[key]
        values[keys[-1]] = value

    return change


def test_a_pack_is_read_whole(folder):
    pack = load_pack(folder)
    assert (pack.name, pack.backbone, pack.trained) == ("tiny", "means", False)
    assert pack.labels == tuple(tiny_pack.LABELS)
    assert pack.input.resize == (10, 10) and pack.input.crop == (8, 8)
    assert pack.input.rgb.std == (1.0, 1.0, 1.0) and pack.input.flow_scale == tiny_pack.FLOW_SCALE
    assert pack.trilinear == (1, 2, 3, 4)
    assert pack.graphs["motion"] == os.path.join(folder, "motion.onnx")


def test_precision_is_fp32_where_nothing_is_said(folder):
    assert load_pack(folder).precision == "fp32"
    edit(folder, setter("precision", "fp16"))
    assert load_pack(folder).precision == "fp16"


def test_shapes_follow_from_the_pack(folder):
    edit(folder, setter("input.crop", [6, 4]))
    pack = load_pack(folder)
    assert pack.inputs("appearance") == {"rgb": (3, 4, 6)}
    assert pack.outputs("appearance") == {"appearance": (2, 4)}
    assert pack.inputs("motion") == {
        "flow": (2, 4, 6),
        "residual": (3, 4, 6),
        "appearance": (2, 4),
    }
    assert pack.outputs("motion") == {"scores": (3,)}


def test_the_default_pack_is_valid_and_trained():
    pack = load_pack(default_pack())
    assert pack.trained and pack.training and pack.accuracy
    size_bytes = sum(entry.stat().st_size for entry in os.scandir(pack.folder))
    assert size_bytes <= 20 << 20


@pytest.mark.parametrize(
    "path, value, complaint",
    [
        ("format_version", 2, "format_version is 2; expected 1"),
        ("format_version", True, "format_version is true; expected 1"),
        ("name", " ", 'name is " "; expected a text'),
        ("precision", 16, "precision is 16; expected a text"),
        ("trained", 1, "trained is 1; expected true or false"),
        ("labels", ["a", "a"], r'labels is \["a", "a"\]; expected a list of two or more different'),
        ("labels", ["a"], "expected a list of two or more"),
        ("input", [], r"input is \[\]; expected an object"),
        ("input.resize", [340], r"input.resize is \[340\]; expected \[width, height\]"),
        ("input.resize", [340, 25.6], "input.resize is"),
        ("input.crop", [11, 8], r"input.crop is \[11, 8\]; expected .* not larger than"),
        (
            "input.rgb.std",
            [1, 0, 1],
            r"input.rgb.std is \[1, 0, 1\]; expected three numbers above 0",
        ),
        ("input.rgb.mean", [1, 0], "input.rgb.mean is .* expected three numbers"),
        ("input.flow.scale", "big", 'input.flow.scale is "big"; expected a number above 0'),
        ("input.residual.gamma", 1, "input.residual.gamma is 1; expected no such key"),
        ("trilinear.factors", 0, "trilinear.factors is 0; expected a whole number above 0"),
        ("graphs.motion.file", "../motion.onnx", "graphs.motion.file .* without folders"),
        (
            "graphs.motion.sha256",
            "00",
            'graphs.motion.sha256 is "00"; expected [0-9a-f]{64}, which',
        ),
        ("graphs.motion.file", "other.onnx", "other.onnx: cannot be read: No such file"),
        ("accuracy", 0.9, "accuracy is 0.9; expected an object or null"),
        ("colour", "red", 'colour is "red"; expected no such key'),
    ],
)
def test_wrong_values_are_named(folder, path, value, complaint):
    edit(folder, setter(path, value))
    with pytest.raises(ModelError, match=complaint) as caught:
        load_pack(folder)
    assert caught.value.exit_code == 5 and "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["labels", "input.flow", "graphs.appearance.sha256", "training"])
def test_missing_keys_are_named(folder, path):
    def remove(values):
        keys = path.split(".")
        for key in keys[:-1]:
            values = values[key]
        del values[keys[-1]]

    edit(folder, remove)
    with pytest.raises(ModelError, match="%s is missing; expected" % path):
        load_pack(folder)


def test_long_values_are_cut(folder):
    edit(folder, setter("labels", ["x" * 999]))
    with pytest.raises(ModelError) as caught:
        load_pack(folder)
    assert len(str(caught.value)) < 400


def test_an_altered_graph_is_refused(folder):
    with open(os.path.join(folder, "motion.onnx"), "ab") as file:
        file.write(b"\0")
    with pytest.raises(ModelError, match="graphs.motion.sha256"):
        load_pack(folder)


def test_no_folder(tmp_path):
    with pytest.raises(ModelError, match="no such folder"):
        load_pack(str(tmp_path / "absent"))


def test_no_model_json(tmp_path):
    with pytest.raises(ModelError, match="model.json: cannot be read: No such file"):
        load_pack(str(tmp_path))


def test_not_json(tmp_path):
    (tmp_path / "model.json").write_text("{oops")
    with pytest.raises(ModelError, match="model.json: is not JSON"):
        load_pack(str(tmp_path))


def test_not_an_object(tmp_path):
    (tmp_path / "model.json").write_text("[]")
    with pytest.raises(ModelError, match=r"the whole file is \[\]; expected an object"):
        load_pack(str(tmp_path))
