"""The ONNX graphs of a model pack, written node by node from the PyTorch modules.

They are written directly rather than traced, so that the same model gives the same bytes with any
version of PyTorch, every operator is one that TensorRT 8.2 imports (opset 13, IR 8), and batch
normalisation is folded into the convolutions.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from edge_attp.engine.pack import in_steps

from .architecture import EARLY, Architecture, Size
from .attp import ATTP, SIDE
from .backbones.layers import Residual, SameConv2d, SqueezeExcitation
from .input_spec import map_positions
from .litenet import LiteNet
from .precision import narrowed
from .scoring import DOMAIN, scoring_function, scoring_node

OPSET = 13
IR_VERSION = 8
MAPS = ".maps"  # suffix of the name of a projection, and of a classifier


class GraphWriter:
    """Collects nodes and weights; each method appends operators and returns the name of the result.

    precision: see `precision`; for int8, the graph that `quantise` starts from.
    """

    def __init__(self, precision: str = "fp32") -> None:
        self.nodes: List[onnx.NodeProto] = []
        self.weights: Dict[str, onnx.TensorProto] = {}
        self._is_typed = precision == "fp16-typed"
        self._halves_kernels = precision == "fp16"
        self._halves_projections = precision in ("fp16", "int8")

    def constant(self, name: str, value: np.ndarray) -> str:
        """Store `value` unchanged."""
        self.weights[name] = numpy_helper.from_array(np.asarray(value, order="C"), name)
        return name

    def weight(self, name: str, value: np.ndarray) -> str:
        """Store numbers in the type in which the networks compute."""
        return self.constant(name, narrowed(name, value) if self._is_typed else value)

    def kernel(self, name: str, value: np.ndarray, is_half: bool) -> str:
        """Store a large weight; with `is_half`, in 16 bits even where the rest has 32."""
        if not is_half:
            return self.weight(name, value)
        stored = self.constant(name, narrowed(name, value))
        return self.cast(stored, f"{name}.wide", TensorProto.FLOAT)

    def cast(self, x: str, output: str, to: int) -> str:
        return self.node("Cast", [x], output, to=to)

    def node(self, op: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Append one node of a standard operator."""
        self.nodes.append(helper.make_node(op, list(inputs), [output], name=output, **attributes))
        return output

    def layer(self, x: str, name: str, module: nn.Module) -> str:
        """Append any module that occurs in a backbone."""
        if isinstance(module, Residual):
            out = self.layer(x, name, module.branch())
            return self.node("Add", [x, out], f"{name}.sum") if module.use_shortcut else out
        if isinstance(module, nn.Sequential):
            return self.sequence(x, name, list(module))
        if isinstance(module, SqueezeExcitation):
            return self.squeeze_excitation(x, name, module)
        if isinstance(module, nn.ReLU6):
            limits = [self.weight("zero", np.float32(0)), self.weight("six", np.float32(6))]
            return self.node("Clip", [x, *limits], name)
        if isinstance(module, nn.SiLU):
            return self.silu(x, name)
        raise TypeError(f"{name}: {type(module).__name__} has no ONNX form")

    def sequence(self, x: str, name: str, layers: Sequence[nn.Module]) -> str:
        """Append layers in order, each convolution together with the normalisation that follows it."""
        for index, (layer, follower) in enumerate(zip(layers, [*layers[1:], None])):
            path = f"{name}.{index}"
            if isinstance(layer, nn.Conv2d):
                norm = follower if isinstance(follower, nn.BatchNorm2d) else None
                x = self.convolution(x, path, layer, norm)
            elif not isinstance(layer, nn.BatchNorm2d):
                x = self.layer(x, path, layer)
        return x

    def silu(self, x: str, name: str) -> str:
        """x * sigmoid(x)."""
        return self.node("Mul", [x, self.node("Sigmoid", [x], f"{name}.sigmoid")], name)

    def squeeze_excitation(self, x: str, name: str, module: SqueezeExcitation) -> str:
        mean = self.node("GlobalAveragePool", [x], f"{name}.mean")
        hidden = self.silu(self.convolution(mean, f"{name}.fc1", module.fc1), f"{name}.silu")
        logits = self.convolution(hidden, f"{name}.fc2", module.fc2)
        return self.node("Mul", [x, self.node("Sigmoid", [logits], f"{name}.gate")], name)

    def convolution(
        self, x: str, name: str, conv: nn.Conv2d, norm: Optional[nn.BatchNorm2d] = None
    ) -> str:
        """Append a convolution with the normalisation that follows it folded in."""
        assert not isinstance(conv.padding, str)
        before, after = conv.pads if isinstance(conv, SameConv2d) else conv.padding
        weight, bias = folded(conv, norm)
        kernel = self.kernel(f"{name}.weight", weight, self._halves_kernels)
        inputs = [x, kernel, self.weight(f"{name}.bias", bias)]
        return self.node(
            "Conv",
            inputs,
            name,
            kernel_shape=list(conv.kernel_size),
            strides=list(conv.stride),
            pads=[before, before, after, after],
            group=conv.groups,
        )

    def picture(self, name: str) -> str:
        """A graph input in the type in which the networks compute."""
        return self.cast(name, f"{name}.half", TensorProto.FLOAT16) if self._is_typed else name

    def planes(self, network: str, flow: str, residual: str, shape: Architecture) -> str:
        """Append what LiteNet_M or LiteNet_S sees: flow or speed, and energy, within their limits, as planes of one
        picture."""
        if shape.has_speed:
            begin = 2 * (network == "S")
            ends = [
                self.constant(f"channel{c}", np.array([c], np.int64)) for c in (begin, begin + 2)
            ]
            axis = self.constant("channels", np.array([1], np.int64))
            flow = self.node("Slice", [flow, *ends, axis], f"{network}.flow")
        gain = self.weight("flow_limit", np.float32(shape.flow_limit))
        limits = [
            self.weight("zero", np.float32(0)),
            self.weight("energy_limit", np.float32(shape.energy_limit)),
        ]
        scaled = self.node("Mul", [flow, gain], f"{network}.flow.scaled")
        clipped = self.node("Clip", [residual, *limits], f"{network}.residual.clipped")
        return self.node("Concat", [scaled, clipped], f"{network}.planes", axis=1)

    def features(self, x: str, name: str, net: LiteNet, size: Size) -> str:
        """Append a LiteNet on a picture of this size (W, H): the map (N, channels, H/32, W/32)."""
        if net.enlarged is not None:
            x = self.enlarge(x, f"{name}.enlarged", size, net.enlarged)
        return self.layer(x, name, net.features)

    def enlarge(self, x: str, name: str, size: Size, wanted: Size) -> str:
        """Append a linear resize. By scales, because sizes would include the batch."""
        factors = [_factor(*sides) for sides in zip(size[::-1], wanted[::-1])]
        scales = self.constant(f"{name}.scales", np.array([1, 1, *factors], np.float32))
        return self.node(
            "Resize",
            [x, "", scales],
            name,
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )

    def scored(self, x: str, name: str, net: LiteNet, classifier: nn.Linear, size: Size) -> str:
        """Append a LiteNet and its classifier, in 32 bits: (N, in_channels, H, W) -> (N, classes, 1, 1)."""
        features = self.features(x, name, net, size)
        mean = self.node("GlobalAveragePool", [features], f"{name}.mean")
        if self._is_typed:
            mean = self.cast(mean, f"{name}.mean.wide", TensorProto.FLOAT)
        weight = self.constant(f"{name}.classifier", _numpy(classifier.weight)[..., None, None])
        bias = self.constant(f"{name}.classifier.bias", _numpy(classifier.bias))
        return self.node("Conv", [mean, weight, bias], f"{name}{MAPS}", kernel_shape=[1, 1])

    def projected(
        self, x: str, name: str, net: LiteNet, projection: nn.Conv1d, output: str, size: Size
    ) -> str:
        """Append a LiteNet and its projection: (N, in_channels, H, W) -> `output` (N, d*D, K)."""
        features = self.features(self.picture(x), name, net, size)
        matrix = _numpy(projection.weight)[..., None]
        weight = self.kernel(f"{name}.projection", matrix, self._halves_projections)
        maps = self.node("Conv", [features, weight], f"{name}{MAPS}", kernel_shape=[1, 1])
        if self._is_typed:
            maps = self.cast(maps, f"{maps}.wide", TensorProto.FLOAT)
        shape = self.constant("rows", np.array([0, 0, -1], np.int64))
        return self.node("Reshape", [maps, shape], output)

    def model(
        self,
        name: str,
        inputs: Sequence[onnx.ValueInfoProto],
        outputs: Sequence[onnx.ValueInfoProto],
        functions: Sequence[onnx.FunctionProto] = (),
    ) -> onnx.ModelProto:
        """Return the checked model."""
        graph = helper.make_graph(self.nodes, name, inputs, outputs, list(self.weights.values()))
        opsets = [helper.make_opsetid("", OPSET)]
        if functions:
            opsets.append(helper.make_opsetid(DOMAIN, 1))
        model = helper.make_model(
            graph,
            opset_imports=opsets,
            ir_version=IR_VERSION,
            producer_name="edge-attp-export",
            functions=list(functions),
        )
        onnx.checker.check_model(model)
        return model


