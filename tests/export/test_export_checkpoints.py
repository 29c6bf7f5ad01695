"""Checkpoints: saving and reading, errors that name file and reason, and loading backbones."""

import math
import pickle
from pathlib import Path

import numpy as np
import pytest
import small_checkpoint
import small_models
import torch
from small_checkpoint import checkpoint

from edge_attp.errors import ModelError, UsageError
from edge_attp_export import checkpoints
from edge_attp_export.architecture import MODALITIES, Architecture
from edge_attp_export.attp import ATTP
from edge_attp_export.checkpoints import build, load_backbones
from edge_attp_export.input_spec import default_input, map_positions, positions
from edge_attp_export.network_inputs import energy_input, flow_input

pytestmark = pytest.mark.needs_torch

IMAGENET_MOBILENET = (
    Path(__file__).resolve().parents[3]
    / "shared/weights/mobilenet_v2_1.0_224_tfslim_backbone_float32.pth"
)


@pytest.fixture
def saved(tmp_path):
    return small_checkpoint.saved(tmp_path)


def changed(path, **fields):
    """The file with some fields replaced, or removed if they are None."""
    content = torch.load(path, weights_only=True)
    content.update(fields)
    torch.save({key: value for key, value in content.items() if value is not None}, path)
    return path


@pytest.mark.parametrize("modalities", MODALITIES)
def test_what_is_saved_comes_back(modalities, tmp_path):
    source, path = checkpoint(modalities), tmp_path / "deep" / "model.pt"
    checkpoints.save_checkpoint(path, source)
    found = checkpoints.read_checkpoint(path)
    assert found._replace(state={}) == source._replace(state={})
    assert found.state.keys() == source.state.keys()
    inputs, _, _ = small_models.batch(shape=found.architecture)
    with torch.no_grad():
        model = build(found)
        assert not model.training
        assert torch.equal(model(*inputs), build(source)(*inputs))
    assert [file.name for file in path.parent.iterdir()] == ["model.pt"]


def test_interrupted_saving_keeps_the_old_file(saved, monkeypatch):
    before = saved.read_bytes()

    def fail(content, path):
        Path(path).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints.torch, "save", fail)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save_checkpoint(saved, checkpoint())
    assert saved.read_bytes() == before


def test_a_value_that_json_cannot_say_is_refused(tmp_path):
    with pytest.raises(TypeError):
        checkpoints.save_checkpoint(
            tmp_path / "model.pt", checkpoint()._replace(training={"path": tmp_path})
        )
    assert not list(tmp_path.iterdir())


SHAPE = {"backbone": "mobilenet_v2", "classes": 3, "width": 0.1, "factors": 2, "projections": 8}
PLAIN = {"mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]}
INPUT = {"resize": [96, 80], "rgb": PLAIN, "flow": {"scale": 1.0}, "residual": PLAIN}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"format": "other"}, "not a checkpoint of edge-attp-export train"),
        ({"version": 2}, "checkpoint version 2; this program reads 1"),
        ({"labels": None}, "'labels' is missing from the checkpoint"),
        ({"labels": ["open", "close"]}, "2 labels for a model of 3 classes"),
        ({"labels": ["open", "close", "open"]}, "the label 'open' occurs twice"),
        ({"labels": ["open", "close", " "]}, "'labels': a label is empty or not a string"),
        ({"labels": "abc"}, "'labels' is not a list"),
        ({"architecture": dict(SHAPE, depth=3)}, "'architecture': .*'depth'"),
        ({"architecture": dict(SHAPE, backbone="vgg")}, "backbone 'vgg': choose one of"),
        ({"architecture": dict(SHAPE, modalities="MV")}, "belongs to another model: it "),
        (
            {"architecture": dict(SHAPE, projections=9)},
            r"pooling.p is \(8, 3\), the model \(9, 3\)",
        ),
        ({"input": dict(INPUT, crop=[60, 64])}, "crop 60x64: .* multiples of 32"),
        ({"input": dict(INPUT, crop=[128, 64])}, "input.crop: got .* not larger than input.resize"),
        ({"input": INPUT}, "input.crop: is missing"),
        (
            {"architecture": dict(SHAPE, motion_input="grid")},
            "the input of MV has step 1, its network 4",
        ),
        (
            {"architecture": dict(SHAPE, residual_input="energy")},
            "the input of R has 3 channels, its network 1",
        ),
        ({"state": {"pooling.p": 3}}, "not a state dictionary: pooling.p is not a tensor"),
        ({"state": {}}, "the checkpoint belongs to another model: it has no litenet_i"),
        ({"accuracy": 0.9}, "'accuracy' is not a dict"),
    ],
)
def test_mistakes_are_named_with_the_file(saved, fields, message):
    with pytest.raises(ModelError, match=message) as caught:
        checkpoints.read_checkpoint(changed(saved, **fields))
    assert str(caught.value).startswith(f"{saved}: ") and "\n" not in str(caught.value)


class Harmful:
    """Unpickling it would run code."""

    def __reduce__(self):
        return (print, ("code of the file ran",))


def test_files_that_are_no_checkpoints(tmp_path, capsys):
    garbage, harmful, listed = (tmp_path / name for name in ("garbage.pt", "harmful.pt", "list.pt"))
    garbage.write_bytes(b"not a checkpoint")
    harmful.write_bytes(pickle.dumps(Harmful(), protocol=2))
    torch.save([torch.zeros(2)], listed)
    for path in (tmp_path / "missing.pt", garbage, harmful, listed):
        for read in (checkpoints.read_checkpoint, lambda path: load_backbones(None, path)):
            with pytest.raises(ModelError, match=path.name) as caught:
                read(path)
            assert "\n" not in str(caught.value)
    assert capsys.readouterr().out == ""


