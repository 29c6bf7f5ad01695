"""Model packs whose answers can be worked out by hand, for tests of everything around them.

Input 8 x 8 out of 10 x 10, no normalisation. Three kinds:

- "trilinear": U'x has two rows of four positions, the means of the red and green quarters. Scores: mean of the
  appearance input (so of U'(I_t) + U'(I_{t+dt})), mean of the flow, mean of the residual.
- "late": the appearance graph gives half the scores of the key picture, (mean of red, 0, 0) / 2. The residual input is
  its energy.
- "motion": no appearance graph, and no label of that name.
"""

import hashlib
import json
import os

import numpy as np
import onnx
from onnx import TensorProto, helper

LABELS = ["appearance", "flow", "residual"]
FLOW_SCALE = 0.1
PLAIN = {"mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]}
ENERGY = {"kind": "energy", "mean": [0.0], "std": [1.0]}


def write(folder, gain=1.0, kind="trilinear", **changes):
    """Writes the pack into a new folder; the scores are multiplied by gain, and changes replace
    top-level keys of model.json."""
    os.makedirs(str(folder))
    graphs = {}
    for name, graph in _graphs(kind, gain).items():
        data = graph.SerializeToString()
        with open(os.path.join(str(folder), name + ".onnx"), "wb") as file:
            file.write(data)
        graphs[name] = {"file": name + ".onnx", "sha256": hashlib.sha256(data).hexdigest()}
    values = {
        "format_version": 1,
        "name": "tiny",
        "trained": False,
        "backbone": "means",
        "labels": LABELS[1:] if kind == "motion" else LABELS,
        "input": {
            "resize": [10, 10],
            "crop": [8, 8],
            "rgb": PLAIN,
            "flow": {"scale": FLOW_SCALE},
            "residual": PLAIN if kind == "trilinear" else ENERGY,
        },
        "graphs": graphs,
        "training": None,
        "accuracy": None,
    }
    if kind == "trilinear":
        values["trilinear"] = {"factors": 1, "projections": 2, "channels": 3, "positions": 4}
    values.update(changes)
    with open(os.path.join(str(folder), "model.json"), "w") as file:
        json.dump(values, file)
    return str(folder)


def _graphs(kind, gain):
    if kind == "motion":
        return {"motion": _motion(gain, {"flow": (2, 8, 8), "residual": (1, 8, 8)})}
    if kind == "late":
        inputs = {"appearance": (3, 1), "flow": (2, 8, 8), "residual": (1, 8, 8)}
        return {"appearance": _red_scores(), "motion": _motion(gain, inputs)}
    inputs = {"appearance": (2, 4), "flow": (2, 8, 8), "residual": (3, 8, 8)}
    return {"appearance": _quarters(), "motion": _motion(gain, inputs)}


def _value(name, *shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N"] + list(shape))


def _ints(name, values):
    return helper.make_tensor(name, TensorProto.INT64, [len(values)], values)


def _floats(name, values, *shape):
    return helper.make_tensor(name, TensorProto.FLOAT, shape or [len(values)], values)


def _quarters():
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


def _red_scores():
    """Of three labels, of which only the first has a score; times 3, as the motion graph takes a mean of three."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["rgb"], ["colours"]),
        helper.make_node("Reshape", ["colours", "shape"], ["column"]),
        helper.make_node("Mul", ["column", "red"], ["appearance"]),
    ]
    constants = [_ints("shape", [0, 3, 1]), _floats("red", [1.5, 0.0, 0.0], 1, 3, 1)]
    return _model(nodes, [_value("rgb", 3, 8, 8)], [_value("appearance", 3, 1)], constants)


def _motion(gain, inputs):
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
    constants = [_ints("one", [1]), _floats("gain", [gain])]
    values = [_value(name, *shape) for name, shape in inputs.items()]
    return _model(nodes, values, [_value("scores", len(inputs))], constants)


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


def expected_late(appearance, flow, residual):
    """The same for "late": the mean of both key pictures' red samples, the flow, and the magnitude of the residual."""
    first, second = appearance
    scores = [(first + second) / 2 / 255.0, flow * FLOW_SCALE, abs(residual)]
    return np.array(scores, np.float32)


def expected_motion(flow, residual):
    """The same for "motion"."""
    return np.array([flow * FLOW_SCALE, abs(residual)], np.float32)
