"""Layers of small graphs, counted by hand."""

import numpy as np
import onnx
import onnx.numpy_helper
import pytest

from doubles import tiny_pack
from edge_attp.errors import ModelError
from edge_attp.platforms.layers import read_layers

pytestmark = pytest.mark.needs_onnx

FLOAT, helper = onnx.TensorProto.FLOAT, onnx.helper


def weights(name, *shape, dtype=np.float32):
    return onnx.numpy_helper.from_array(np.zeros(shape, dtype), name)


@pytest.fixture
def layers(tmp_path):
    """layers(nodes, weights, shape of x) -> the layers of a graph from x to y, by name."""

    def call(nodes, constants, shape, out):
        values = [
            [helper.make_tensor_value_info(name, FLOAT, ["N"] + list(sides))]
            for name, sides in (("x", shape), ("y", out))
        ]
        graph = helper.make_graph(nodes, "g", values[0], values[1], constants)
        opsets = [helper.make_opsetid("", 13), helper.make_opsetid("edge_attp", 1)]
        path = str(tmp_path / "graph.onnx")
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
        return {layer.name: layer for layer in read_layers(path)}

    return call


def node(op, inputs, output, **attributes):
    return helper.make_node(op, inputs, [output], name=output, **attributes)


def test_squeeze_excitation_block(layers):
    """8 channels of 6 x 6: depthwise 3 x 3, SiLU, gate over 2 hidden channels, 1 x 1, sum."""
    found = layers(
        [
            node("Conv", ["x", "dw"], "deep", group=8, pads=[1, 1, 1, 1]),
            node("Sigmoid", ["deep"], "s"),
            node("Mul", ["deep", "s"], "silu"),
            node("GlobalAveragePool", ["silu"], "mean"),
            node("Conv", ["mean", "fc"], "hidden"),
            node("Conv", ["hidden", "fc2"], "logits"),
            node("Sigmoid", ["logits"], "g"),
            node("Mul", ["silu", "g"], "gated"),
            node("Conv", ["gated", "pw"], "wide"),
            node("Add", ["wide", "x"], "y"),
        ],
        [
            weights("dw", 8, 1, 3, 3),
            weights("fc", 2, 8, 1, 1),
            weights("fc2", 8, 2, 1, 1),
            weights("pw", 8, 8, 1, 1),
        ],
        (8, 6, 6),
        (8, 6, 6),
    )
    kinds = [layer.kind for layer in found.values()]
    assert kinds == (
        ["input", "depthwise", "activation", "pooling", "excitation", "excitation", "gate"]
        + ["convolution", "sum"]
    )
    map_bytes = 2 * 8 * 36
    assert found["x"][2:] == (0, 2 * map_bytes, map_bytes, 0)
    assert found["deep"][2:] == (2 * 8 * 36 * 9, map_bytes, map_bytes, 2 * 72)
    assert found["silu"].read_bytes == map_bytes  # once, not twice
    assert found["mean"].written_bytes == 2 * 8
    assert found["hidden"].flops == 2 * 2 * 8 and found["hidden"].weight_bytes == 2 * 16
    assert found["gated"].read_bytes == map_bytes + 2 * 8
    assert found["wide"].flops == 2 * 8 * 36 * 8
    assert found["y"].read_bytes == 2 * map_bytes


def test_converted_weights_are_weights(layers):
    found = layers(
        [
            node("Cast", ["half"], "w", to=FLOAT),
            node("Conv", ["x", "w", "bias"], "maps"),
            node("Clip", ["maps", "zero", "six"], "y"),
        ],
        [
            weights("half", 5, 3, 1, 1, dtype=np.float16),
            weights("bias", 5),
            weights("zero"),
            weights("six"),
        ],
        (3, 4, 4),
        (5, 4, 4),
    )
    assert list(found) == ["x", "maps", "y"]
    assert found["maps"].kind == "convolution" and found["maps"].weight_bytes == 2 * (15 + 5)
    assert found["y"].kind == "activation"


def test_planes_that_are_put_together_and_enlarged(layers):
    """As early fusion begins: a plane is scaled, another clipped, both are joined and enlarged twofold."""
    found = layers(
        [
            node("Mul", ["x", "gain"], "scaled"),
            node("Clip", ["x", "zero", "four"], "clipped"),
            node("Concat", ["scaled", "clipped"], "planes", axis=1),
            node("Resize", ["planes", "", "scales"], "y", mode="linear"),
        ],
        [
            weights("gain"),
            weights("zero"),
            weights("four"),
            onnx.numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "scales"),
        ],
        (1, 6, 6),
        (2, 12, 12),
    )
    kinds = {name: layer.kind for name, layer in found.items()}
    assert kinds == {
        "x": "input",
        "scaled": "activation",
        "clipped": "activation",
        "planes": "other",
        "y": "other",
    }
    assert found["planes"].read_bytes == found["planes"].written_bytes == 2 * 2 * 36
    assert found["y"].written_bytes == 4 * found["y"].read_bytes


def test_scoring_is_one_layer(layers):
    found = layers(
        [node("TrilinearScoring", ["x", "x", "x", "p"], "y", domain="edge_attp")],
        [weights("p", 10, 7)],
        (50, 49),
        (7,),
    )
    assert found["y"].kind == "scoring"
    assert found["y"].flops == 3 * 50 * 49 + 2 * 70
    assert found["y"].read_bytes == 2 * 3 * 50 * 49


def test_operators_without_a_rule_are_counted(tmp_path):
    folder = tiny_pack.write(tmp_path / "tiny")
    kinds = [layer.kind for layer in read_layers(folder + "/appearance.onnx")]
    assert kinds == ["input", "pooling", "other"]  # the Slice


def test_a_file_that_is_no_graph(tmp_path):
    path = tmp_path / "graph.onnx"
    path.write_bytes(b"\xff" * 40)
    with pytest.raises(ModelError, match="cannot be read"):
        read_layers(str(path))


def test_shapes_that_do_not_follow(layers):
    nodes = [node("Mystery", ["x"], "z", domain="edge_attp"), node("Relu", ["z"], "y")]
    with pytest.raises(ModelError, match="'z' is unknown"):
        layers(nodes, [], (3,), (3,))
