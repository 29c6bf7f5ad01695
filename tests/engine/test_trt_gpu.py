"""On a real device with TensorRT, pycuda and onnx: scores of built engines beside ONNX Runtime's, batches,
and runs on their way at the same time, with each kind of memory."""

import numpy as np
import pytest

from edge_attp.engine import BUFFER_KINDS, load_pack, open_backend
from edge_attp.engine.builder import EngineBuilder
from edge_attp.engine.engine_cache import EngineCache
from edge_attp.engine.tensorrt_backend import TensorRtBackend
from edge_attp.engine.tensorrt_platform import open_platform
from rigs.paths import FIGHT_TTP

pytestmark = pytest.mark.needs_gpu

# Of the l2 norm of the scores. FP32 sums in another order; 16 bits have 11 significant ones, and the
# networks have some 50 layers.
TOLERANCES = {"fp32": 1e-3, "fp16": 5e-2}
BATCH = 4


@pytest.fixture(scope="session")
def pack():
    return load_pack(FIGHT_TTP)


@pytest.fixture(scope="session")
def cache(pack, tmp_path_factory):
    """Engines of both precisions, built once."""
    folder = str(tmp_path_factory.mktemp("engines"))
    builder = EngineBuilder(open_platform(), EngineCache(folder))
    for precision in TOLERANCES:
        for graph in pack.graphs.values():
            builder.build_engine(builder.plan_engine(graph, precision, BATCH))
    return folder


@pytest.fixture(params=BUFFER_KINDS)
def kind(request):
    return request.param


@pytest.fixture(params=sorted(TOLERANCES))
def precision(request):
    return request.param


def scores(backend, pack, seed):
    """Scores of one picture with random inputs, through both graphs."""
    random = np.random.RandomState(seed)
    graphs = {name: backend.load_graph(path) for name, path in pack.graphs.items()}
    appearance, motion = (graphs[name].allocate_buffers() for name in ("appearance", "motion"))
    appearance.inputs["rgb"][...] = random.normal(size=appearance.inputs["rgb"].shape)
    graphs["appearance"].run_batch([appearance])
    motion.inputs["appearance"][...] = 2 * appearance.outputs["appearance"]
    for name in ("flow", "residual"):
        motion.inputs[name][...] = random.normal(size=motion.inputs[name].shape)
    graphs["motion"].run_batch([motion])
    return np.array(motion.outputs["scores"][0])


def filled(graph, seed, size):
    """A batch with random inputs."""
    random = np.random.RandomState(seed)
    batch = [graph.allocate_buffers() for _ in range(size)]
    for buffers in batch:
        for array in buffers.inputs.values():
            array[...] = random.normal(size=array.shape)
    return batch


def outputs(batch):
    return np.concatenate([buffers.outputs["scores"] for buffers in batch])


def test_scores_are_close_to_those_of_onnx_runtime(pack, cache, precision, kind):
    backend = TensorRtBackend(cache, (precision,), kind)
    for seed in (1, 2):
        ours = scores(backend, pack, seed)
        theirs = scores(open_backend("onnxruntime"), pack, seed)
        assert np.linalg.norm(ours - theirs) <= TOLERANCES[precision] * np.linalg.norm(theirs)


def test_a_batch_gives_what_its_pictures_give(pack, cache, precision, kind):
    graph = TensorRtBackend(cache, (precision,), kind).load_graph(pack.graphs["motion"])
    assert graph.max_batch == BATCH
    for size in (1, 2, BATCH, 3):
        batch = filled(graph, size, size)
        graph.run_batch(batch)
        together = outputs(batch)
        for buffers in batch:
            graph.run_batch([buffers])
        alone = outputs(batch)
        assert np.linalg.norm(together - alone) <= TOLERANCES[precision] * np.linalg.norm(alone)


@pytest.mark.parametrize("size", [1, BATCH])
def test_runs_on_their_way_give_what_they_give_alone(pack, cache, precision, kind, size):
    graph = TensorRtBackend(cache, (precision,), kind).load_graph(pack.graphs["motion"])
    batches = [filled(graph, seed, size) for seed in range(3)]
    expected = []
    for batch in batches:
        graph.run_batch(batch)
        expected.append(outputs(batch))
    for _ in range(20):
        runs = [
            graph.start_run(batch) for batch in batches
        ]  # the third start waits for the first run
        for run, batch, alone in zip(runs, batches, expected):
            times = run.wait()
            np.testing.assert_array_equal(outputs(batch), alone)
            is_in_place = kind in ("mapped", "managed") and size == 1
            assert (times.upload_s == 0.0) == is_in_place and 0 < times.compute_s < 10


def test_inputs_are_filled_while_another_run_is_on_its_way(pack, cache, kind):
    """What a reader thread does; managed memory would end the process here if it were the stream's."""
    graph = TensorRtBackend(cache, ("fp32",), kind).load_graph(pack.graphs["motion"])
    first, second = filled(graph, 1, 2), filled(graph, 2, 2)
    graph.run_batch(second)
    expected = outputs(second)
    values = [{name: a.copy() for name, a in buffers.inputs.items()} for buffers in second]
    for _ in range(20):
        run = graph.start_run(first)
        for buffers, inputs in zip(second, values):
            for name, array in inputs.items():
                buffers.inputs[name][...] = array
        other = graph.start_run(second)
        run.wait()
        other.wait()
        np.testing.assert_array_equal(outputs(second), expected)


def test_nothing_is_allocated_run_after_run(pack, cache, kind):
    """On a Jetson others take of the same memory: 200 leaking runs would be hundreds of MB."""
    backend = TensorRtBackend(cache, ("fp32",), kind)
    graph = backend.load_graph(pack.graphs["motion"])
    batches = [filled(graph, seed, BATCH) for seed in range(2)]
    for batch in batches:
        graph.run_batch(batch)
    before = backend.device_memory_bytes()
    for turn in range(200):
        graph.run_batch(batches[turn % 2])
    assert 0 < backend.device_memory_bytes() <= before + (32 << 20)
