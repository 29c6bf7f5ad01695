"""Batches and runs on their way at the same time, on a fake device that is as late as it may be."""

import gc
import threading

import numpy as np
import pytest

from doubles import fake_tensorrt, tiny_pack
from edge_attp.engine import BUFFER_KINDS, load_pack, open_backend
from edge_attp.engine.builder import EngineBuilder
from edge_attp.engine.engine_cache import EngineCache
from edge_attp.engine.tensorrt_platform import open_platform
from edge_attp.errors import EngineError

pytestmark = [pytest.mark.needs_onnxruntime, pytest.mark.needs_onnx]

BATCH = 3
IN_PLACE = ("mapped", "managed")


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return load_pack(tiny_pack.write(tmp_path_factory.mktemp("packs") / "tiny"))


def installed(version, monkeypatch, tmp_path, pack):
    with fake_tensorrt.installed(monkeypatch, tmp_path / "cache", version) as machine:
        builder = EngineBuilder(open_platform(), EngineCache())
        builder.build_engine(builder.plan_engine(pack.graphs["motion"], "fp32", BATCH))
        yield machine


@pytest.fixture(params=fake_tensorrt.VERSIONS)
def machine(request, monkeypatch, tmp_path, pack):
    yield from installed(request.param, monkeypatch, tmp_path, pack)


@pytest.fixture
def old(monkeypatch, tmp_path, pack):
    yield from installed("8.2", monkeypatch, tmp_path, pack)


@pytest.fixture(params=BUFFER_KINDS)
def kind(request):
    return request.param


def load(pack, kind=None):
    return open_backend("tensorrt", buffers=kind).load_graph(pack.graphs["motion"])


def filled(graph, *values):
    """Buffers whose three scores are to be a value each."""
    batch = [graph.allocate_buffers() for _ in values]
    for buffers, value in zip(batch, values):
        fill(buffers, value)
    return batch


def fill(buffers, value):
    for array in buffers.inputs.values():
        array[...] = value


def scores(batch):
    return [float(buffers.outputs["scores"].mean()) for buffers in batch]


def near(*values):
    return pytest.approx(list(values), rel=1e-5)


def test_a_batch_gives_what_its_pictures_give(machine, pack, kind):
    graph = load(pack, kind)
    assert graph.max_batch == BATCH
    for values in ((1, 2, 3), (4, 5), (6,), (7, 8, 9)):
        batch = filled(graph, *values)
        graph.run_batch(batch)
        assert scores(batch) == near(*values)


def test_pictures_are_copied_only_where_they_must_be(old, pack, kind):
    graph = load(pack, kind)
    graph.run_batch(filled(graph, 1))
    alone = [] if kind in IN_PLACE else ["htod"] * 3 + ["dtoh"]
    assert old.driver.copies == alone
    del old.driver.copies[:]
    graph.run_batch(filled(graph, 1, 2))
    both = ["dtod"] * 8 if kind in IN_PLACE else ["htod"] * 6 + ["dtoh"] * 2
    assert old.driver.copies == both


@pytest.mark.parametrize("size", [1, 2])
def test_uploading_takes_time_only_where_it_is_done(old, pack, kind, size):
    graph = load(pack, kind)
    times = graph.run_batch(filled(graph, *range(size)))
    assert (times.upload_s == 0.0) == (kind in IN_PLACE and size == 1)
    assert times.upload_s >= 0.0 and times.compute_s > 0.0


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_runs_are_on_their_way(machine, pack, kind, order):
    graph = load(pack, kind)
    batches = filled(graph, 1, 2), filled(graph, 3, 4)
    graph.run_batch(filled(graph, 0, 0))
    waits = machine.driver.waits
    runs = [graph.start_run(batch) for batch in batches]
    assert machine.driver.waits == waits
    for index in order:
        runs[index].wait()
        assert scores(batches[index]) == near(2 * index + 1, 2 * index + 2)


def test_a_third_run_waits_for_the_oldest(old, pack, kind):
    graph = load(pack, kind)
    batches = [filled(graph, value) for value in (1, 2, 3)]
    runs = [graph.start_run(batch) for batch in batches]
    assert old.driver.waits == 1
    assert scores(batches[0]) == near(1) and np.isnan(scores(batches[1])[0])
    times = [run.wait() for run in runs]
    assert [scores(batch)[0] for batch in batches] == near(1, 2, 3)
    assert times == [run.wait() for run in runs] and old.driver.waits == 3


