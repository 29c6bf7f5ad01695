"""Networks in 8 bits: static quantisation by ONNX Runtime, calibrated on real pictures."""

from __future__ import annotations

import logging
import math
import os
import tempfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Set, Tuple

import numpy as np
import onnx

from edge_attp.errors import UsageError

from .onnx_graphs import MAPS
from .video_samples import Samples

# The operators of MobileNetV2 and EfficientNet-Lite; EfficientNet's gates (Sigmoid, Mul) stay in 32 bits.
QUANTISED = ["Conv", "Clip", "Add"]
EARLY = 0.1  # of the weights of a network, which stay in 32 bits


def quantised(graphs: Dict[str, onnx.ModelProto], samples: Samples) -> Dict[str, onnx.ModelProto]:
    """The graphs of a pack with their networks in 8 bits; projections, classifiers and scoring stay.

    The first stages stay too. In 256 steps from the largest to the smallest flow or residual, the common small values
    would vanish, and what an early stage rounds away is missing in all later ones. They hold few weights, so that the
    graph stays small. The share of weights tells where they end in any backbone: those of EfficientNet-Lite0 are the
    stem and four stages, 7 % of the weights and 41 % of the products; docs/training.md has the errors.
    Kernels have 7 bits and a scale for each channel. x86 processors without VNNI add products in pairs of 16
    bits, which 8-bit kernels overflow without a word: there U'x was off by 0.41 of its spread with 8 bits and by
    0.31 with 7, where exact sums of 8 bits give 0.26 and take eight times as long (EfficientNet-Lite0).
    Raises UsageError without ONNX Runtime.
    """
    nothing = {}
    if "appearance" in graphs:  # the scoring is not calibrated, so any appearance will do
        maps = graphs["appearance"].graph.output[0].type.tensor_type.shape.dim
        zeros = np.zeros((1, maps[1].dim_value, maps[2].dim_value), np.float32)
        nothing = {"appearance": zeros}
    motion = zip(samples.flow, samples.residual)
    feeds = {
        "appearance": [{"rgb": key[None]} for key in samples.keys],
        "motion": [
            {"flow": flow[None], "residual": residual[None], **nothing} for flow, residual in motion
        ],
    }
    return {name: _quantised(graph, feeds[name]) for name, graph in graphs.items()}


def _quantised(graph: onnx.ModelProto, feeds: List[Dict[str, np.ndarray]]) -> onnx.ModelProto:
    try:
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        from onnxruntime import quantization  # type: ignore[import-untyped,unused-ignore]
    except ImportError as error:
        raise UsageError("int8 needs ONNX Runtime: pip install onnxruntime") from error

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._feeds = iter(feeds)

        def get_next(self) -> Optional[Dict[str, np.ndarray]]:
            return next(self._feeds, None)

    left_out = _first_layers(graph)
    left_out |= {node.name for node in graph.graph.node if node.name.endswith(MAPS)}
    with tempfile.TemporaryDirectory() as folder, _quiet():
        plain, path = (str(Path(folder) / name) for name in ("plain.onnx", "quantised.onnx"))
        onnx.save(graph, plain)  # the library would change a model passed in memory
        quantization.quantize_static(
            plain,
            path,
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=QUANTISED,
            nodes_to_exclude=sorted(left_out),
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
        )
        return onnx.load(path)


def _first_layers(graph: onnx.ModelProto) -> Set[str]:
    """Names of the nodes of each network's first stages, which together hold EARLY of its weights at most, of its first
    stage in any case, and of all that comes before them.

    A node is called network.stage.layer, and so on.
    """
    sizes = {weight.name: math.prod(weight.dims) for weight in graph.graph.initializer}
    nodes = [(node, *_place(node.name)) for node in graph.graph.node]
    total: Counter[str] = Counter()
    until: Counter[Tuple[str, str]] = Counter()  # the end of a stage
    for node, network, stage in nodes:
        if node.op_type == "Conv" and not node.name.endswith(MAPS):
            total[network] += sizes[node.input[1]]
            until[network, stage] = total[network]
    first = dict(reversed(list(until)))
    return {
        node.name
        for node, network, stage in nodes
        if until[network, stage] <= EARLY * total[network] or stage == first.get(network)
    }


def _place(name: str) -> Tuple[str, str]:
    """Network and stage of a node."""
    network, stage, *_ = [*name.split("."), ""]
    return network, stage


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the library's advice to run its own tools first."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
