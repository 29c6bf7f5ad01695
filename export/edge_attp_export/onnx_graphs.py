"""The two ONNX graphs of a model pack, written node by node from the PyTorch modules.

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

from .attp import ATTP, FLOW, RESIDUAL, RGB, SIDE
from .backbones.layers import Residual, SameConv2d, SqueezeExcitation
from .input_spec import Size, positions
from .litenet import LiteNet
from .precision import narrowed
from .scoring import DOMAIN, scoring_function, scoring_node

OPSET = 13
IR_VERSION = 8
MAPS = ".maps"  # suffix of the name of a projection


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

    def projected(self, x: str, name: str, net: LiteNet, projection: nn.Conv1d, output: str) -> str:
        """Append a LiteNet and its projection: (N, in_channels, H, W) -> `output` (N, d*D, K)."""
        if self._is_typed:
            x = self.cast(x, f"{x}.half", TensorProto.FLOAT16)
        features = self.layer(x, name, net.features)
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


def appearance_graph(
    model: ATTP, crop: Size = (SIDE, SIDE), precision: str = "fp32"
) -> onnx.ModelProto:
    """`rgb` (N, 3, H, W) -> `appearance` (N, d*D, K) = U'x; crop: (W, H)."""
    writer = GraphWriter(precision)
    writer.projected("rgb", "i", model.litenet_i, model.pooling.u, "appearance")
    return writer.model(
        "appearance",
        [_pictures("rgb", RGB, crop)],
        [_tensor("appearance", _map_shape(model, crop))],
    )


def motion_graph(
    model: ATTP, crop: Size = (SIDE, SIDE), precision: str = "fp32"
) -> onnx.ModelProto:
    """`flow` (N, 2, H, W), `residual` (N, 3, H, W), `appearance` -> `scores` (N, classes).

    `appearance` (N, d*D, K) is the sum U'(I_t) + U'(I_{t+dt}) of eq. (7); crop: (W, H) of the RGB
    input, of which flow and residual have one sample in `step`.
    """
    writer = GraphWriter(precision)
    pooling, shape = model.pooling, model.architecture
    vy = writer.projected("flow", "mv", model.litenet_mv, pooling.v, "motion_maps")
    wz = writer.projected("residual", "r", model.litenet_r, pooling.w, "residual_maps")
    classifier = writer.constant("classifier", _numpy(pooling.p))
    writer.nodes.append(scoring_node(["appearance", vy, wz, classifier], "scores", shape.factors))
    return writer.model(
        "motion",
        [
            _pictures("flow", FLOW, in_steps(crop, model.litenet_mv.step)),
            _pictures("residual", RESIDUAL, in_steps(crop, model.litenet_r.step)),
            _tensor("appearance", _map_shape(model, crop)),
        ],
        [_tensor("scores", ("N", shape.classes))],
        [scoring_function(shape.projections, OPSET)],
    )


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


def _map_shape(model: ATTP, crop: Size) -> Tuple[Union[str, int], ...]:
    shape = model.architecture
    return "N", shape.factors * shape.projections, positions(crop)


def _pictures(name: str, channels: int, crop: Size) -> onnx.ValueInfoProto:
    return _tensor(name, ("N", channels, *crop[::-1]))


def _tensor(name: str, shape: Sequence[Union[str, int]]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