def graphs(
    model: ATTP, crop: Size = (SIDE, SIDE), precision: str = "fp32"
) -> Dict[str, onnx.ModelProto]:
    """The graphs of a pack by name: `motion` and, unless the model has no I network, `appearance`."""
    motion = {"motion": motion_graph(model, crop, precision)}
    if "I" not in model.architecture.networks:
        return motion
    return {"appearance": appearance_graph(model, crop, precision), **motion}


def appearance_graph(
    model: ATTP, crop: Size = (SIDE, SIDE), precision: str = "fp32"
) -> onnx.ModelProto:
    """`rgb` (N, 3, H, W) -> `appearance` (N, d*D, K) = U'x or, in late fusions, half the scores of I, (N, classes,
    1); crop: (W, H)."""
    writer, shape = GraphWriter(precision), model.architecture
    if shape.has_classifiers:
        classifier = model.classifiers["I"]
        assert isinstance(classifier, nn.Linear)
        column = writer.scored(writer.picture("rgb"), "i", model.litenet_i, classifier, crop)
        half = writer.constant("half", np.float32(0.5))
        halved = writer.node("Mul", [column, half], "halved")
        rows = writer.constant("rows", np.array([0, 0, -1], np.int64))
        writer.node("Reshape", [halved, rows], "appearance")
    else:
        writer.projected("rgb", "i", model.litenet_i, model.pooling.u, "appearance", crop)
    return writer.model(
        "appearance",
        [_pictures("rgb", shape.channels["I"], crop)],
        [_tensor("appearance", _appearance_shape(shape, crop))],
    )


