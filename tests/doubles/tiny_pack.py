"""A model pack whose answers can be worked out by hand, for tests of everything around it.

Input 8 x 8 out of 10 x 10, no normalisation. U'x has two rows of four positions: the means of the red
and green quarters. Scores: mean of the appearance input (so of U'(I_t) + U'(I_{t+dt})), mean of the flow,
mean of the residual.
"""

import hashlib
import json
import os

import numpy as np
import onnx
from onnx import TensorProto, helper

LABELS = ["appearance", "flow", "residual"]
FLOW_SCALE = 0.1


def write(folder, gain=1.0, **changes):
    """Writes the pack into a new folder; the scores are multiplied by gain, and changes replace
    top-level keys of model.json."""
    os.makedirs(str(folder))
    graphs = {}
    for name, graph in (("appearance", _appearance()), ("motion", _motion(gain))):
        data = graph.SerializeToString()
        with open(os.path.join(str(folder), name + ".onnx"), "wb") as file:
            file.write(data)
        graphs[name] = {"file": name + ".onnx", "sha256": hashlib.sha256(data).hexdigest()}
    plain = {"mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]}
    values = {
        "format_version": 1,
        "name": "tiny",
        "trained": False,
        "backbone": "means",
        "labels": LABELS,
        "input": {
            "resize": [10, 10],
            "crop": [8, 8],
            "rgb": plain,
            "flow": {"scale": FLOW_SCALE},
            "residual": plain,
        },
        "trilinear": {"factors": 1, "projections": 2, "channels": 3, "positions": 4},
        "graphs": graphs,
        "training": None,
        "accuracy": None,
    }
    values.update(changes)
    with open(os.path.join(str(folder), "model.json"), "w") as file:
        json.dump(values, file)
    return str(folder)


def _value(name, *shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N"] + list(shape))


def _ints(name, values):
    return helper.make_tensor(name, TensorProto.INT64, [len(values)], values)


def _appearance():
    nodes = [
        helper.make_node("AveragePool", ["rgb"], ["quarters"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Slice", ["quarters", "from", "to", "axis"], ["two"]),
        helper.make_node("Reshape", ["two", "shape"], ["appearance"]),
    ]
    constants = [
        _ints("from", [0]),
        _ints("to", [2]),
        _ints("axis", [1]),
        _ints("shape", [0, 2, 4]),
    ]
    return _model(nodes, [_value("rgb", 3, 8, 8)], [_value("appearance", 2, 4)], constants)


def _motion(gain):
    inputs = {"appearance": (2, 4), "flow": (2, 8, 8), "residual": (3, 8, 8)}
    nodes, means = [], []
    for name, shape in inputs.items():
        axes = list(range(1, len(shape) + 1))
        nodes.append(
            helper.make_node("ReduceMean", [name], [name + "_mean"], axes=axes, keepdims=0)
        )
        nodes.append(helper.make_node("Unsqueeze", [name + "_mean", "one"], [name + "_score"]))
        means.append(name + "_score")
    nodes.append(helper.make_node("Concat", means, ["means"], axis=1))
    nodes.append(helper.make_node("Mul", ["means", "gain"], ["scores"]))
    constants = [_ints("one", [1]), helper.make_tensor("gain", TensorProto.FLOAT, [1], [gain])]
    values = [_value(name, *shape) for name, shape in inputs.items()]
    return _model(nodes, values, [_value("scores", 3)], constants)


def _model(nodes, inputs, outputs, constants):
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    onnx.checker.check_model(model)
    return model


def expected(appearance, flow, residual):
    """Scores for constant inputs: the two key pictures' red and green samples (0..255), flow in pixels
    of the 10 x 10 grid (x and y), residual luma in sample values."""
    first, second = appearance
    return np.array([(first + second) / 255.0, flow * FLOW_SCALE, residual / 255.0], np.float32)
