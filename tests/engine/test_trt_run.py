"""Running engines on a fake device with each TensorRT and each kind of memory: the answers of ONNX Runtime."""

import gc
import io
import threading

import numpy as np
import pytest

from doubles import fake_tensorrt, tiny_pack
from doubles.fake_video import FakeVideo
from edge_attp import pipeline
from edge_attp.engine import load_pack, open_backend
from edge_attp.engine.builder import EngineBuilder
from edge_attp.engine.engine_cache import EngineCache
from edge_attp.engine.tensorrt_backend import TensorRtBackend
from edge_attp.engine.tensorrt_platform import open_platform
from edge_attp.errors import EngineError, UsageError
from edge_attp.pipeline import reader
from edge_attp.sinks import CsvSink

pytestmark = [pytest.mark.needs_onnxruntime, pytest.mark.needs_onnx]

POLICIES = ("mapped", "managed", "pinned", "plain")
IN_PLACE = ("mapped", "managed")
ROWS = 8  # allocations of a graph's two slots: rows of three inputs and an output


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return load_pack(tiny_pack.write(tmp_path_factory.mktemp("packs") / "tiny"))


@pytest.fixture(params=fake_tensorrt.VERSIONS)
def machine(request, monkeypatch, tmp_path, pack):
    with fake_tensorrt.installed(monkeypatch, tmp_path / "cache", request.param) as machine:
        build(pack)
        yield machine


@pytest.fixture
def old(monkeypatch, tmp_path, pack):
    with fake_tensorrt.installed(monkeypatch, tmp_path / "cache", "8.2") as machine:
        build(pack)
        yield machine


def build(pack, precision="fp32", batch=2):
    builder = EngineBuilder(open_platform(), EngineCache())
    for graph in pack.graphs.values():
        builder.build_engine(builder.plan_engine(graph, precision, batch))


def random_inputs(buffers, seed):
    random = np.random.RandomState(seed)
    for array in buffers.inputs.values():
        array[...] = random.normal(size=array.shape)


def check_scores(graph, pack, seeds=(1, 2)):
    """Compares with ONNX Runtime, twice with the same buffers."""
    reference = open_backend("onnxruntime", threads=1).load_graph(pack.graphs["motion"])
    ours, theirs = graph.allocate_buffers(), reference.allocate_buffers()
    for seed in seeds:
        for buffers in (ours, theirs):
            random_inputs(buffers, seed)
        graph.run_batch([ours])
        reference.run_batch([theirs])
        np.testing.assert_array_equal(ours.outputs["scores"], theirs.outputs["scores"])


@pytest.mark.parametrize("policy", POLICIES)
def test_scores_are_those_of_onnx_runtime(machine, pack, monkeypatch, policy):
    monkeypatch.setenv("EDGE_ATTP_BUFFERS", policy)
    backend = open_backend("tensorrt")
    for name, path in pack.graphs.items():
        backend.load_graph(path).check_tensors(pack.inputs(name), pack.outputs(name))
    graph = backend.load_graph(pack.graphs["motion"])
    check_scores(graph, pack)
    copies = [] if policy in IN_PLACE else ["htod", "htod", "htod", "dtoh"]
    assert machine.driver.copies == 2 * copies


def test_it_says_what_it_is(old, pack):
    backend = open_backend("tensorrt")
    backend.load_graph(pack.graphs["motion"])
    assert backend.describe() == (
        "TensorRT 8.2.1, fp32, Fake Tegra (sm_62), mapped buffers, no plugin"
    )


@pytest.mark.parametrize("integrated, policy", [(True, "mapped"), (False, "pinned")])
def test_memory_fits_the_device(monkeypatch, tmp_path, integrated, policy):
    with fake_tensorrt.installed(monkeypatch, tmp_path, "8.5", integrated=integrated):
        assert policy + " buffers" in open_backend("tensorrt").describe()


def test_an_unknown_kind_of_memory_is_a_usage_error(old, monkeypatch):
    monkeypatch.setenv("EDGE_ATTP_BUFFERS", "fast")
    with pytest.raises(UsageError, match="expected one of mapped, managed, pinned, plain"):
        open_backend("tensorrt")


def test_the_kind_of_memory_can_be_named(old, pack, monkeypatch):
    monkeypatch.setenv("EDGE_ATTP_BUFFERS", "plain")
    for choice in ("tensorrt", "auto"):
        assert "managed buffers" in open_backend(choice, pack=pack, buffers="managed").describe()
    with pytest.raises(UsageError, match="^buffers: got 'fast', expected one of mapped"):
        open_backend("tensorrt", buffers="fast")


