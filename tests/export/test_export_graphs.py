"""The two ONNX graphs: PyTorch = ONNX Runtime = NumPy, with nothing that TensorRT 8.2 cannot import."""

import collections
import tempfile

import make_data
import numpy as np
import onnx
import onnxruntime
import pytest
import small_models
import torch
import trilinear_reference as reference
from fixed_inputs import DATA

from edge_attp.errors import UsageError
from edge_attp_export import onnx_graphs
from edge_attp_export.architecture import Architecture
from edge_attp_export.attp import ATTP
from edge_attp_export.initialise import initialise
from edge_attp_export.onnx_graphs import appearance_graph, graphs, motion_graph

pytestmark = [pytest.mark.needs_onnxruntime, pytest.mark.needs_torch, pytest.mark.needs_onnx]

SHAPES = [
    Architecture("mobilenet_v2", 6, width=0.25, factors=2, projections=20),
    Architecture("efficientnet_b0", 4),
    Architecture("efficientnet_b1", 4),
    Architecture("efficientnet_lite0", 4, motion_input="grid"),
    Architecture("efficientnet_lite1", 4, projections=20, residual_input="grid"),
]
# Early and late fusion; the grid of 24 x 16 vectors to be enlarged by 4 and by 2.
SUMS = [
    small_models.architecture("M", motion_size=(96, 32)),
    small_models.architecture("M", motion_input="grid"),
    small_models.architecture("I+M", motion_size=(96, 32)),
    small_models.architecture("I+MV+R", motion_input="enlarged", residual_input="energy"),
]
IMPORTED_BY_TENSORRT_8_2 = {"Conv", "Clip", "Add", "Mul", "Sigmoid", "GlobalAveragePool", "Reshape"}
IMPORTED_BY_TENSORRT_8_2 |= {"Concat", "Resize", "Sum"}


@pytest.fixture(scope="module", params=SHAPES, ids=lambda shape: shape.backbone)
def exported(request):
    """A seeded model and its two graphs."""
    model = ATTP(request.param)
    initialise(model, 5)
    return model, appearance_graph(model), motion_graph(model)


