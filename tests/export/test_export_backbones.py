"""The backbones are the published ones: sizes, torchvision's parameter names, and output."""

from pathlib import Path

import backbone_reference
import numpy as np
import pytest
import torch

from edge_attp.errors import ModelError, UsageError
from edge_attp_export.backbones import NAMES, create_backbone, is_lite
from edge_attp_export.litenet import LiteNet
from edge_attp_export.summary import multiply_accumulates, parameters

pytestmark = pytest.mark.needs_torch

IMAGENET_MOBILENET = (
    Path(__file__).resolve().parents[3]
    / "shared/weights/mobilenet_v2_1.0_224_tfslim_backbone_float32.pth"
)

# name: parameters with the 1000-class head, of the features alone, GMAC at `side`, `side`. Of the Lite networks,
# TensorFlow's page says 4.7 and 5.4 million parameters; its 407 and 631 (at 240) million operations are not MACs alone.
PUBLISHED = {
    "efficientnet_b0": (5288548, 4007548, 0.386, 224),
    "efficientnet_b1": (7794184, 6513184, 0.687, 240),
    "efficientnet_lite0": (4652008, 3371008, 0.385, 224),
    "efficientnet_lite1": (5416680, 4135680, 0.504, 224),
    "mobilenet_v2": (3504872, 2223872, 0.301, 224),
}

REFERENCES = {
    "efficientnet_b0": lambda state, x: backbone_reference.efficientnet(state, x, 1.0),
    "efficientnet_b1": lambda state, x: backbone_reference.efficientnet(state, x, 1.1),
    "efficientnet_lite0": lambda state, x: backbone_reference.efficientnet_lite(state, x, 1.0),
    "efficientnet_lite1": lambda state, x: backbone_reference.efficientnet_lite(state, x, 1.1),
    "mobilenet_v2": backbone_reference.mobilenet_v2,
}


def randomised(name, seed=0):
    """A backbone in evaluation mode with random parameters and statistics, so that none can be ignored."""
    torch.manual_seed(seed)
    network = create_backbone(name).eval()
    for key, value in network.state_dict().items():
        if key.endswith(("running_var", ".1.weight")) and value.dim() == 1:
            value.uniform_(0.5, 1.5)
        elif value.dim() == 1:
            value.normal_(0, 0.3)
    return network


@pytest.mark.parametrize("name", NAMES)
def test_parameter_counts_and_macs_are_the_published_ones(name):
    whole, features, gmac, side = PUBLISHED[name]
    network = create_backbone(name)
    assert parameters(network.parameters()) == whole
    assert parameters(network.features.parameters()) == features
    with torch.device("meta"):
        macs = multiply_accumulates(create_backbone(name).eval(), torch.empty(1, 3, side, side))
    assert macs / 1e9 == pytest.approx(gmac, abs=0.002)


@pytest.mark.parametrize("name", NAMES)
def test_features_equal_the_numpy_reference(name):
    network = randomised(name)
    picture = np.random.RandomState(1).standard_normal((2, 3, 64, 96)).astype(np.float32)
    with torch.no_grad():
        features = network.features(torch.from_numpy(picture)).numpy()
    state = {key: value.numpy().astype(np.float64) for key, value in network.state_dict().items()}
    expected = REFERENCES[name](state, picture.astype(np.float64))
    assert features.shape == (2, 1280, 2, 3)
    assert expected.std() > 0.01
    np.testing.assert_allclose(features, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        (
            "efficientnet_b1",
            [
                "features.0.1.running_mean",
                "features.1.1.block.1.fc2.bias",
                "features.2.0.block.2.fc1.weight",
                "features.7.1.block.3.1.num_batches_tracked",
                "features.8.0.weight",
                "classifier.1.bias",
            ],
        ),
        (
            "mobilenet_v2",
            ["features.1.conv.1.weight", "features.17.conv.3.running_var", "features.18.0.weight"],
        ),
    ],
)
def test_parameters_have_torchvision_names(name, keys):
    assert set(keys) <= set(create_backbone(name).state_dict())


@pytest.mark.parametrize(("name", "count"), [("efficientnet_b0", 360), ("efficientnet_b1", 508)])
def test_state_dictionaries_have_torchvision_sizes(name, count):
    assert len(create_backbone(name).state_dict()) == count


