"""8-bit networks: smaller, with the model's answers; the caller's graphs stay unchanged."""

import numpy as np
import onnx
import onnxruntime
import pytest
import small_checkpoint
import torch

from edge_attp_export import parity
from edge_attp_export.architecture import Architecture
from edge_attp_export.attp import ATTP
from edge_attp_export.checkpoints import build
from edge_attp_export.initialise import calibrate
from edge_attp_export.onnx_graphs import appearance_graph, graphs, motion_graph
from edge_attp_export.packs import describe, write_pack
from edge_attp_export.quantise import EARLY, quantised
from edge_attp_export.video_samples import Samples, read_samples

pytestmark = [pytest.mark.needs_onnxruntime, pytest.mark.needs_torch, pytest.mark.needs_onnx]
PROVIDERS = ["CPUExecutionProvider"]


@pytest.fixture(scope="module")
def made(clips):
    """Checkpoint, samples, the graphs and their quantised form."""
    checkpoint = small_checkpoint.checkpoint()
    samples = read_samples([clips.path(small_checkpoint.CLIP)], checkpoint.input, 20)
    model, crop = build(checkpoint), checkpoint.input.crop
    graphs = {
        "appearance": appearance_graph(model, crop, "int8"),
        "motion": motion_graph(model, crop, "int8"),
    }
    before = {name: graph.SerializeToString() for name, graph in graphs.items()}
    small = quantised(graphs, samples)
    assert {name: graph.SerializeToString() for name, graph in graphs.items()} == before
    return checkpoint, samples, graphs, small


@pytest.mark.needs_av
def test_networks_are_in_8_bits_and_the_rest_is_not(made):
    *_, graphs, small = made
    for name, graph in small.items():
        onnx.checker.check_model(graph)
        types = {weight.name: weight.data_type for weight in graph.graph.initializer}
        sizes = {w.name: np.prod(w.dims) for w in graphs[name].graph.initializer}
        whole = [key for key in sizes if key.endswith(".weight")]
        networks = {"appearance": ["i"], "motion": ["mv", "r"]}[name]
        for network in networks:
            kernels = [key for key in whole if key.startswith(network + ".")]
            early = [key for key in kernels if key in types]
            assert early == kernels[: len(early)] and 0 < len(early) < len(kernels)
            share = sum(sizes[key] for key in early) / sum(sizes[key] for key in kernels)
            assert share <= EARLY or {key.split(".")[1] for key in early} == {"0"}
            late = {types[f"{key}_quantized"] for key in kernels[len(early) :]}
            assert late == {onnx.TensorProto.INT8}
        projections = [key for key in types if key.endswith(".projection")]
        assert projections and all(types[key] == onnx.TensorProto.FLOAT16 for key in projections)
    assert small["motion"].graph.node[-1].op_type == "TrilinearScoring"
    assert small["motion"].graph.initializer and len(small["motion"].functions) == 1


@pytest.mark.needs_av
def test_scores_stay_close(made, tmp_path):
    checkpoint, samples, _, small = made
    model = build(checkpoint)
    write_pack(tmp_path / "pack", describe(checkpoint, model, True, "tiny", "int8"), small)
    found = parity.measure(model, tmp_path / "pack", samples)
    parity.check(found, "int8")
    assert found.scores > 1e-3  # it really computes with other numbers


@pytest.mark.needs_av
@pytest.mark.parametrize("modalities", ["M", "I+M"])
def test_first_layers_and_classifiers_of_sums_stay(modalities, clips):
    """What comes before the first convolution is in 32 bits as well: clipping, enlarging."""
    checkpoint = small_checkpoint.checkpoint(modalities)
    with_keys = modalities == "I+M"
    samples = read_samples([clips.path(small_checkpoint.CLIP)], checkpoint.input, 20, with_keys)
    assert samples.keys.shape[1:] == ((3, 64, 64) if with_keys else (0,))
    made = graphs(build(checkpoint), checkpoint.input.crop, "int8")
    small = quantised(made, samples)
    assert set(small) == set(made)
    for name, graph in small.items():
        makers = {output: node for node in graph.graph.node for output in node.output}
        plain = [
            node.name
            for node in graph.graph.node
            if node.op_type == "Conv" and not _is_quantised(makers.get(node.input[1]))
        ]
        stem = {"appearance": "i.0.0", "motion": "m.0.0"}[name]
        assert plain[0] == stem and plain[-1] == stem[0] + ".maps"
        kinds = [node.op_type for node in graph.graph.node]
        assert "QuantizeLinear" not in kinds[: kinds.index("Conv")]


def _is_quantised(maker):
    return maker is not None and maker.op_type == "DequantizeLinear"


def test_lite_networks_are_quantised_from_the_fifth_stage_on():
    """The stem and four stages, which hold 7 % of the weights, compute in 32 bits, and U'x stays close."""
    torch.manual_seed(3)
    model = ATTP(Architecture("efficientnet_lite0", 2, factors=1, projections=4))
    calibrate(model.litenet_i, torch.randn(4, 3, 64, 64))
    pictures = np.random.RandomState(4).standard_normal((6, 3, 64, 64)).astype(np.float32)
    graph = appearance_graph(model.eval(), (64, 64), "int8")
    small = quantised({"appearance": graph}, Samples(pictures, *[np.empty(0)] * 4))["appearance"]
    made = {output: node for node in small.graph.node for output in node.output}
    for node in small.graph.node:
        if node.op_type == "Conv" and node.name != "i.maps":
            is_early = int(node.name.split(".")[1]) < 5
            assert _is_quantised(made.get(node.input[1])) != is_early, node.name
    expected, found = (
        onnxruntime.InferenceSession(one.SerializeToString(), providers=PROVIDERS).run(
            None, {"rgb": pictures}
        )[0]
        for one in (graph, small)
    )
    # Random weights multiply rounding errors; ImageNet's come to 0.97.
    assert 0.8 < np.corrcoef(found.ravel(), expected.ravel())[0, 1] < 1
