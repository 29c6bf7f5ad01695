"""The configuration of a training: values, and the message for each mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_attp.errors import UsageError
from edge_attp_export.config import from_dict, load_config

pytestmark = pytest.mark.needs_torch

RECIPES = sorted((Path(__file__).resolve().parents[2] / "export" / "recipes").glob("*.toml"))
LEAST = '[data]\nprepared = "set"\n[model]\nmodalities = "TTP"\n'


@pytest.fixture
def load(tmp_path):
    """Load a configuration from a string."""

    def load(text, *overrides):
        path = tmp_path / "some.toml"
        path.write_text(text, encoding="utf-8")
        return load_config(path, overrides)

    return load


def test_defaults_and_paths_relative_to_the_file(load, tmp_path):
    config = load(LEAST)
    assert config.source == tmp_path / "some.toml"
    assert config.data.prepared == tmp_path / "set"
    assert config.input.resize == (340, 256) and config.input.crop == (224, 224)
    assert config.train.learning_rate == 1e-3 and config.objective.weight == 1
    assert config.model.networks == {} and config.objective.teacher is None
    shape = config.architecture(51)
    assert (shape.classes, shape.factors, shape.projections) == (51, 5, 200)


def test_every_type_is_read(load, tmp_path):
    config = load(
        '[data]\nprepared = "/set"\n[model]\nmodalities = "MV"\nalignment = "ours"\nwidth = 1\n'
        'weights = "https://host/file.pth"\n[model.networks]\nMV = "mv.pt"\n'
        "[input]\nscales = [1, 0.5]\nflip = false\n[train]\nepochs = 3\n"
        '[objective]\nteacher = "../of.pt"\n'
    )
    assert config.data.prepared == Path("/set")
    assert config.model.width == 1.0 and isinstance(config.model.width, float)
    assert config.model.weights == "https://host/file.pth"
    assert config.model.networks == {"MV": tmp_path / "mv.pt"}
    assert config.input.scales == (1.0, 0.5) and config.input.flip is False
    assert config.train.epochs == 3
    assert config.objective.teacher == tmp_path / "../of.pt"


def test_weights_may_be_the_published_ones(load, tmp_path):
    assert load(LEAST, "model.weights=imagenet").model.weights == "imagenet"
    config = load(LEAST + 'weights = "./imagenet"\nresidual_input = "grid"\n')
    assert config.model.weights == f"{tmp_path}/./imagenet"
    assert config.architecture(2).steps == {"I": 1, "MV": 1, "R": 4, "M": 1, "S": 1}
    with pytest.raises(UsageError, match=r"input.crop: resize 194x146: .* multiples of 4"):
        load(LEAST, "model.motion_input=grid", "input.resize=[194, 146]", "input.crop=[128, 128]")


def test_early_fusion_needs_no_more_than_its_name(load):
    text = '[data]\nprepared = "set"\n[model]\nmodalities = "M"\n'
    shape = load(text).architecture(2)
    assert (shape.motion_input, shape.residual_input) == ("enlarged", "energy")
    assert shape.motion_size == (96, 96) and (shape.flow_limit, shape.energy_limit) == (8, 4)
    changed = load(text + "motion_size = [128, 96]\nflow_limit = 4\nenergy_limit = 2.5\n")
    shape = changed.architecture(2)
    assert shape.motion_size == (128, 96) and (shape.flow_limit, shape.energy_limit) == (4, 2.5)
    for wrong, said in (
        ('motion_input = "full"', "motion_input: motion_input of M 'full': choose one of enlarged"),
        ('residual_input = "full"', "residual_input: residual_input of M 'full': choose one of en"),
        ("motion_size = [96, 100]", "motion_size: motion_size [96, 100]: use multiples of 32"),
    ):
        with pytest.raises(UsageError) as error:
            load(text + wrong)
        assert f"5: model.{said}" in str(error.value)


def test_overrides_are_toml_and_relative_to_the_working_directory(load, tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    config = load(
        LEAST + '[train]\nseed = 1\n[objective]\nteacher = "of.pt"\n[model.networks]\nI = "i.pt"\n',
        "train.seed=3",
        "train.seed = 4",
        "train.freeze=true",
        "data.split=2",
        'data.prepared="other set"',
        "input.crop=[96, 64]",
        "model.networks.MV=mv.pt",
        "model.weights=w.pth",
        "model.networks.I=",
        "objective.teacher=",
    )
    assert config.train.seed == 4 and config.train.freeze is True
    assert config.data.split == "2" and config.data.prepared == here / "other set"
    assert config.input.crop == (96, 64)
    assert config.model.networks == {"MV": here / "mv.pt"}
    assert config.model.weights == str(here / "w.pth")
    assert config.objective.teacher is None


@pytest.mark.parametrize(
    "text, said",
    [
        ("[train]\nepoch = 3", '6: train.epoch: unknown key; did you mean "epochs"?'),
        ("[trian]\nseed = 3", '5: trian: unknown table; did you mean "train"?'),
        ("[train]\nqqq = 1", "6: train.qqq: unknown key; known are epochs, clips"),
        ("[input]\nseeds = 1", '6: input.seeds: unknown key; did you mean "train.seed"?'),
        ("[qqq]\nzzz = 1", "5: qqq: unknown table; known are data, model, input, train"),
        ('[model.networks]\nOF = "x"', "6: model.networks.OF: unknown key; known are I, MV, R, M"),
        ("[[train]]\nseed = 1", '5: train: got [{"seed": 1}], expected a table: write [train]'),
        ("[train]\nclips = 0", "6: train.clips: got 0, expected a whole number above 0"),
        ("[train]\nepochs = 2.5", "6: train.epochs: got 2.5, expected a whole number, 0 or more"),
        (
            "[train]\n\nseed = true",
            "7: train.seed: got true, expected a whole number from 0 to 4294967295",
        ),
        ("[train]\nseed = 0x1ffffffff", "6: train.seed: got 8589934591, expected a whole number"),
        ("[train]\ndropout = 1", "6: train.dropout: got 1, expected a number from 0 to 0.95"),
        ("[train]\nlearning_rate = nan", "6: train.learning_rate: got NaN, expected a number"),
        ("[train]\nwarmup_epochs = 1" + "0" * 400, "6: train.warmup_epochs: got 1000"),
        ("[train]\nfreeze = 1", "6: train.freeze: got 1, expected true or false"),
        (
            '[train]\namp = "fp8"',
            '6: train.amp: got "fp8", expected one of "auto", "off", "fp16", "bf16"',
        ),
        (
            "[input]\ncrop = [224]",
            "6: input.crop: got [224], expected [width, height], whole numbers from 32 to 4096",
        ),
        (
            "[input]\ncrop = [224, 16]",
            "6: input.crop: got [224, 16], expected [width, height], whole numbers from 32 to 4096",
        ),
        ("[input]\nscales = []", "6: input.scales: got [], expected a list of numbers from 0.1"),
        ("[input]\ncrop = [224, 200]", "6: input.crop: crop 224x200: the networks halve a picture"),
        (
            'motion_input = "half"',
            '5: model.motion_input: got "half", expected one of "full", "grid", "enlarged"',
        ),
        ("[input]\ncrop = [352, 224]", "6: input.crop: crop 352x224 is larger than resize 340x256"),
        (
            "[input]\nscales = [\n  1.0,\n  1.2,\n]",
            "8: input.scales: 1.2 of crop (224, 224) does not fit into resize",
        ),
        (
            '[objective]\nteacher = "t"',
            "6: objective.teacher: model.alignment 'none' of modalities 'TTP' does not use",
        ),
    ],
)
def test_mistakes_are_named(load, tmp_path, text, said):
    with pytest.raises(UsageError) as error:
        load(LEAST + text)
    assert str(error.value).startswith(f"{tmp_path / 'some.toml'}:{said}")


@pytest.mark.parametrize(
    "overrides, said",
    [
        (["train.seed"], "--set train.seed: expected table.key=value"),
        (["train.sede=1"], '--set: train.sede: unknown key; did you mean "seed"?'),
        (["seed=1"], '--set: seed: unknown key; did you mean "train.seed"?'),
        (["=1"], '--set: "": unknown key; known are data, model'),
        (["data.prepared.x=1"], 'prepared: got "set", expected a table'),
        (["train.seed=one"], '--set: train.seed: got "one", expected a whole number from 0'),
        (["train.seed=-1"], "--set: train.seed: got -1, expected a whole number from 0"),
        (["data.prepared="], '--set: data.prepared: got "", expected a path'),
        (["data.frame_types=I"], "--set: data.frame_types: modalities 'TTP' needs P or B pictures"),
        (
            ["data.frame_types=I+B", "data.b_frames=ignore"],
            '--set: data.b_frames: "ignore" with frame_types "I+B" leaves no picture',
        ),
        (["data.flow=optical"], '--set: data.flow: "optical" is for a teacher'),
        (
            ["model.modalities=ATTP"],
            "toml: objective.teacher: is missing; model.alignment 'ours' of modalities 'ATTP' needs",
        ),
        (
            ["model.alignment=ours"],
            "--set: model.alignment: alignment of TTP 'ours': choose one of none",
        ),
        (
            ["model.modalities=I", "model.networks.R=r.pt"],
            "--set: model.networks.R: modalities 'I' uses",
        ),
    ],
)
def test_mistakes_of_overrides_are_named(load, overrides, said):
    with pytest.raises(UsageError) as error:
        load(LEAST, *overrides)
    assert said in str(error.value)


def test_files_that_are_no_configuration(load, tmp_path):
    with pytest.raises(UsageError, match=r"missing.toml: cannot be read: No such file"):
        load_config(tmp_path / "missing.toml")
    with pytest.raises(UsageError, match=r"some.toml:2: not valid TOML: "):
        load("[data]\nprepared\n")
    with pytest.raises(UsageError, match=r"some.toml: data.prepared: is missing, expected a path"):
        load("[train]\nseed = 1\n")


def test_what_a_run_folder_records_is_plain_and_reads_back(load, tmp_path):
    config = load(LEAST + '[model.networks]\nI = "i.pt"\n', "model.weights=w.pth")
    recorded = json.loads(json.dumps(config.to_dict()))
    assert sorted(recorded) == ["data", "input", "model", "objective", "train"]
    assert recorded["model"]["networks"] == {"I": str(tmp_path / "i.pt")}
    assert from_dict(recorded, config.source) == config


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipes(path):
    """Each loads, and the recipe of its teacher or networks fits it."""
    config = load_config(path)
    if path.stem.endswith(("_region", "_motion", "_both")):
        assert config.data.view == "region" and config.data.validation == 0
        return
    if path.stem.endswith(("_teacher", "_network")):
        assert config.model.modalities == "MV"
        assert (config.data.flow == "optical") == path.stem.endswith("_teacher")
        return
    assert config.model.modalities == "ATTP"
    (beside,) = path.parent.glob(f"{path.stem}_[nt]*.toml")
    other = load_config(beside)
    same = ("backbone", "width") if config.train.freeze else ("backbone", "width", "weights")
    assert [getattr(config.model, name) for name in same] == [
        getattr(other.model, name) for name in same
    ]
    assert config.input == other.input
    assert config.data.prepared == other.data.prepared


def test_the_recipe_of_both_networks_takes_that_of_motion_over():
    """In the same fold, and they see the same."""
    motion, both = (
        load_config(RECIPES[0].parent / f"fight_{name}.toml") for name in ("motion", "both")
    )
    assert motion.model.modalities == "M" and both.model.modalities == "I+M"
    assert both.model.networks["M"].parts[-3:] == ("{run}", "fight_motion", "best.pt")
    assert both.input == motion.input and both.data == motion.data
    assert motion.architecture(2).enlarged("M") == both.architecture(2).enlarged("M")


def test_views_and_classes(load):
    config = load(
        '[data]\nprepared = "set"\nview = "region"\nclasses = ["fight=kick+push", "hug"]\n'
        '[model]\nmodalities = "TTP"\n[input]\nscales = [1.3]\nshift = 0.2\n'
    )
    assert config.data.view == "region" and config.data.classes == ("fight=kick+push", "hug")
    assert (
        config.input.scales == (1.3,) and config.input.shift == 0.2
    )  # beside a region there is more
    with pytest.raises(UsageError, match="does not fit into resize"):
        load(LEAST + "[input]\nscales = [1.6]\n")
    with pytest.raises(UsageError, match="data.view"):
        load('[data]\nprepared = "set"\nview = "regions"\n[model]\nmodalities = "TTP"\n')


def test_there_are_recipes_for_every_set():
    names = {path.stem for path in RECIPES}
    assert {"ucf101", "hmdb51", "synthetic", "fight"} <= names