def motion_graph(
    model: ATTP, crop: Size = (SIDE, SIDE), precision: str = "fp32"
) -> onnx.ModelProto:
    """`flow` (N, 2, H, W), `residual` (N, 3 or 1, H, W), `appearance` -> `scores` (N, classes).

    `appearance` is the sum of what the appearance graph gives for I_t and I_{t+dt}, eq. (7), and missing where
    there is none; crop: (W, H) of the RGB input, of which flow and residual have one sample in `step`.
    """
    writer, shape = GraphWriter(precision), model.architecture
    sizes = {name: in_steps(crop, shape.steps[name]) for name in ("MV", "R")}
    inputs = [
        _pictures("flow", 4 if shape.has_speed else 2, sizes["MV"]),
        _pictures("residual", shape.channels["R"], sizes["R"]),
    ]
    if "I" in shape.networks:
        inputs.append(_tensor("appearance", _appearance_shape(shape, crop)))
    functions = []
    if shape.has_classifiers:
        _append_sum(writer, model, sizes)
    else:
        _append_scoring(writer, model, sizes)
        functions.append(scoring_function(shape.projections, OPSET))
    outputs = [_tensor("scores", ("N", shape.classes))]
    return writer.model("motion", inputs, outputs, functions)


def _append_scoring(writer: GraphWriter, model: ATTP, sizes: Dict[str, Size]) -> None:
    """Two networks, and the pooling of their maps with the appearance."""
    pooling = model.pooling
    vy = writer.projected("flow", "mv", model.litenet_mv, pooling.v, "motion_maps", sizes["MV"])
    wz = writer.projected("residual", "r", model.litenet_r, pooling.w, "residual_maps", sizes["R"])
    classifier = writer.constant("classifier", _numpy(pooling.p))
    factors = model.architecture.factors
    writer.nodes.append(scoring_node(["appearance", vy, wz, classifier], "scores", factors))