def test_memory_goes_round_and_starts_with_zeros(old, pack):
    graph = open_backend("tensorrt").load_graph(pack.graphs["motion"])
    first, second = graph.allocate_buffers(), graph.allocate_buffers()
    random_inputs(first, 1)
    places = len(old.driver.memory)
    del first
    third = graph.allocate_buffers()
    assert len(old.driver.memory) == places and second is not third
    assert all(not array.any() for array in third.inputs.values())


def test_buffers_keep_their_graph_and_all_is_freed_in_the_end(old, pack):
    graph = open_backend("tensorrt").load_graph(pack.graphs["motion"])
    buffers = graph.allocate_buffers()
    del graph
    gc.collect()
    random_inputs(buffers, 1)
    assert len(old.driver.memory) == ROWS + 4
    del buffers
    gc.collect()
    assert not len(old.driver.memory)  # that it was in the context is what the fixture checks


def test_buffers_are_allocated_and_filled_in_another_thread(old, pack):
    graph = open_backend("tensorrt").load_graph(pack.graphs["motion"])
    made = []
    thread = threading.Thread(target=lambda: made.append(graph.allocate_buffers()))
    thread.start()
    thread.join()
    graph.run_batch(made)
    assert not made[0].outputs["scores"].any()


def test_fp16_is_preferred_and_a_precision_can_be_asked_for(old, pack):
    build(pack, "fp16")
    path = pack.graphs["motion"]
    assert TensorRtBackend().find_engine(path).key.precision == "fp16"
    assert TensorRtBackend(precisions=("fp32",)).find_engine(path).key.precision == "fp32"


def test_the_engine_fits_the_batch_that_is_wanted(old, pack):
    build(pack, batch=5)
    path = pack.graphs["motion"]
    assert open_backend("tensorrt").load_graph(path).max_batch == 2
    for choice in ("tensorrt", "auto"):
        assert open_backend(choice, pack=pack, batch=3).load_graph(path).max_batch == 5


def test_an_engine_that_is_not_built_comes_with_its_cure(old, tmp_path):
    other = load_pack(tiny_pack.write(tmp_path / "other", gain=3.0))
    with pytest.raises(EngineError, match="motion.onnx: no engine .*: edge-attp build builds one"):
        open_backend("tensorrt").load_graph(other.graphs["motion"])


def test_an_engine_of_another_device_is_not_run(old, pack):
    backend = open_backend("tensorrt")
    facts = backend._platform.device._replace(multiprocessors=8)
    backend._platform = backend._platform._replace(device=facts)
    with pytest.raises(EngineError, match="built for gpu sm_62x2, but here it is sm_62x8"):
        backend.load_graph(pack.graphs["motion"])


def test_an_engine_that_tensorrt_refuses_is_an_error(old, pack):
    backend = open_backend("tensorrt")
    found = backend.find_engine(pack.graphs["motion"])
    EngineCache().store_entry(found.path, dict(found.key._asdict()), b"what another library wrote")
    with pytest.raises(EngineError, match="not compatible") as caught:
        backend.load_graph(pack.graphs["motion"])
    assert "edge-attp build --force" in str(caught.value)


def test_no_runtime_without_a_working_device(machine, pack):
    machine.has_device = False
    with pytest.raises(EngineError, match="cannot make a Runtime: CUDA initialization failure"):
        open_backend("tensorrt").load_graph(pack.graphs["motion"])


def test_no_room_for_an_engine_is_an_error(old, pack):
    old.is_full = True
    with pytest.raises(EngineError, match="out of memory"):
        open_backend("tensorrt").load_graph(pack.graphs["motion"])


def test_a_refused_run_is_an_error(machine, pack):
    graph = open_backend("tensorrt").load_graph(pack.graphs["motion"])
    buffers = graph.allocate_buffers()
    machine.refuses_to_run = True
    with pytest.raises(
        EngineError, match="failed while running .*motion.onnx: 1: invalid argument"
    ):
        graph.run_batch([buffers])


def test_a_lost_device_is_an_error(old, pack):
    graph = open_backend("tensorrt").load_graph(pack.graphs["motion"])
    buffers = graph.allocate_buffers()
    old.driver.fail = old.driver.LogicError("cuStreamSynchronize failed:\n device unavailable")
    with pytest.raises(EngineError, match="CUDA failed while running .*: if the device was lost"):
        graph.run_batch([buffers])
    assert not old.driver.stack()
    old.driver.fail = None


