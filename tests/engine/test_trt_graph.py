"""What TensorRT parsers get: the same network, without what some of them refuse or prefer."""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from doubles import tiny_pack
from edge_attp.engine import load_pack
from edge_attp.engine.onnx_graph import SCORING, parser_input
from edge_attp.errors import EngineError, ModelError

pytestmark = [pytest.mark.needs_onnx, pytest.mark.needs_onnxruntime]

helper, TensorProto = onnx.helper, onnx.TensorProto

DATA = Path(__file__).resolve().parent.parent / "export" / "data"
PACK = load_pack(str(DATA / "untrained"))
MOTION = PACK.graphs["motion"]


def outputs(model, seed=0):
    """What ONNX Runtime computes from random inputs."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    random = np.random.RandomState(seed)
    feeds = {
        value.name: random.normal(size=[2] + value.shape[1:]).astype(np.float32)
        for value in session.get_inputs()
    }
    return session.run(None, feeds)


def halved(path, has_cast=True):
    """y = x w with w in 16 bits; without a Cast x and y are too."""
    weight = np.array([[0.5, 1.0], [2.0, 0.1]], np.float16)
    element = TensorProto.FLOAT if has_cast else TensorProto.FLOAT16
    nodes = [helper.make_node("MatMul", ["x", "wide" if has_cast else "w"], ["y"])]
    if has_cast:
        nodes.insert(0, helper.make_node("Cast", ["w"], ["wide"], to=TensorProto.FLOAT))
    values = [helper.make_tensor_value_info(name, element, ["N", 2]) for name in "xy"]
    graph = helper.make_graph(
        nodes, "g", values[:1], values[1:], [numpy_helper.from_array(weight, "w")]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    onnx.save(model, str(path))
    return str(path)


def test_without_a_plugin_the_body_takes_the_place_of_the_node():
    given = parser_input(MOTION, with_plugin=False)
    model = onnx.load_from_string(given.data)
    onnx.checker.check_model(model)
    assert given.has_body and not given.is_typed and not len(model.functions)
    assert all(node.domain == "" for node in model.graph.node)
    body = [node for node in model.graph.node if node.name.startswith(SCORING)]
    assert [node.op_type for node in body][:2] == ["Mul", "Mul"] and body[-1].op_type == "MatMul"
    names = [name for node in body for name in node.output]
    assert names[-1] == "scores" and all(name.startswith(SCORING) for name in names[:-1])
    np.testing.assert_array_equal(outputs(given.data), outputs(MOTION))


def test_with_a_plugin_the_node_stays_and_loses_its_body():
    given = parser_input(MOTION, with_plugin=True)
    model = onnx.load_from_string(given.data)
    node = model.graph.node[-1]
    assert (node.op_type, node.domain) == ("TrilinearScoring", "edge_attp")
    assert {attribute.name for attribute in node.attribute} >= {"plugin_version", "factors"}
    assert not given.has_body and not len(model.functions)


def test_inputs_have_their_sizes_without_the_batch():
    for name, path in PACK.graphs.items():
        assert parser_input(path, with_plugin=False).inputs == PACK.inputs(name)


def test_extreme_features_do_not_overflow_the_scoring():
    # The largest numbers of 16 bits, as networks in FP16 may hand them over; the body is in FP32.
    given = parser_input(str(DATA / "scoring.onnx"), with_plugin=False)
    session = onnxruntime.InferenceSession(given.data, providers=["CPUExecutionProvider"])
    random = np.random.RandomState(0)
    maps = [random.choice([-65504.0, 65504.0], (2, 12, 49)).astype(np.float32) for _ in range(3)]
    classifier = random.normal(size=(4, 5)).astype(np.float32)
    names = ("appearance", "motion_maps", "residual_maps", "classifier")
    scores = session.run(None, dict(zip(names, maps + [classifier])))[0]
    product = np.prod(np.array(maps, np.float64), axis=0)
    pooled = product.reshape(2, 4, -1).sum(2)
    rooted = np.sign(pooled) * np.sqrt(np.abs(pooled))
    expected = rooted / np.linalg.norm(rooted, axis=1, keepdims=True) @ classifier
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-4)


def test_kernels_behind_a_cast_are_widened(tmp_path):
    path = halved(tmp_path / "g.onnx")
    given = parser_input(path, with_plugin=False)
    graph = onnx.load_from_string(given.data).graph
    assert [node.op_type for node in graph.node] == ["MatMul"] and not given.is_typed
    assert [(weight.name, weight.data_type) for weight in graph.initializer] == [("wide", 1)]
    np.testing.assert_array_equal(outputs(given.data), outputs(path))


def test_a_graph_that_computes_in_16_bits_is_seen(tmp_path):
    path = halved(tmp_path / "g.onnx", has_cast=False)
    assert parser_input(path, with_plugin=False).is_typed


def test_8_bits_are_refused_by_name(tmp_path):
    path = halved(tmp_path / "g.onnx")
    model = onnx.load(path)
    model.graph.node[0].op_type = "DequantizeLinear"
    onnx.save(model, path)
    with pytest.raises(ModelError, match="is in 8 bits, which only CPUs run"):
        parser_input(path, with_plugin=False)


def test_a_body_with_attributes_is_refused(tmp_path):
    model = onnx.load(MOTION)
    attribute = model.functions[0].node[3].attribute.add()
    attribute.name, attribute.ref_attr_name = "axis", "axis"
    onnx.save(model, str(tmp_path / "motion.onnx"))
    with pytest.raises(ModelError, match="takes attributes, which is not supported"):
        parser_input(str(tmp_path / "motion.onnx"), with_plugin=False)


def test_nonsense_is_a_model_error(tmp_path):
    (tmp_path / "motion.onnx").write_bytes(b"nonsense")
    with pytest.raises(ModelError, match="motion.onnx: is not an ONNX file"):
        parser_input(str(tmp_path / "motion.onnx"), with_plugin=False)


def test_a_missing_package_comes_with_its_cure(monkeypatch, tmp_path):
    path = load_pack(tiny_pack.write(tmp_path / "tiny")).graphs["motion"]
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(EngineError, match="pip install onnx"):
        parser_input(path, with_plugin=False)