def test_a_backbone_is_told_from_a_checkpoint(tmp_path):
    path = tmp_path / "backbone.pth"
    torch.save(small_models.model(small_models.architecture()).litenet_i.state_dict(), path)
    with pytest.raises(ModelError, match="pass it with --backbone-weights"):
        checkpoints.read_checkpoint(path)


def test_backbone_goes_into_every_network(tmp_path):
    source = small_models.model(small_models.architecture("I")).litenet_i
    model, path = small_models.model(small_models.architecture(), 1), tmp_path / "backbone.pth"
    torch.save(source.state_dict(), path)
    before = model.pooling.p.clone()
    load_backbones(model, path)
    for _, net in model.networks():
        assert torch.equal(net.features[18][0].weight, source.features[18][0].weight)
    assert torch.equal(model.pooling.p, before)


def test_backbone_keeps_the_epsilon_that_it_was_trained_with(tmp_path):
    source = small_models.model(small_models.architecture("I")).litenet_i
    norms = [module for module in source.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.running_var.mul_(1e-3)  # as small as TensorFlow's epsilon
    model, path = small_models.model(small_models.architecture("I"), 1), tmp_path / "backbone.pth"
    torch.save(source.state_dict(), path)
    pictures = torch.randn(2, 3, 64, 64)
    load_backbones(model, path, epsilon=1e-3)
    with torch.no_grad():
        otherwise = source(pictures)
        for norm in norms:
            norm.eps = 1e-3
        torch.testing.assert_close(
            model.litenet_i(pictures), source(pictures), rtol=1e-3, atol=1e-3
        )
        assert not torch.allclose(otherwise, source(pictures), rtol=0.1, atol=0.1)


def test_backbone_comes_from_a_url_once(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    source = small_models.model(small_models.architecture("I")).litenet_i
    model = small_models.model(small_models.architecture("I+MV+R"), seed=1)
    path = tmp_path / "backbone.pth"
    torch.save(source.state_dict(), path)
    load_backbones(model, path.as_uri())
    path.unlink()
    load_backbones(model, path.as_uri())
    assert torch.equal(model.litenet_r.features[18][0].weight, source.features[18][0].weight)


def test_foreign_state_dictionaries_are_no_backbones(tmp_path):
    model, path = small_models.model(small_models.architecture()), tmp_path / "foreign.pth"
    torch.save({"layer.weight": torch.zeros(3)}, path)
    with pytest.raises(ModelError, match=r"foreign.pth: not a backbone: .*features"):
        load_backbones(model, path)
    torch.save({"features.0.0.weight": torch.zeros(8, 3, 3, 3)}, path)
    with pytest.raises(ModelError, match="foreign.pth: the checkpoint belongs to another model"):
        load_backbones(model, path)


@pytest.mark.skipif(
    not IMAGENET_MOBILENET.exists(), reason="no ImageNet checkpoint beside the checkout"
)
def test_imagenet_backbone_of_tf_slim_loads():
    model = ATTP(Architecture("mobilenet_v2", 2, projections=4))
    load_backbones(model, IMAGENET_MOBILENET)
    stem = torch.load(IMAGENET_MOBILENET, weights_only=True)["features.0.0.weight"]
    assert torch.equal(model.litenet_i.features[0][0].weight, stem)
    torch.testing.assert_close(model.litenet_mv.features[0][0].weight.sum(1), stem.sum(1))


@pytest.mark.parametrize(
    ("resize", "crop", "message"),
    [
        ((340, 256), (200, 224), "crop 200x224: .* use multiples of 32"),
        ((340, 256), (224, 0), "crop 224x0: "),
        ((160, 128), (160, 160), "crop 160x160 is larger than resize 160x128"),
    ],
)
def test_impossible_sizes_are_usage_errors(resize, crop, message):
    with pytest.raises(UsageError, match=message):
        default_input(small_models.architecture(), resize, crop)


def test_an_enlarged_grid_need_not_be_a_multiple_of_32():
    shape = small_models.architecture("M")
    spec = default_input(shape, (176, 200), (176, 180))
    assert spec.crop == (176, 180) and map_positions(shape, spec.crop) == {"M": 4}
    with pytest.raises(UsageError, match="crop 176x182: .* multiples of 4"):
        default_input(shape, (176, 200), (176, 182))
    with pytest.raises(UsageError, match="crop 176x180: .* multiples of 32"):
        default_input(small_models.architecture("I+M"), (176, 200), (176, 180))


def test_maps_that_are_fused_have_the_same_positions():
    shape = small_models.architecture("ATTP", motion_input="enlarged")
    assert default_input(shape, (96, 80), (64, 64)).flow_step == 4
    with pytest.raises(UsageError, match="motion_size, 64x64, must be the same"):
        default_input(shape, (128, 128), (96, 96))


def test_early_fusion_sees_hundredths_of_the_picture():
    """A flow of one hundredth of the shorter side is 1 to the network, 8 sample values of energy are, too."""
    shape = Architecture("efficientnet_lite0", 2, modalities="M")
    spec = default_input(shape, (300, 224), (224, 224))
    flow = np.full((2, 100, 100), 400 / 100, np.float32)
    out = flow_input(flow, (400, 400), spec, spec.crop)
    np.testing.assert_allclose(out * shape.flow_limit, 1.0, rtol=1e-6)
    luma = np.full((400, 400), -8, np.int16)
    np.testing.assert_allclose(energy_input(luma, spec, spec.crop, 8), 1.0, rtol=1e-6)


def test_positions_are_what_the_networks_have():
    crop = (96, 64)
    net = small_models.model(small_models.architecture("I")).litenet_i
    with torch.no_grad():
        assert net(torch.zeros(1, 3, *crop[::-1])).shape[2] == positions(crop) == math.prod((3, 2))