def test_no_memory_for_buffers_is_an_error(old, pack):
    graph = open_backend("tensorrt").load_graph(pack.graphs["motion"])
    old.driver.fail = old.driver.MemoryError("cuMemHostAlloc failed: out of memory")
    with pytest.raises(EngineError, match="out of device memory while allocating buffers of"):
        graph.allocate_buffers()
    old.driver.fail = None


def test_auto_takes_tensorrt_where_both_engines_are_built(old, pack, tmp_path, caplog):
    assert open_backend("auto", pack=pack).name == "tensorrt"
    assert open_backend("auto").name == "onnxruntime"
    other = load_pack(tiny_pack.write(tmp_path / "other", gain=3.0))
    with caplog.at_level("INFO", logger="edge_attp"):
        assert open_backend("auto", pack=other).name == "onnxruntime"
    assert "edge-attp build builds one" in caplog.text


def test_a_pack_without_appearance_is_one_engine(old, tmp_path, monkeypatch):
    pack = load_pack(tiny_pack.write(tmp_path / "motion", kind="motion"))
    assert open_backend("auto", pack=pack).name == "onnxruntime"
    builds = old.builds
    build(pack, "fp16")
    assert old.builds == builds + 1
    monkeypatch.setattr(reader, "CompressedVideo", FakeVideo("KPBKP").open)
    text = io.StringIO()
    backend = open_backend("auto", pack=pack)
    assert backend.name == "tensorrt"
    verdict = pipeline.recognise("v", pack, backend, [CsvSink(text, 1)], pipeline.Options())
    assert verdict.scored == 3 and "fp16" in backend.describe()


def test_auto_looks_for_the_device_once(old, pack, monkeypatch):
    looks = []
    count = old.driver.Device.count
    monkeypatch.setattr(old.driver.Device, "count", lambda: looks.append(1) or count())
    assert open_backend("auto", pack=pack).name == "tensorrt" and len(looks) == 1


def test_auto_takes_onnx_runtime_without_a_device(monkeypatch, tmp_path, pack):
    with fake_tensorrt.installed(monkeypatch, tmp_path, "8.2", devices=0):
        assert open_backend("auto", pack=pack).name == "onnxruntime"


def test_all_that_is_missing_is_named(monkeypatch, tmp_path):
    with fake_tensorrt.installed(monkeypatch, tmp_path, "8.2", devices=0):
        monkeypatch.setitem(fake_tensorrt.sys.modules, "tensorrt", None)
        with pytest.raises(EngineError) as caught:
            open_backend("tensorrt")
    for part in (
        "tensorrt, which cannot be imported",
        "no CUDA-capable device",
        "--backend onnxruntime",
    ):
        assert part in str(caught.value)


def test_buffers_that_end_in_another_thread_are_freed_by_the_graph(old, pack):
    graph = open_backend("tensorrt").load_graph(pack.graphs["motion"])
    holder = [graph.allocate_buffers(), graph.allocate_buffers()]
    thread = threading.Thread(target=holder.clear)
    thread.start()
    thread.join()
    assert len(graph.free) == 2 and len(old.driver.memory) == ROWS + 8


def test_a_graph_of_a_lost_device_ends_in_silence(old, pack, capsys):
    graph = open_backend("tensorrt").load_graph(pack.graphs["motion"])
    old.driver.fail = old.driver.LogicError("device unavailable")
    del graph
    gc.collect()
    assert capsys.readouterr().err == ""


def test_a_video_gets_the_results_of_onnx_runtime(old, pack, monkeypatch):
    def results(backend):
        monkeypatch.setattr(reader, "CompressedVideo", FakeVideo("KPPBKPBBKPP" * 4).open)
        out = io.StringIO()
        pipeline.recognise("fake", pack, backend, [CsvSink(out, 3)], pipeline.Options())
        return out.getvalue()

    monkeypatch.setenv("EDGE_ATTP_BUFFERS", "pinned")
    ours = results(open_backend("tensorrt"))
    assert ours == results(open_backend("onnxruntime", threads=1)) and ours.count("\n") > 40


def test_a_graph_that_ends_in_another_thread_frees_its_memory(old, pack):
    holder = [open_backend("tensorrt").load_graph(pack.graphs["motion"])]
    holder[0].allocate_buffers()
    thread = threading.Thread(target=holder.clear)
    thread.start()
    thread.join()
    assert not len(old.driver.memory)
