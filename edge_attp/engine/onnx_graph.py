"""The form of a pack's graph that TensorRT parsers read, made in memory from the ONNX file.

- 16-bit kernels behind a Cast become 32-bit ones: TensorRT 8.2 may refuse a Cast in front of a
  convolution.
- The node edge_attp::TrilinearScoring stays where a plugin takes it, and loses the function body,
  which TensorRT 10.0 to 10.6 would prefer. Without a plugin the body takes the node's place.

Knows the package onnx (1.11 on Python 3.6 to the newest) and nothing of TensorRT.
"""

from typing import Any, Dict, List, NamedTuple

from edge_attp.engine.backend import Shapes
from edge_attp.errors import EngineError, ModelError

__all__ = ["SCORING", "ParserInput", "parser_input"]

SCORING = "edge_attp.scoring/"  # how the names of nodes and tensors of the scoring's body begin


class ParserInput(NamedTuple):
    """data: the ONNX bytes. inputs: without the batch. is_typed: the networks compute in 16 bits by
    themselves. has_body: nodes of standard operators whose names begin with SCORING are in it."""

    data: bytes
    inputs: Shapes
    is_typed: bool
    has_body: bool


def parser_input(path: str, with_plugin: bool) -> ParserInput:
    """Reads a graph. ModelError if it is none or in 8 bits, EngineError without the package onnx."""
    try:
        import onnx.numpy_helper
    except ImportError as error:
        raise EngineError(
            f"building engines needs the package onnx ({error}): pip install onnx"
        ) from None
    try:
        model = onnx.load(path)
    except Exception as error:  # protobuf's classes have no public common base
        raise ModelError(f"{path}: is not an ONNX file: {error}") from None
    if any(node.op_type == "DequantizeLinear" for node in model.graph.node):
        raise ModelError(
            f"{path}: is in 8 bits, which is for CPUs: export the pack with --precision fp16"
        )
    _widen_kernels(onnx, model.graph)
    has_body = not with_plugin and _inline_functions(onnx, model, path)
    del model.functions[:]
    half = onnx.TensorProto.FLOAT16
    return ParserInput(
        model.SerializeToString(),
        {value.name: _sides(value) for value in model.graph.input},
        any(weight.data_type == half for weight in model.graph.initializer),
        has_body,
    )


def _sides(value: Any) -> Any:
    return tuple(side.dim_value for side in value.type.tensor_type.shape.dim[1:])


def _widen_kernels(onnx: Any, graph: Any) -> None:
    """Replaces each Cast of 16-bit weights to 32 bits by its result."""
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


def _is_widening(onnx: Any, node: Any, stored: Any) -> bool:
    types = onnx.TensorProto
    return stored.data_type == types.FLOAT16 and node.attribute[0].i == types.FLOAT


def _inline_functions(onnx: Any, model: Any, path: str) -> bool:
    """Puts the bodies of model-local functions in place of their nodes; True if there was one."""
    bodies = {(function.domain, function.name): function for function in model.functions}
    nodes: List[Any] = []
    for node in model.graph.node:
        body = bodies.get((node.domain, node.op_type))
        nodes.extend([node] if body is None else _body(onnx, model.graph, node, body, path))
    was_called = any((node.domain, node.op_type) in bodies for node in model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return was_called


def _body(onnx: Any, graph: Any, call: Any, function: Any, path: str) -> List[Any]:
    """The nodes of a function under the names of one call; its constants become weights."""
    own = SCORING + call.output[0] + "/"
    names: Dict[str, str] = dict(zip(function.input, call.input))
    names.update(zip(function.output, call.output))
    nodes = []
    for node in function.node:
        if any(attribute.ref_attr_name for attribute in node.attribute):
            raise ModelError(
                f"{path}: the body of {call.op_type} takes attributes, which this version cannot insert"
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
