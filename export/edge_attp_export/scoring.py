"""The node `edge_attp::TrilinearScoring`: eq. (4)-(7), signed root, l2 norm and classifier.

TensorRT looks up a plugin by that name; every other runtime runs the function body of standard
operators that the model carries. Inputs: three projected maps (N, d*D, K) and P (D,
classes); output: scores (N, classes).
"""

from __future__ import annotations

from typing import List, Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

from .trilinear import EPSILON

DOMAIN = "edge_attp"
OP_TYPE = "TrilinearScoring"


def scoring_node(inputs: Sequence[str], output: str, factors: int) -> onnx.NodeProto:
    """The node; its attributes are d and those by which TensorRT's parser finds a plugin."""
    return helper.make_node(
        OP_TYPE,
        list(inputs),
        [output],
        name=output,
        domain=DOMAIN,
        plugin_version="1",
        plugin_namespace=DOMAIN,
        factors=factors,
    )


def scoring_function(projections: int, opset: int) -> onnx.FunctionProto:
    """The function body in standard operators.

    The d factors of a projection are adjacent channels, so (N, d*D, K) read as (N, D, d*K) makes
    the double sum over factors and positions a single one.
    """
    nodes = [
        _constant("rows", np.array([0, projections, -1], np.int64)),
        _constant("last", np.array([2], np.int64)),
        _constant("epsilon", np.array(EPSILON, np.float32)),
        helper.make_node("Mul", ["appearance", "motion"], ["pair"]),
        helper.make_node("Mul", ["pair", "residual"], ["product"]),
        helper.make_node("Reshape", ["product", "rows"], ["terms"]),
        helper.make_node("ReduceSum", ["terms", "last"], ["pooled"], keepdims=0),
        helper.make_node("Sign", ["pooled"], ["sign"]),
        helper.make_node("Abs", ["pooled"], ["magnitude"]),
        helper.make_node("Sqrt", ["magnitude"], ["root"]),
        helper.make_node("Mul", ["sign", "root"], ["rooted"]),
        helper.make_node("ReduceL2", ["rooted"], ["length"], axes=[1], keepdims=1),
        helper.make_node("Max", ["length", "epsilon"], ["divisor"]),
        helper.make_node("Div", ["rooted", "divisor"], ["unit"]),
        helper.make_node("MatMul", ["unit", "classifier"], ["scores"]),
    ]
    inputs: List[str] = ["appearance", "motion", "residual", "classifier"]
    attributes = ["plugin_version", "plugin_namespace", "factors"]
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_function(DOMAIN, OP_TYPE, inputs, ["scores"], nodes, opsets, attributes)


def _constant(name: str, value: np.ndarray) -> onnx.NodeProto:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value))
