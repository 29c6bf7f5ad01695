"""ONNX Runtime: batches, threads by measurement, and the CUDA provider with a double of the library."""

import logging
import sys
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest

from doubles import tiny_pack
from edge_attp.engine import (
    load_pack,
    onnxruntime_backend,
    open_backend,
)
from edge_attp.errors import EngineError, ModelError
from rigs.paths import FIGHT_TTP

pytestmark = [pytest.mark.needs_onnxruntime, pytest.mark.needs_onnx]

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return load_pack(tiny_pack.write(tmp_path_factory.mktemp("packs") / "tiny"))


def filled(graph, *values):
    """Buffers whose three scores are to be a value each."""
    batch = [graph.allocate_buffers() for _ in values]
    for buffers, value in zip(batch, values):
        for array in buffers.inputs.values():
            array[...] = value
    return batch


def scores(batch):
    return [pytest.approx(float(buffers.outputs["scores"].mean()), rel=1e-5) for buffers in batch]


# Batches


def test_a_batch_gives_what_its_pictures_give(pack):
    graph = open_backend(threads=1).load_graph(pack.graphs["motion"])
    for values in ((1, 2), (3, 4, 5), (6,), (7, 8), (9, 10, 11)):
        batch = filled(graph, *values)
        times = graph.run_batch(batch)
        assert scores(batch) == list(values)
        assert times.compute_s > 0 and (times.upload_s > 0) == (len(values) > 1)


def test_a_run_is_over_when_it_has_started(pack):
    graph = open_backend(threads=1).load_graph(pack.graphs["motion"])
    batches = [filled(graph, 1, 2), filled(graph, 3, 4), filled(graph, 5, 6)]
    runs = [graph.start_run(batch) for batch in batches]
    assert [scores(batch) for batch in batches] == [[1, 2], [3, 4], [5, 6]]
    assert runs[0].wait() == runs[0].wait() != runs[1].wait()


def test_rows_are_bound_once_for_each_size_and_share_memory(pack):
    graph = open_backend(threads=1).load_graph(pack.graphs["motion"])
    for size in (2, 4, 3):
        graph.run_batch(filled(graph, *range(size)))
    rows = {size: graph._rows_for(size) for size in (2, 3, 4)}
    for size, found in rows.items():
        graph.run_batch(filled(graph, *range(size)))
        assert graph._rows_for(size) is found
        for name, array in found.inputs.items():
            assert np.shares_memory(array, rows[4].inputs[name])


@pytest.mark.parametrize("size", [0, 65])
def test_a_batch_of_a_wrong_size_is_refused(pack, size):
    graph = open_backend(threads=1).load_graph(pack.graphs["motion"])
    assert graph.max_batch == 64
    with pytest.raises(ValueError, match=f"takes 1 to 64 pictures a run, got {size}"):
        graph.start_run([graph.allocate_buffers()] * size)


def test_a_graph_of_one_picture_takes_no_more(tmp_path):
    values = [
        tiny_pack.helper.make_tensor_value_info(name, tiny_pack.TensorProto.FLOAT, [1, 2])
        for name in "xy"
    ]
    node = tiny_pack.helper.make_node("Identity", ["x"], ["y"])
    model = tiny_pack.helper.make_model(
        tiny_pack.helper.make_graph([node], "g", values[:1], values[1:]),
        opset_imports=[tiny_pack.helper.make_opsetid("", 13)],
    )
    model.ir_version = 7
    tiny_pack.onnx.save(model, str(tmp_path / "g.onnx"))
    assert open_backend(threads=1).load_graph(str(tmp_path / "g.onnx")).max_batch == 1


# Threads


def fight_outputs(name, threads, sizes):
    """Outputs of eight random pictures, computed in batches of the sizes."""
    pack = load_pack(FIGHT_TTP)
    graph = open_backend("onnxruntime", threads).load_graph(pack.graphs[name])
    random, left = np.random.RandomState(7), [graph.allocate_buffers() for _ in range(sum(sizes))]
    for buffers in left:
        for array in buffers.inputs.values():
            array[...] = random.normal(size=array.shape)
    found = []
    for size in sizes:
        batch, left = left[:size], left[size:]
        graph.run_batch(batch)
        found += [array for buffers in batch for array in buffers.outputs.values()]
    return np.concatenate(found)


@pytest.mark.parametrize("name", ["appearance", "motion"])
def test_results_do_not_depend_on_threads(name):
    one, *others = [fight_outputs(name, threads, [1] * 8) for threads in (1, 2, 3, 4)]
    assert one.std() > 0.01
    for other in others:
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["appearance", "motion"])
def test_results_hardly_depend_on_the_batch(name):
    """Where this was written they are the same to the bit, which no version of the library promises."""
    alone = fight_outputs(name, 1, [1] * 8)
    for sizes in ([2, 3, 3], [8], [1, 7]):
        together = fight_outputs(name, 2, sizes)
        np.testing.assert_allclose(together, alone, atol=1e-5 * alone.std(), rtol=1e-5)


