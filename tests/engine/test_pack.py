"""Reading model packs: what is right, and every way to be wrong."""

import json
import os

import pytest

from doubles import tiny_pack
from edge_attp.engine import default_pack, load_pack
from edge_attp.errors import ModelError

pytestmark = pytest.mark.needs_onnx


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


def test_view_and_background_are_optional(folder):
    pack = load_pack(folder)
    assert pack.view == "whole" and pack.background == ()
    edit(folder, setter("view", "region"))
    edit(folder, setter("background", ["flow", "residual"]))
    pack = load_pack(folder)
    assert pack.view == "region" and pack.background == ("flow", "residual")
    shipped = load_pack(default_pack())
    assert shipped.view == "region" and shipped.background == ("noFight",)


@pytest.mark.parametrize(
    "background, message",
    [
        (["flow", "walk"], r'background: got "walk", expected one of the labels: appearance'),
        (tiny_pack.LABELS, "background: names all labels"),
        ("flow", "background: got .*, expected a list of labels"),
    ],
)
def test_a_wrong_background_is_named(folder, background, message):
    edit(folder, setter("background", background))
    with pytest.raises(ModelError, match=message):
        load_pack(folder)


def test_thresholds_are_optional(folder):
    assert load_pack(folder).thresholds == {}
    edit(folder, setter("background", ["residual"]))
    edit(folder, setter("thresholds", {"flow": 1}))
    assert load_pack(folder).thresholds == {"flow": 1.0}


@pytest.mark.parametrize(
    "thresholds, message",
    [
        ({"walk": 0.5}, "thresholds.walk: is no label; a threshold is for one of appearance, flow"),
        ({"residual": 0.5}, "thresholds.residual: is a background label; a threshold is for"),
        ({"flow": 0}, "thresholds.flow: got 0, expected a number above 0 and at most 1"),
        ({"flow": True}, "thresholds.flow: got true, expected a number"),
        ({"flow": 1.01}, "thresholds.flow: got 1.01, expected a number"),
        (0.5, "thresholds: got 0.5, expected an object with a probability for each label"),
        (None, "thresholds: got null, expected an object"),
    ],
)
def test_wrong_thresholds_are_named(folder, thresholds, message):
    edit(folder, setter("background", ["residual"]))
    edit(folder, setter("thresholds", thresholds))
    with pytest.raises(ModelError, match=message):
        load_pack(folder)


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


def test_motion_and_residual_may_be_coarser_than_the_key_picture(folder):
    edit(folder, setter("input.resize", [12, 8]))
    edit(folder, setter("input.crop", [8, 4]))
    edit(folder, setter("input.flow.step", 4))
    edit(folder, setter("input.residual.step", 2))
    pack = load_pack(folder)
    assert (pack.input.flow_step, pack.input.residual_step) == (4, 2)
    assert pack.inputs("appearance") == {"rgb": (3, 4, 8)}
    assert pack.inputs("motion") == {
        "flow": (2, 1, 2),
        "residual": (3, 2, 4),
        "appearance": (2, 4),
    }


def test_a_pack_may_do_without_appearance(tmp_path):
    pack = load_pack(tiny_pack.write(tmp_path / "motion", kind="motion"))
    assert list(pack.graphs) == ["motion"] and not pack.has_appearance and pack.trilinear is None
    assert pack.input.residual_kind == "energy" and pack.input.residual == ((0.0,), (1.0,))
    assert pack.inputs("motion") == {"flow": (2, 8, 8), "residual": (1, 8, 8)}
    assert pack.outputs("motion") == {"scores": (2,)}


def test_without_trilinear_pooling_appearance_is_scores(tmp_path):
    pack = load_pack(tiny_pack.write(tmp_path / "late", kind="late"))
    assert pack.has_appearance and pack.trilinear is None
    assert pack.inputs("appearance") == {"rgb": (3, 8, 8)}
    assert pack.outputs("appearance") == {"appearance": (3, 1)}
    assert pack.inputs("motion")["appearance"] == (3, 1)


def test_trilinear_pooling_needs_appearance(tmp_path):
    folder = tiny_pack.write(tmp_path / "motion", kind="motion")
    edit(folder, setter("trilinear", {"factors": 1}))
    with pytest.raises(ModelError, match="trilinear: projects key pictures, which only graphs"):
        load_pack(folder)


def test_the_default_pack_is_valid_and_trained():
    pack = load_pack(default_pack())
    assert pack.trained and pack.training and pack.accuracy
    size_bytes = sum(entry.stat().st_size for entry in os.scandir(pack.folder))
    assert size_bytes <= 14 << 20