def test_a_batch_of_another_size_waits_for_all(old, pack):
    graph = load(pack)
    first, second = filled(graph, 1, 2), filled(graph, 3, 4)
    runs = [graph.start_run(first), graph.start_run(second)]
    last = filled(graph, 5)
    runs.append(graph.start_run(last))
    assert scores(first) + scores(second) == near(1, 2, 3, 4)
    for run in runs:
        run.wait()
    assert scores(last) == near(5)


def test_outputs_that_are_read_too_early_are_no_numbers(old, pack, kind):
    graph = load(pack, kind)
    batch = filled(graph, 1)
    graph.run_batch(batch)
    run = graph.start_run(batch)
    assert np.isnan(scores(batch)[0])
    run.wait()
    assert scores(batch) == near(1)


def test_inputs_that_are_refilled_too_early_spoil_the_run(old, pack, kind):
    graph = load(pack, kind)
    batch = filled(graph, 1)
    run = graph.start_run(batch)
    fill(batch[0], 2)
    run.wait()
    assert scores(batch) == near(2)


def test_nothing_is_allocated_and_one_event_is_waited_for(old, pack, kind):
    graph = load(pack, kind)
    batches = [filled(graph, 1, 1, 1), filled(graph, 2, 2, 2)]
    graph.run_batch(batches[0])
    allocations, waits = old.driver.allocations, old.driver.waits
    previous = graph.start_run(batches[0])
    for turn in range(1, 9):
        run = graph.start_run(batches[turn % 2])
        previous.wait()
        previous = run
    previous.wait()
    assert old.driver.allocations == allocations and old.driver.waits == waits + 9


def test_managed_memory_is_the_streams_during_its_own_run_only(old, pack):
    graph = load(pack, "managed")
    first, second = filled(graph, 1), filled(graph, 2)
    runs = graph.start_run(first), graph.start_run(second)
    seen = []
    runs[0].wait()
    while owners(second) == {"host"}:  # the stream goes on
        graph._stream.work.pop(0)()
        seen.append(owners(first))
    assert seen and all(owner == {"host"} for owner in seen)
    runs[1].wait()
    assert owners(second) == {"host"}


def owners(batch):
    return {memory.array.base.owner for memory in batch[0].memory.values()}


def test_a_batch_of_one_in_place_takes_no_rows(monkeypatch, tmp_path, pack):
    with fake_tensorrt.installed(monkeypatch, tmp_path, "8.2") as machine:
        builder = EngineBuilder(open_platform(), EngineCache())
        builder.build_engine(builder.plan_engine(pack.graphs["motion"], "fp32", 1))
        graph = load(pack, "mapped")
        assert graph.max_batch == 1 and not machine.driver.allocations
        pinned = load(pack, "pinned")
        assert machine.driver.allocations == 8
        batches = filled(graph, 1), filled(pinned, 1)
        graph.run_batch(batches[0])
        pinned.run_batch(batches[1])
        assert scores(batches[0] + batches[1]) == near(1, 1)
        del graph, pinned, batches


@pytest.mark.parametrize("size", [0, BATCH + 1])
def test_a_batch_of_a_wrong_size_is_refused(old, pack, size):
    graph = load(pack)
    with pytest.raises(ValueError, match=rf"motion.onnx takes 1 to 3 pictures a run, got {size}"):
        graph.start_run(filled(graph, *range(size)))


def test_buffers_do_not_go_round_while_they_are_on_their_way(old, pack):
    graph = load(pack)
    run = graph.start_run(filled(graph, 1))
    assert not graph.free
    others = [graph.allocate_buffers(), graph.allocate_buffers()]
    run.wait()
    assert len(graph.free) == 1 and others


def test_a_run_that_nobody_waits_for_is_over_when_it_goes(old, pack):
    graph = load(pack)
    batch = filled(graph, 1)
    graph.start_run(batch)
    assert scores(batch) == near(1)


