"""Turns the ONNX file of a graph into what the parsers of TensorRT read, in memory.

- 16-bit kernels behind a Cast become 32-bit ones: TensorRT 8.2 may refuse a Cast in front of a
  convolution.
- With a plugin, the node edge_attp::TrilinearScoring stays, but its function body goes, because TensorRT 10.0 to
  10.6 would prefer it. Without a plugin, the body replaces the node.

Knows the package onnx (1.11 on Python 3.6 to the newest) and nothing of TensorRT.
"""

from types import ModuleType
from typing import TYPE_CHECKING, Dict, List, NamedTuple

from edge_attp import lazy
from edge_attp.engine.backend import Shapes
from edge_attp.errors import ModelError

if TYPE_CHECKING:
    from onnx import FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto

__all__ = ["SCORING", "ParserInput", "parser_input"]

SCORING = "edge_attp.scoring/"  # prefix of nodes and tensors of the body of the scoring


class ParserInput(NamedTuple):
    """data: the ONNX bytes. inputs: shapes without the batch. is_typed: the graph itself computes in 16 bits.
    has_body: it contains nodes of standard operators whose names begin with SCORING."""

    data: bytes
    inputs: Shapes
    is_typed: bool
    has_body: bool


def parser_input(path: str, with_plugin: bool) -> ParserInput:
    """Reads a graph. ModelError if the file is not one or is in 8 bits, MissingEngine without the package onnx."""
    onnx = lazy.load("building engines", "onnx", "onnx.numpy_helper")
    try:
        model: "ModelProto" = onnx.load(path)
    except Exception as error:  # the classes of protobuf have no public common base
        raise ModelError(f"{path}: is not an ONNX file: {error}") from None
    if any(node.op_type == "DequantizeLinear" for node in model.graph.node):
        raise ModelError(
            f"{path}: is in 8 bits, which only CPUs run: export the pack with --precision fp16"
        )
    _widen_kernels(onnx, model.graph)
    has_body = not with_plugin and _inline_functions(onnx, model, path)
    del model.functions[:]
    half = onnx.TensorProto.FLOAT16
    return ParserInput(
        model.SerializeToString(),
        {
            value.name: tuple(side.dim_value for side in value.type.tensor_type.shape.dim[1:])
            for value in model.graph.input
        },
        any(weight.data_type == half for weight in model.graph.initializer),
        has_body,
    )


def _widen_kernels(onnx: ModuleType, graph: "GraphProto") -> None:
    """Replaces each Cast of 16-bit weights to 32 bits with its result."""
    weights = {weight.name: weight for weight in graph.initializer}
    for node in list(graph.node):
        stored = weights.get(node.input[0]) if node.op_type == "Cast" else None
        if stored is None or not _is_widening(onnx, node, stored):
            continue
        wide = onnx.numpy_helper.to_array(stored).astype("float32")
        graph.initializer.append(onnx.numpy_helper.from_array(wide, node.output[0]))
        graph.node.remove(node)
    used = {name for node in graph.node for name in node.input}
    for weight in list(graph.initializer):
        if weight.name not in used:
            graph.initializer.remove(weight)


def _is_widening(onnx: ModuleType, node: "NodeProto", stored: "TensorProto") -> bool:
    types = onnx.TensorProto
    return bool(stored.data_type == types.FLOAT16 and node.attribute[0].i == types.FLOAT)


def _inline_functions(onnx: ModuleType, model: "ModelProto", path: str) -> bool:
    """Replaces calls of model-local functions with their bodies; True if there were any."""
    bodies = {(function.domain, function.name): function for function in model.functions}
    nodes: List["NodeProto"] = []
    for node in model.graph.node:
        body = bodies.get((node.domain, node.op_type))
        nodes.extend([node] if body is None else _body(onnx, model.graph, node, body, path))
    was_called = any((node.domain, node.op_type) in bodies for node in model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return was_called


def _body(
    onnx: ModuleType, graph: "GraphProto", call: "NodeProto", function: "FunctionProto", path: str
) -> List["NodeProto"]:
    """The nodes of a function with the names of one call; its constants become weights."""
    own = SCORING + call.output[0] + "/"
    names: Dict[str, str] = dict(zip(function.input, call.input))
    names.update(zip(function.output, call.output))
    nodes: List["NodeProto"] = []
    for node in function.node:
        if any(attribute.ref_attr_name for attribute in node.attribute):
            raise ModelError(
                f"{path}: the body of {call.op_type} takes attributes, which is not supported"
            )
        for name in node.output:
            names.setdefault(name, own + name)
        if node.op_type == "Constant":
            graph.initializer.add().CopyFrom(node.attribute[0].t)
            graph.initializer[-1].name = names[node.output[0]]
            continue
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.name = own + node.output[0]
        copy.input[:] = [names[name] for name in node.input]
        copy.output[:] = [names[name] for name in node.output]
        nodes.append(copy)
    return nodes