@pytest.fixture(scope="module")
def inputs(exported):
    """rgb, neighbour, flow, residual for two pictures."""
    steps = exported[0].architecture.steps
    random = np.random.RandomState(6)
    rgb, neighbour, flow, residual = (
        random.standard_normal((2, c, 224, 224)).astype(np.float32) for c in (3, 3, 2, 3)
    )
    flow, residual = (x[:, :, ::s, ::s] for x, s in ((flow, steps["MV"]), (residual, steps["R"])))
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
        "flow": ["N", 2, *[224 // shape.steps["MV"]] * 2],
        "residual": ["N", 3, *[224 // shape.steps["R"]] * 2],
        "appearance": maps,
    }
    assert interface(motion.graph.output) == {"scores": ["N", shape.classes]}


@pytest.mark.parametrize("crop", [(64, 64), (96, 32)])
def test_sizes_follow_the_crop(crop):
    model = small_models.model(small_models.architecture())
    maps = ["N", 16, crop[0] * crop[1] // 1024]
    pictures = ["N", 3, crop[1], crop[0]]
    appearance, motion = appearance_graph(model, crop), motion_graph(model, crop)
    assert interface(appearance.graph.input) == {"rgb": pictures}
    assert interface(appearance.graph.output) == {"appearance": maps}
    assert interface(motion.graph.input)["residual"] == pictures
    rgb = np.random.RandomState(1).standard_normal((2, *pictures[1:])).astype(np.float32)
    with torch.no_grad():
        expected = model.appearance(torch.from_numpy(rgb)).numpy()
    np.testing.assert_allclose(run(appearance, rgb=rgb), expected, atol=2e-3 * expected.std())


def test_crop_that_no_network_takes_is_refused():
    model = small_models.model(small_models.architecture())
    with pytest.raises(UsageError, match="crop 60x64: .* multiples of 32"):
        appearance_graph(model, (60, 64))


def test_fp16_stores_half_and_computes_as_before():
    model = small_models.model(small_models.architecture())
    plain, small = (motion_graph(model, (64, 64), precision) for precision in ("fp32", "fp16"))
    kernels = [w for w in small.graph.initializer if len(w.dims) == 4]
    assert kernels and all(w.data_type == onnx.TensorProto.FLOAT16 for w in kernels)
    assert size(small) == pytest.approx(size(plain) / 2, rel=0.1)
    # Casts of constants are gone when ONNX Runtime has loaded the graph.
    assert optimised_operators(small) == optimised_operators(plain)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "fp16-typed"])
@pytest.mark.parametrize("shape", SUMS, ids=lambda s: f"{s.modalities}-{s.motion_input}")
def test_sums_of_scores_are_pytorchs(shape, precision):
    """Alone and with key pictures; from two of these, their mean."""
    model, crop = small_models.model(shape), (96, 64)
    made, random = graphs(model, crop, precision), np.random.RandomState(3)
    sides = {name: (crop[1] // step, crop[0] // step) for name, step in shape.steps.items()}
    flow = random.uniform(-1, 1, (3, 2, *sides["MV"])).astype(np.float32)
    residual = random.uniform(0, 9, (3, shape.channels["R"], *sides["R"])).astype(np.float32)
    feed, keys = {"flow": flow, "residual": residual}, ()
    assert ("appearance" in made) == ("I" in shape.networks)
    if "appearance" in made:
        keys = random.standard_normal((2, 3, 3, *sides["I"])).astype(np.float32)
        assert interface(made["appearance"].graph.output) == {"appearance": ["N", 3, 1]}
        feed["appearance"] = sum(run(made["appearance"], rgb=rgb) for rgb in keys)
    given = [torch.from_numpy(array) for array in (*keys, flow, residual)]
    with torch.no_grad():
        expected = model(*[None] * (4 - len(given)), *given).numpy()
    assert interface(made["motion"].graph.output) == {"scores": ["N", 3]}
    assert expected.std(0).max() > 0.05  # the answers depend on the pictures
    close = 2e-3 if precision == "fp32" else 0.1
    found = run(made["motion"], **feed)
    np.testing.assert_allclose(found, expected, atol=close * expected.std())
    operators = {node.op_type for graph in made.values() for node in graph.graph.node}
    assert operators <= IMPORTED_BY_TENSORRT_8_2 | {"Cast"}


@pytest.mark.parametrize(
    "length, wanted", [(44, 96), (56, 96), (7, 224), (3, 32), (56, 56), (61, 96)]
)
def test_no_side_is_rounded_down_when_a_picture_is_enlarged(length, wanted):
    """Engines take the whole part of length * scale, in 32 bits, and must get the wanted side."""
    writer = onnx_graphs.GraphWriter()
    writer.enlarge("x", "large", (length, 8), (wanted, 32))
    *_, down, across = onnx.numpy_helper.to_array(writer.weights["large.scales"])
    assert (int(np.float32(length) * across), int(np.float32(8) * down)) == (wanted, 32)
    assert across == pytest.approx(wanted / length, rel=1e-6)


def size(model):
    return sum(len(weight.raw_data) for weight in model.graph.initializer)


def optimised_operators(model):
    """The operators of a graph after ONNX Runtime has optimised it."""
    options = onnxruntime.SessionOptions()
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        options.optimized_model_filepath = file.name
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return collections.Counter(node.op_type for node in onnx.load(file.name).graph.node)


def test_typed_graph_is_16_bits_between_inputs_and_scoring():
    model = small_models.model(small_models.architecture())
    appearance, motion = (
        build(model, (64, 64), "fp16-typed") for build in (appearance_graph, motion_graph)
    )
    for graph in (appearance, motion):
        onnx.checker.check_model(graph, full_check=True)
        interface([*graph.graph.input, *graph.graph.output])  # all float32
        types = {
            value.name: value.type.tensor_type.elem_type
            for value in onnx.shape_inference.infer_shapes(graph).graph.value_info
        }
        networks = [n for n in graph.graph.node if n.op_type in ("Conv", "Clip", "Add")]
        assert networks
        assert {types[node.output[0]] for node in networks} == {onnx.TensorProto.FLOAT16}
    scoring = motion.graph.node[-1]
    assert {types[name] for name in scoring.input[1:3]} == {onnx.TensorProto.FLOAT}
    (classifier,) = [w for w in motion.graph.initializer if w.name == "classifier"]
    assert classifier.data_type == onnx.TensorProto.FLOAT


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