def test_runs_are_started_in_any_thread(old, pack):
    graph = load(pack)
    batch = filled(graph, 1, 2)
    thread = threading.Thread(target=lambda: graph.run_batch(batch))
    thread.start()
    thread.join()
    assert scores(batch) == near(1, 2)


def test_what_the_device_lost_is_told(old, pack):
    backend = open_backend("tensorrt", buffers="pinned")
    assert backend.device_memory_bytes() == 0
    graph = backend.load_graph(pack.graphs["motion"])
    inputs_and_output = 4 * (2 * 4 + 2 * 64 + 3 * 64 + 3)
    assert backend.device_memory_bytes() == 2 * BATCH * inputs_and_output
    buffers = graph.allocate_buffers()
    assert backend.device_memory_bytes() == (2 * BATCH + 1) * inputs_and_output
    del buffers


# What can go wrong


def told_by(call, *arguments):
    """What its error says; None if there is none. (An exception that is kept keeps its frames.)"""
    try:
        call(*arguments)
    except EngineError as error:
        return str(error)
    return None


def test_a_failure_at_any_call_is_told_from_then_on(old, pack, kind):
    told, failures = "", 0
    while told is not None:
        backend = open_backend("tensorrt", buffers=kind)
        graph = backend.load_graph(pack.graphs["motion"])
        batch = filled(graph, 1, 2)
        old.driver.fails_after = failures
        old.driver.fail = old.driver.LaunchError("unspecified launch failure")
        told = told_by(graph.run_batch, batch)
        old.driver.fail, old.driver.fails_after = None, None
        assert told is None or "CUDA failed while running" in told
        assert told_by(graph.run_batch, batch) == told
        assert told_by(graph.allocate_buffers) == told_by(backend.device_memory_bytes) == told
        assert not old.driver.stack()
        failures += told is not None
    assert failures > 15 and scores(batch) == near(1, 2)


def test_a_refused_run_gives_the_buffers_back(machine, pack, kind):
    graph = load(pack, kind)
    batch = filled(graph, 1)
    machine.refuses_to_run = True
    with pytest.raises(EngineError, match="failed while running .*motion.onnx"):
        graph.start_run(batch)
    assert not graph._stream.work
    if kind == "managed":
        assert owners(batch) == {"host"}
    machine.refuses_to_run = False
    graph.run_batch(batch)
    assert scores(batch) == near(1)


def test_a_device_that_falls_off_is_told_by_every_call(old, pack, capsys):
    backend = open_backend("tensorrt")
    path = pack.graphs["motion"]
    graph = backend.load_graph(path)
    batches = filled(graph, 1), filled(graph, 2), filled(graph, 3)
    runs = [graph.start_run(batches[0]), graph.start_run(batches[1])]
    old.driver.fail = old.driver.LaunchError("cuEventSynchronize failed:\n unspecified failure")
    told = told_by(graph.start_run, batches[2])  # by the oldest run
    assert told == (
        f"CUDA failed while running {path} (cuEventSynchronize failed: unspecified failure): if the device "
        "was lost or reset, restart the program"
    )
    for call, *arguments in (
        (runs[0].wait,),
        (runs[1].wait,),
        (runs[1].wait,),
        (graph.run_batch, batches[2]),
        (graph.allocate_buffers,),
        (backend.device_memory_bytes,),
        (backend.load_graph, path),
    ):
        assert told_by(call, *arguments) == told
    del graph, batches, runs, call, arguments
    gc.collect()
    assert capsys.readouterr().err == ""
    old.driver.fail = None


def test_want_of_memory_is_an_error_that_passes(old, pack):
    backend = open_backend("tensorrt")
    path = pack.graphs["motion"]
    graph = backend.load_graph(path)
    old.driver.fail = old.driver.MemoryError("cuMemAlloc failed: out of memory")
    for call, doing in (
        (lambda: backend.load_graph(path), "loading"),
        (graph.allocate_buffers, "allocating"),
    ):
        with pytest.raises(EngineError, match=f"out of device memory while {doing} .*--batch"):
            call()
    old.driver.fail = None
    batch = filled(graph, 1)
    backend.load_graph(path)
    graph.run_batch(batch)
    assert scores(batch) == near(1)
