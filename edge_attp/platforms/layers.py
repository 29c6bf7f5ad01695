"""Reads an ONNX graph as a list of layers: what each computes, reads and writes in 16 bits.

Knows operators, not devices: edge_attp.platforms.roofline estimates how long a layer takes. Weights that the
graph converts before use (16-bit or quantised kernels) count as weights.
"""

from functools import reduce
from operator import mul
from typing import TYPE_CHECKING, Dict, List, NamedTuple, Set, Tuple

from edge_attp import lazy
from edge_attp.errors import ModelError

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

__all__ = ["ELEMENT_BYTES", "KINDS", "Layer", "read_layers"]

ELEMENT_BYTES = 2  # as the engine holds it, whatever the file has
INPUT_BYTES = 4  # graph inputs are float32

# In the order of the report. "excitation": the two small layers between the mean of a map and its gate;
# "gate": the map times one number per channel.
KINDS = (
    "convolution",
    "depthwise",
    "activation",
    "sum",
    "pooling",
    "excitation",
    "gate",
    "scoring",
    "input",
    "other",
)
_PLAIN_KINDS = {
    "Clip": "activation",
    "Relu": "activation",
    "Gemm": "convolution",
    "MatMul": "convolution",
    "GlobalAveragePool": "pooling",
    "AveragePool": "pooling",
    "MaxPool": "pooling",
    "ReduceMean": "pooling",
    "TrilinearScoring": "scoring",
}
# Without a kernel of their own: views, conversions that an engine fuses with their neighbours, and Sigmoid,
# which is computed where its result is multiplied.
_FREE = {
    "Cast",
    "DequantizeLinear",
    "Flatten",
    "Identity",
    "QuantizeLinear",
    "Reshape",
    "Sigmoid",
    "Squeeze",
    "Unsqueeze",
}

Shape = Tuple[int, ...]


class Layer(NamedTuple):
    """One operator at batch 1. Bytes are those of activations read and written, and of weights."""

    name: str
    kind: str
    flops: float
    read_bytes: int
    written_bytes: int
    weight_bytes: int


def read_layers(path: str) -> List[Layer]:
    """The layers of an ONNX file, in its order. MissingEngine without the onnx package; ModelError for a file that
    cannot be read or whose shapes do not follow from its inputs."""
    graph, shapes = _load(path)
    constants = _constants(graph)
    layers = [_input_layer(value.name, shapes[value.name]) for value in graph.input]
    for node in graph.node:
        if node.op_type not in _FREE and node.output[0] not in constants:
            try:
                layers.append(_layer(node, shapes, constants))
            except KeyError as error:
                raise ModelError(
                    f"{path}: the shape of {error} is unknown: export it with fixed sizes"
                ) from None
    return layers


def _load(path: str) -> Tuple["GraphProto", Dict[str, Shape]]:
    """The graph, and the shape of every value in it at batch 1."""
    onnx = lazy.load("estimating", "onnx", "onnx.shape_inference")
    try:
        model: "ModelProto" = onnx.load(path)
        for value in list(model.graph.input) + list(model.graph.output):
            value.type.tensor_type.shape.dim[0].dim_value = 1
        graph: "GraphProto" = onnx.shape_inference.infer_shapes(model).graph
    except Exception as error:  # the classes of protobuf and onnx have no common base
        raise ModelError(f"{path}: cannot be read: {' '.join(str(error).split())}") from error
    shapes: Dict[str, Shape] = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in list(graph.value_info) + list(graph.input) + list(graph.output):
        sides = [side.dim_value for side in value.type.tensor_type.shape.dim]
        if all(sides):
            shapes[value.name] = tuple(sides)
    return graph, shapes


def _constants(graph: "GraphProto") -> Set[str]:
    """Names of the values that do not depend on the inputs."""
    names = {tensor.name for tensor in graph.initializer}
    for node in graph.node:
        if all(name in names or not name for name in node.input):
            names.update(node.output)
    return names


def _input_layer(name: str, shape: Shape) -> Layer:
    """The conversion of a graph input to 16 bits."""
    size = _size(shape)
    return Layer(name, "input", 0.0, INPUT_BYTES * size, ELEMENT_BYTES * size, 0)


def _layer(node: "NodeProto", shapes: Dict[str, Shape], constants: Set[str]) -> Layer:
    activations = [shapes[name] for name in node.input if name and name not in constants]
    weights = [shapes[name] for name in node.input if name in constants]
    output = shapes[node.output[0]]
    kind = _kind(node, activations, weights, output)
    read = list(map(_size, activations))
    if kind == "activation":
        read = [max(read)]  # x * sigmoid(x) reads x once
    return Layer(
        node.name or node.output[0],
        kind,
        _flops(node.op_type, activations, weights, output),
        ELEMENT_BYTES * sum(read),
        ELEMENT_BYTES * _size(output),
        ELEMENT_BYTES * sum(map(_size, weights)),
    )


def _kind(node: "NodeProto", activations: List[Shape], weights: List[Shape], output: Shape) -> str:
    if node.op_type == "Conv":
        if weights[0][1] == 1 and output[1] > 1 and activations[0][1] == weights[0][0]:
            return "depthwise"
        return "excitation" if _size(activations[0][2:]) == 1 else "convolution"
    if node.op_type in ("Add", "Mul"):
        if len(set(activations)) > 1:
            return "gate"
        return "sum" if node.op_type == "Add" and len(activations) > 1 else "activation"
    return _PLAIN_KINDS.get(node.op_type, "other")


def _flops(op: str, activations: List[Shape], weights: List[Shape], output: Shape) -> float:
    if op == "Conv":
        return 2.0 * _size(output) * _size(weights[0][1:])
    if op in ("Gemm", "MatMul"):
        return 2.0 * _size(output) * activations[0][-1]
    if op == "TrilinearScoring":  # two products and a sum for each place, then the classifier
        return 3.0 * _size(activations[0]) + 2.0 * sum(map(_size, weights))
    return float(max([_size(output)] + list(map(_size, activations))))


def _size(shape: Shape) -> int:
    return reduce(mul, shape, 1)