@pytest.mark.skipif(
    not IMAGENET_MOBILENET.exists(), reason="no ImageNet checkpoint beside the checkout"
)
def test_imagenet_checkpoint_leaves_only_the_classifier_out():
    state = torch.load(IMAGENET_MOBILENET, weights_only=True)
    missing, unexpected = create_backbone("mobilenet_v2").load_state_dict(state, strict=False)
    assert unexpected == []
    assert set(missing) == {"classifier.1.weight", "classifier.1.bias"}


@pytest.mark.needs_timm
@pytest.mark.parametrize("name", NAMES)
def test_equal_to_timm(name):
    """Needs timm, which needs torchvision; the NumPy reference above holds without them."""
    import timm

    ours = randomised(name)
    names = {"mobilenet_v2": "mobilenetv2_100"}
    names.update({lite: f"tf_{lite}" for lite in NAMES if is_lite(lite)})
    theirs = timm.create_model(names.get(name, name)).eval()
    state = ours.state_dict()
    theirs.load_state_dict(dict(zip(theirs.state_dict(), state.values())))
    picture = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(ours(picture), theirs(picture))


def test_checkpoints_without_batch_counters_load():
    state = create_backbone("mobilenet_v2").state_dict()
    old = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
    net = LiteNet("mobilenet_v2", 3)
    net.load_backbone(old)
    torch.testing.assert_close(net.features[18][0].weight, state["features.18.0.weight"])


@pytest.mark.parametrize("backbone", NAMES)
def test_input_on_the_grid_has_the_same_positions_at_about_half_the_cost(backbone):
    with torch.device("meta"):
        nets = [LiteNet(backbone, 2, step=step).eval() for step in (1, 4)]
        pictures = [torch.empty(1, 2, 224 // net.step, 224 // net.step) for net in nets]
        assert [net(x).shape[2] for net, x in zip(nets, pictures)] == [49, 49]
        full, grid = (multiply_accumulates(net, x) for net, x in zip(nets, pictures))
    assert 0.4 < grid / full < 0.55
    assert nets[0].state_dict().keys() == nets[1].state_dict().keys()  # so the same weights load


def test_width_narrows_every_layer():
    narrow = create_backbone("mobilenet_v2", width=0.25)
    assert narrow.channels == 320
    assert parameters(narrow.features.parameters()) < 2223872 / 10


def test_lite_net_fits_the_first_layer_to_its_channels():
    state = create_backbone("mobilenet_v2").state_dict()
    net = LiteNet("mobilenet_v2", 2)
    net.load_backbone(state)
    stem, original = net.features[0][0].weight, state["features.0.0.weight"]
    assert stem.shape == (32, 2, 3, 3)
    torch.testing.assert_close(stem.sum(1), original.sum(1))
    grey = torch.randn(1, 1, 64, 64)
    expected = LiteNet("mobilenet_v2", 3)
    expected.load_backbone(state)
    # The same picture in every channel gives the same features, whatever their number.
    torch.testing.assert_close(
        net.eval()(grey.expand(1, 2, 64, 64)), expected.eval()(grey.expand(1, 3, 64, 64))
    )


@pytest.mark.parametrize(
    ("backbone", "width", "message"),
    [
        (
            "efficientnet_b0",
            1.0,
            "belongs to another model: it has no features.1.0.block.0.0.weight",
        ),
        ("mobilenet_v2", 0.5, r"features.0.0.weight is \(32, 3, 3, 3\), the model \(16, 3, 3, 3\)"),
    ],
)
def test_wrong_checkpoint_is_refused_by_name(backbone, width, message):
    state = create_backbone("mobilenet_v2").state_dict()
    with pytest.raises(ModelError, match=message):
        LiteNet(backbone, 3, width).load_backbone(state)


@pytest.mark.parametrize(
    ("name", "width", "message"),
    [
        ("resnet50", 1.0, "unknown backbone 'resnet50'; choose one of efficientnet_b1"),
        ("efficientnet_b0", 0.5, "no width multiplier"),
        ("mobilenet_v2", 0.0, "not positive"),
    ],
)
def test_unknown_shapes_are_usage_errors(name, width, message):
    with pytest.raises(UsageError, match=message):
        create_backbone(name, width=width)