def _append_sum(writer: GraphWriter, model: ATTP, sizes: Dict[str, Size]) -> None:
    """The networks of motion and residual, each with its classifier, and the sum of all scores."""
    shape = model.architecture
    pictures = {"MV": "flow", "R": "residual"}
    if shape.is_early:
        flow, residual = (writer.picture(one) for one in pictures.values())
    columns = []
    for name, net in model.networks():
        if name == "I":
            continue
        if name in EARLY:
            x = writer.planes(name, flow, residual, shape)
        else:
            x = writer.picture(pictures[name])
        classifier = model.classifiers[name]
        assert isinstance(classifier, nn.Linear)
        columns.append(
            writer.scored(x, name.lower(), net, classifier, sizes.get(name, sizes["MV"]))
        )
    total = columns[0] if len(columns) == 1 else writer.node("Sum", columns, "columns")
    classes = np.array([0, -1], np.int64)
    has_appearance = "I" in shape.networks
    rows = writer.constant("flat", classes)
    flat = writer.node("Reshape", [total, rows], "motion_scores" if has_appearance else "scores")
    if has_appearance:
        own = writer.node("Reshape", ["appearance", rows], "appearance_scores")
        writer.node("Sum", [flat, own], "scores")


def folded(conv: nn.Conv2d, norm: Optional[nn.BatchNorm2d]) -> Tuple[np.ndarray, np.ndarray]:
    """Weight and bias, float32, of a convolution with the following normalisation folded in."""
    weight = _numpy(conv.weight).astype(np.float64)
    bias = (
        np.zeros(conv.out_channels) if conv.bias is None else _numpy(conv.bias).astype(np.float64)
    )
    if norm is not None:
        assert norm.running_mean is not None and norm.running_var is not None
        scale = _numpy(norm.weight) / np.sqrt(
            _numpy(norm.running_var).astype(np.float64) + norm.eps
        )
        weight = weight * scale[:, None, None, None]
        bias = (bias - _numpy(norm.running_mean)) * scale + _numpy(norm.bias)
    return weight.astype(np.float32), bias.astype(np.float32)


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    return np.asarray(tensor.detach().cpu().numpy())


def _factor(length: int, wanted: int) -> float:
    """The scale that enlarges one side, a float of 32 bits: engines round `length * scale` down, so it may not be
    too small."""
    factor = np.float32(wanted / length)
    while np.float32(length) * factor < wanted:
        factor = np.nextafter(factor, np.float32(np.inf))
    return float(factor)


def _appearance_shape(shape: Architecture, crop: Size) -> Tuple[Union[str, int], ...]:
    positions = map_positions(shape, crop)["I"]
    if shape.has_classifiers:
        return "N", shape.classes, 1
    return "N", shape.factors * shape.projections, positions


def _pictures(name: str, channels: int, crop: Size) -> onnx.ValueInfoProto:
    return _tensor(name, ("N", channels, *crop[::-1]))


def _tensor(name: str, shape: Sequence[Union[str, int]]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