@pytest.mark.parametrize(
    "cores, times, expected, asked",
    [
        (1, {1: 9}, 1, [1]),
        (2, {2: 10, 1: 18}, 2, [2, 1]),
        (2, {2: 10, 1: 10.4}, 1, [2, 1]),
        (6, {6: 10, 4: 10.4, 2: 14}, 4, [6, 4, 2]),
        (8, {8: 20, 4: 12, 2: 10, 1: 15}, 2, [8, 4, 2, 1]),
        (8, {8: 10, 4: 20}, 8, [8, 4]),
    ],
)
def test_the_fewest_threads_that_are_not_clearly_slower(cores, times, expected, asked):
    said = []
    chosen = onnxruntime_backend.fewest_fast(
        cores, lambda count: said.append(count) or times[count]
    )
    assert (chosen, said) == (expected, asked)


def test_a_network_too_slow_to_measure_twice_gets_all_cores(monkeypatch):
    now = iter([0.0, 1.5])
    monkeypatch.setattr(onnxruntime_backend, "time", SimpleNamespace(monotonic=lambda: next(now)))
    assert onnxruntime_backend.fewest_fast(4, lambda count: 1.4) == 4


def test_threads_are_measured_once(pack, monkeypatch):
    asked = []
    monkeypatch.setattr(
        onnxruntime_backend, "fewest_fast", lambda cores, seconds: asked.append(seconds(3)) or 3
    )
    backend = open_backend("onnxruntime")
    assert "threads to be measured" in backend.describe()
    for name in ("motion", "appearance"):
        graph = backend.load_graph(pack.graphs[name])
        assert graph._session.get_session_options().intra_op_num_threads == 3
    assert "CPU, 3 threads (measured)" in backend.describe()
    assert len(asked) == 1 and asked[0] > 0


def test_threads_that_are_given_are_taken(pack):
    backend = open_backend("onnxruntime", threads=2)
    backend.load_graph(pack.graphs["motion"])
    assert backend.describe().endswith("CPU, 2 threads")


# The CUDA provider


class Library:
    """The library with a CUDA provider that computes on the CPU. starts: whether sessions get it."""

    __version__ = "9.9"
    SessionOptions = onnxruntime.SessionOptions

    def __init__(self, starts=True, error=None):
        self.starts, self.error, self.asked = starts, error, []

    def get_available_providers(self):
        return ["TensorrtExecutionProvider", CUDA, CPU]

    def InferenceSession(self, path, options, providers, enable_fallback):
        self.asked.append(providers)
        assert not enable_fallback, "its own way back prints to stdout"
        if CUDA in providers and self.error is not None:
            raise self.error
        session = onnxruntime.InferenceSession(path, options, providers=[CPU])
        if CUDA in providers and self.starts:
            session.get_providers = lambda: [CUDA, CPU]
        return session


def test_cuda_is_used_where_it_starts(pack, monkeypatch):
    library = Library()
    monkeypatch.setitem(sys.modules, "onnxruntime", library)
    backend = open_backend("onnxruntime")
    graph = backend.load_graph(pack.graphs["motion"])
    batch = filled(graph, 1, 2)
    graph.run_batch(batch)
    assert backend.describe() == "ONNX Runtime 9.9, CUDA" and scores(batch) == [1, 2]
    assert library.asked == [[CUDA, CPU]]
    assert backend.device_memory_bytes() is None


@pytest.mark.parametrize(
    "library, reason",
    [
        (Library(starts=False), "it does not start"),
        (Library(error=RuntimeError("libcudnn.so:\n not found")), "libcudnn.so: not found"),
    ],
)
def test_the_cpu_is_used_where_cuda_does_not_start(
    pack, monkeypatch, caplog, capsys, library, reason
):
    monkeypatch.setitem(sys.modules, "onnxruntime", library)
    backend = open_backend("onnxruntime", threads=1)
    with caplog.at_level(logging.WARNING, logger="edge_attp"):
        graphs = [backend.load_graph(pack.graphs[name]) for name in ("motion", "appearance")]
    assert backend.describe() == "ONNX Runtime 9.9, CPU, 1 thread" and len(graphs) == 2
    assert library.asked == [[CUDA, CPU], [CPU], [CPU]]
    assert [record.getMessage() for record in caplog.records] == [
        "ONNX Runtime's CUDA provider is not used: " + reason
    ]
    assert capsys.readouterr().out == ""


def test_a_broken_graph_is_named_with_cuda_too(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnxruntime", Library(error=RuntimeError("bad")))
    (tmp_path / "motion.onnx").write_bytes(b"nonsense")
    with pytest.raises(ModelError, match="motion.onnx: ONNX Runtime cannot load it"):
        open_backend("onnxruntime").load_graph(str(tmp_path / "motion.onnx"))


def test_a_failing_batch_is_an_error(pack, monkeypatch):
    graph = open_backend(threads=1).load_graph(pack.graphs["motion"])
    batch = filled(graph, 1, 2)

    def fail(binding):
        raise RuntimeError("CUDA failure 700:\n an illegal memory access")

    monkeypatch.setattr(graph._session, "run_with_iobinding", fail)
    with pytest.raises(EngineError, match="motion.onnx: ONNX Runtime failed: CUDA failure 700: an"):
        graph.start_run(batch)
