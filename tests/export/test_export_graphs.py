"""The two ONNX graphs: PyTorch = ONNX Runtime = NumPy, and nothing in them that TensorRT 8.2 cannot import."""

import pytest

torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")

import make_data  # noqa: E402
import numpy as np  # noqa: E402
import onnx  # noqa: E402
import trilinear_reference as reference  # noqa: E402
from demo_inputs import DATA  # noqa: E402

from edge_attp_export.architecture import Architecture  # noqa: E402
from edge_attp_export.attp import ATTP  # noqa: E402
from edge_attp_export.initialise import initialise  # noqa: E402
from edge_attp_export.onnx_graphs import appearance_graph, motion_graph  # noqa: E402

SHAPES = [
    Architecture("mobilenet_v2", 6, width=0.25, factors=2, projections=20),
    Architecture("efficientnet_b0", 4),
    Architecture("efficientnet_b1", 4),
]
IMPORTED_BY_TENSORRT_8_2 = {"Conv", "Clip", "Add", "Mul", "Sigmoid", "GlobalAveragePool", "Reshape"}


@pytest.fixture(scope="module", params=SHAPES, ids=lambda shape: shape.backbone)
def exported(request):
    """A seeded model and its two graphs."""
    model = ATTP(request.param)
    initialise(model, 5)
    return model, appearance_graph(model), motion_graph(model)


@pytest.fixture(scope="module")
def inputs():
    """rgb, neighbour, flow, residual for two pictures."""
    random = np.random.RandomState(6)
    rgb, neighbour, flow, residual = (
        random.standard_normal((2, c, 224, 224)).astype(np.float32) for c in (3, 3, 2, 3)
    )
    return [rgb, neighbour, flow * 0.2, residual]


def run(model, **feed):
    data = model.SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return session.run(None, feed)[0]


def run_graphs(appearance, motion, rgb, neighbour, flow, residual):
    ux = run(appearance, rgb=rgb) + run(appearance, rgb=neighbour)
    return run(motion, flow=flow, residual=residual, appearance=ux)


def test_onnx_runtime_equals_pytorch(exported, inputs):
    model, appearance, motion = exported
    rgb, neighbour, flow, residual = (torch.from_numpy(array) for array in inputs)
    with torch.no_grad():
        ux = model.appearance(rgb).numpy()
        scores = model(rgb, neighbour, flow, residual).numpy()
    assert ux.std() > 0.1 and scores.std() > 0.1
    np.testing.assert_allclose(run(appearance, rgb=inputs[0]), ux, atol=2e-3 * ux.std())
    np.testing.assert_allclose(run_graphs(appearance, motion, *inputs), scores, atol=5e-3)


def test_onnx_runtime_equals_the_numpy_reference(exported, inputs):
    """Features from PyTorch (checked elsewhere), then eq. (4)-(7) by NumPy from the matrices."""
    model, appearance, motion = exported
    pooling = model.pooling
    nets = (model.litenet_i, model.litenet_i, model.litenet_mv, model.litenet_r)
    layers = (pooling.u, pooling.u, pooling.v, pooling.w)
    maps = []
    for net, layer, array in zip(nets, layers, inputs):
        with torch.no_grad():
            features = net(torch.from_numpy(array)).numpy()
        maps.append(reference.project(layer.weight.detach()[:, :, 0].numpy().T, features))
    expected = reference.temporal_scores(*maps, pooling.p.detach().numpy(), pooling.factors)
    np.testing.assert_allclose(run_graphs(appearance, motion, *inputs), expected, atol=5e-3)


def test_graphs_are_what_tensorrt_8_2_reads(exported):
    _, appearance, motion = exported
    for graph in (appearance, motion):
        assert graph.ir_version <= 8
        assert {entry.domain: entry.version for entry in graph.opset_import}[""] == 13
    assert {node.op_type for node in appearance.graph.node} <= IMPORTED_BY_TENSORRT_8_2
    assert {node.op_type for node in motion.graph.node[:-1]} <= IMPORTED_BY_TENSORRT_8_2


def test_interface_is_the_packs_contract(exported):
    model, appearance, motion = exported
    shape = model.architecture
    maps = ["N", shape.factors * shape.projections, 49]
    assert interface(appearance.graph.input) == {"rgb": ["N", 3, 224, 224]}
    assert interface(appearance.graph.output) == {"appearance": maps}
    assert interface(motion.graph.input) == {
        "flow": ["N", 2, 224, 224],
        "residual": ["N", 3, 224, 224],
        "appearance": maps,
    }
    assert interface(motion.graph.output) == {"scores": ["N", shape.classes]}


def interface(values):
    """{name: dimensions} of float32 tensors."""
    assert all(value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT for value in values)
    return {
        value.name: [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in values
    }


def test_last_node_is_the_plugin(exported):
    model, _, motion = exported
    node = motion.graph.node[-1]
    assert (node.domain, node.op_type) == ("edge_attp", "TrilinearScoring")
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    assert attributes == {
        "plugin_version": b"1",
        "plugin_namespace": b"edge_attp",
        "factors": model.architecture.factors,
    }
    (function,) = motion.functions
    assert (function.domain, function.name) == (node.domain, node.op_type)
    assert {inner.domain for inner in function.node} == {""}
    assert set(function.attribute) == set(attributes)


def test_stored_scoring_graph_is_the_current_one():
    """data/scoring.onnx is what Python 3.6 checks; tests/export/make_data.py writes it."""
    stored = onnx.load(DATA / "scoring.onnx")
    assert stored == make_data.scoring_model()