@pytest.mark.parametrize(
    "path, value, complaint",
    [
        ("format_version", 2, "format_version: got 2, expected 1"),
        ("format_version", True, "format_version: got true, expected 1"),
        ("name", " ", 'name: got " ", expected a line of text'),
        ("precision", 16, "precision: got 16, expected a line of text"),
        ("trained", 1, "trained: got 1, expected true or false"),
        (
            "labels",
            ["a", "a"],
            r'labels: got \["a", "a"\], expected a list of two or more different',
        ),
        ("labels", ["a"], "expected a list of two or more"),
        ("input", [], r"input: got \[\], expected an object"),
        ("input.resize", [340], r"input.resize: got \[340\], expected \[width, height\]"),
        ("width", 10**400, "width: got 1000"),
        ("input.resize", [340, 25.6], "input.resize: got"),
        ("input.crop", [11, 8], r"input.crop: got \[11, 8\], expected .* not larger than"),
        (
            "input.rgb.std",
            [1, 0, 1],
            r"input.rgb.std: got \[1, 0, 1\], expected three numbers above 0",
        ),
        ("input.rgb.mean", [1, 0], "input.rgb.mean: got .* expected three numbers"),
        ("input.flow.scale", "big", 'input.flow.scale: got "big", expected a number above 0'),
        ("input.residual.gamma", 1, "input.residual.gamma: unknown key; known are mean, std"),
        ("input.residual", None, "input.residual: got null, expected an object"),
        (
            "input.residual.kind",
            "size",
            'input.residual.kind: got "size", expected one of "signed", ',
        ),
        (
            "input.residual.kind",
            [],
            r'input.residual.kind: got \[\], expected one of "signed", "energy"',
        ),
        (
            "input.residual.kind",
            "energy",
            "input.residual.mean: got .* expected a list of one number",
        ),
        ("trilinear", 3, "trilinear: got 3, expected an object"),
        ("graphs.appearance", [], r"graphs.appearance: got \[\], expected an object"),
        ("graphs.appearence", {}, 'graphs.appearence: unknown key; did you mean "appearance"'),
        ("input.flow.step", 0, "input.flow.step: got 0, expected a whole number above 0"),
        ("input.residual.step", 4, "input.residual.step: got 4, expected a divisor of both sides"),
        ("trilinear.factors", 0, "trilinear.factors: got 0, expected a whole number above 0"),
        ("graphs.motion.file", "../motion.onnx", "graphs.motion.file: got .* without folders"),
        (
            "input.rgb.mean",
            [float("nan"), 0, 0],
            r"input.rgb.mean: got \[NaN, 0, 0\], expected three",
        ),
        ("trilinear.factor", 1, 'trilinear.factor: unknown key; did you mean "factors"'),
        (
            "graphs.motion.sha256",
            "00",
            "motion.onnx: is not the file that this pack was made with: its sha256 is [0-9a-f]{64}, model",
        ),
        ("graphs.motion.file", "other.onnx", "other.onnx: cannot be read: No such file"),
        ("accuracy", 0.9, "accuracy: got 0.9, expected an object or null"),
        ("colour", "red", "colour: unknown key; known are format_version, name"),
    ],
)
def test_wrong_values_are_named(folder, path, value, complaint):
    edit(folder, setter(path, value))
    with pytest.raises(ModelError, match=complaint) as caught:
        load_pack(folder)
    assert caught.value.exit_code == 5 and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "path, told",
    [
        ("labels", "labels"),
        ("input.flow", "input.flow.scale"),
        ("graphs.appearance.sha256", "graphs.appearance.sha256"),
        ("graphs.motion", "graphs.motion.file"),
        ("trilinear.projections", "trilinear.projections"),
        ("input.residual", "input.residual.mean"),
        ("training", "training"),
    ],
)
def test_missing_keys_are_named(folder, path, told):
    def remove(values):
        keys = path.split(".")
        for key in keys[:-1]:
            values = values[key]
        del values[keys[-1]]

    edit(folder, remove)
    with pytest.raises(ModelError, match=f"json:1: {told}: is missing, expected"):
        load_pack(folder)


def test_a_fault_has_the_line_of_its_key(folder):
    path = os.path.join(folder, "model.json")
    with open(path) as file:
        text = json.dumps(json.load(file), indent=1)
    line = text[: text.index('"std"')].count("\n") + 1
    with open(path, "w") as file:
        file.write(text.replace('"std"', '"stb"', 1))
    with pytest.raises(ModelError, match=f'json:{line}: input.rgb.stb: unknown key; .*"std"'):
        load_pack(folder)


def test_long_values_are_cut(folder):
    edit(folder, setter("labels", ["x" * 999]))
    with pytest.raises(ModelError) as caught:
        load_pack(folder)
    assert len(str(caught.value)) < 400


def test_an_altered_graph_is_refused(folder):
    with open(os.path.join(folder, "motion.onnx"), "ab") as file:
        file.write(b"\0")
    with pytest.raises(ModelError, match="not the file that this pack was made with"):
        load_pack(folder)


def test_no_folder(tmp_path):
    with pytest.raises(ModelError, match="is no model pack"):
        load_pack(str(tmp_path / "absent"))


def test_no_model_json(tmp_path):
    with pytest.raises(ModelError, match="a pack is a folder with model.json"):
        load_pack(str(tmp_path))


def test_not_json(tmp_path):
    (tmp_path / "model.json").write_text("{oops")
    with pytest.raises(ModelError, match="model.json:1: not valid JSON: "):
        load_pack(str(tmp_path))


@pytest.mark.parametrize(
    "text, complaint",
    [
        ('{"name": "a",\n "name": "b"}', 'the key "name" appears twice in an object'),
        ("[" * 100000, "is nested too deeply"),
        (f'{{"format_version": {"1" * 5000}}}', "model.json: not valid JSON|format_version: got"),
        (f'{{"format_version": {"1" * 400}}}', "format_version: got 111"),
        ('{"name": "\udcff"}'.encode("utf-8", "surrogateescape"), "is not UTF-8 text"),
    ],
    ids=["twice", "deep", "digits", "large", "utf-8"],
)
def test_hostile_files(tmp_path, text, complaint):
    content = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "model.json").write_bytes(content)
    with pytest.raises(ModelError, match=complaint):
        load_pack(str(tmp_path))


def test_not_an_object(tmp_path):
    (tmp_path / "model.json").write_text("[]")
    with pytest.raises(ModelError, match=r"model.json:1: got \[\], expected an object"):
        load_pack(str(tmp_path))
