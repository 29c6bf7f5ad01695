"""Backends: buffers in, buffers out, and answers where an engine is missing."""

import sys

import numpy as np
import pytest

from doubles import tiny_pack
from doubles.tiny_pack import TensorProto, helper, onnx
from edge_attp.engine import load_pack, open_backend
from edge_attp.errors import EngineError, ModelError, UsageError

pytestmark = pytest.mark.needs_onnx


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return load_pack(tiny_pack.write(tmp_path_factory.mktemp("packs") / "tiny"))


@pytest.fixture(params=["auto", "onnxruntime"])
def backend(request):
    return open_backend(request.param, threads=1)


def fill(buffers, appearance, flow, residual):
    buffers.inputs["appearance"][...] = appearance
    buffers.inputs["flow"][...] = flow
    buffers.inputs["residual"][...] = residual


def test_it_says_what_it_is(backend):
    assert backend.name == "onnxruntime"
    assert backend.describe().startswith("ONNX Runtime ") and "1 thread" in backend.describe()


def test_threads_default_to_the_cores_of_this_process():
    assert " thread" in open_backend().describe()


def test_a_graph_is_what_its_pack_says(backend, pack):
    for name in ("appearance", "motion"):
        backend.load_graph(pack.graphs[name]).check_tensors(pack.inputs(name), pack.outputs(name))


def test_a_graph_of_another_pack_is_refused(backend, pack):
    graph = backend.load_graph(pack.graphs["appearance"])
    with pytest.raises(
        ModelError, match=r"appearance.onnx: expected the inputs .*flow \(N, 2, 8, 8\)"
    ):
        graph.check_tensors(pack.inputs("motion"), pack.outputs("motion"))


def test_runs_read_and_write_the_buffers_in_place(backend, pack):
    graph = backend.load_graph(pack.graphs["motion"])
    buffers = graph.allocate_buffers()
    scores = buffers.outputs["scores"]
    for values in ((1, 2, 3), (-4, 0, 0.5)):
        fill(buffers, *values)
        graph.run_batch([buffers])
        assert buffers.outputs["scores"] is scores
        np.testing.assert_allclose(scores, [values], rtol=1e-6)


def test_two_sets_of_buffers_do_not_mix(backend, pack):
    graph = backend.load_graph(pack.graphs["motion"])
    first, second = graph.allocate_buffers(), graph.allocate_buffers()
    fill(first, 1, 1, 1)
    fill(second, 2, 2, 2)
    graph.run_batch([first])
    graph.run_batch([second])
    np.testing.assert_allclose(first.outputs["scores"], 1, rtol=1e-6)
    np.testing.assert_allclose(second.outputs["scores"], 2, rtol=1e-6)


def test_buffers_outlive_nothing_but_themselves(backend, pack):
    graph = backend.load_graph(pack.graphs["motion"])
    for value in range(20):
        buffers = graph.allocate_buffers()
        fill(buffers, value, value, value)
        graph.run_batch([buffers])
        np.testing.assert_allclose(buffers.outputs["scores"], value, rtol=1e-6)


def test_a_file_that_is_no_graph_is_refused(backend, tmp_path):
    (tmp_path / "motion.onnx").write_bytes(b"nonsense")
    with pytest.raises(ModelError, match="motion.onnx: ONNX Runtime cannot load it") as caught:
        backend.load_graph(str(tmp_path / "motion.onnx"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "element, shape", [(TensorProto.INT64, ["N", 3]), (TensorProto.FLOAT, ["N", "M"])]
)
def test_inputs_must_be_float_and_of_fixed_size(backend, tmp_path, element, shape):
    values = [helper.make_tensor_value_info(name, element, shape) for name in "xy"]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])], "g", *[[v] for v in values]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    onnx.save(model, str(tmp_path / "g.onnx"))
    with pytest.raises(ModelError, match="expected float32 with every size fixed"):
        backend.load_graph(str(tmp_path / "g.onnx"))


def test_a_failing_run_is_an_engine_error(backend, tmp_path):
    # The table has three rows; the input asks for one beyond.
    nodes = [
        helper.make_node("Cast", ["x"], ["index"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "index"], ["y"], axis=0),
    ]
    table = helper.make_tensor("table", TensorProto.FLOAT, [3], [1.0, 2.0, 3.0])
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 1]) for name in "xy"]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], [table])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    onnx.save(model, str(tmp_path / "g.onnx"))
    loaded = backend.load_graph(str(tmp_path / "g.onnx"))
    buffers = loaded.allocate_buffers()
    buffers.inputs["x"][...] = 7
    with pytest.raises(EngineError, match="g.onnx: ONNX Runtime failed"):
        loaded.run_batch([buffers])


def test_tensorrt_says_what_is_missing():
    with pytest.raises(
        EngineError, match="TensorRT cannot run here: .*tensorrt.*pycuda.*--backend onnxruntime"
    ):
        open_backend("tensorrt")


def test_a_missing_library_comes_with_its_cure(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EngineError, match=r"pip install 'edge-attp\[onnx\]'") as caught:
        open_backend()
    assert caught.value.exit_code == 5


def test_an_unknown_backend_is_a_usage_error():
    with pytest.raises(UsageError, match="expected one of auto, onnxruntime, tensorrt"):
        open_backend("cuda")
