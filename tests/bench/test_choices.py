"""Choices take turns, and the fastest median wins; speeds are scripted, or no matter."""

import pytest

from doubles import tiny_pack
from doubles.fake_video import FakeVideo
from edge_attp.bench import choices
from edge_attp.bench.choices import check_subject, compare_choices
from edge_attp.bench.runs import Setup
from edge_attp.engine import BUFFER_KINDS, load_pack, open_backend
from edge_attp.errors import UsageError
from edge_attp.pipeline import Options, networks, reader

pytestmark = pytest.mark.needs_onnx


class Backend:
    def __init__(self, name, chosen):
        self.name, self.chosen = name, chosen


def scripted(name="onnxruntime"):
    return Setup("v", None, Options(), lambda **chosen: Backend(name, chosen))


@pytest.fixture
def speeds(monkeypatch):
    """speeds(script): script(backend, number of its run) -> pictures per second. Returns the order."""

    def set_to(script):
        order = []

        def measured(setup, backend):
            order.append(next(iter(backend.chosen.values())))
            return script(order[-1], order.count(order[-1]) - 1)

        monkeypatch.setattr(choices, "pictures_per_s", measured)
        return order

    return set_to


def test_choices_take_turns_and_warm_up(monkeypatch, speeds):
    monkeypatch.setattr(choices, "available_cores", lambda: 3)
    order = speeds(lambda threads, number: 1e6 if number == 0 else 10.0 * threads + number)
    said = []
    found = compare_choices("threads", scripted(), 3, said.append)
    assert order == [1, 2, 3] * 4
    assert said[0] == "threads 1, round 0 of 3" and said[-1] == "threads 3, round 3 of 3"
    assert (found.subject, found.best, found.copies, found.rounds) == ("threads", "3", 1, 3)
    assert found.choices[0] == ("1", 12.0, 11.0, 13.0)


def test_the_median_wins_over_one_good_round(monkeypatch, speeds):
    monkeypatch.setattr(choices, "available_cores", lambda: 2)
    speeds(lambda threads, number: 99.0 if (threads, number) == (1, 1) else 10.0 * threads)
    assert compare_choices("threads", scripted(), 3, str).best == "2"


def test_many_cores_are_tried_in_powers_of_two(monkeypatch, speeds):
    monkeypatch.setattr(choices, "available_cores", lambda: 12)
    speeds(lambda threads, number: 1.0)
    found = compare_choices("threads", scripted(), 1, str)
    assert [choice.name for choice in found.choices] == ["1", "2", "4", "8", "12"]


def test_kinds_of_memory(speeds):
    order = speeds(lambda kind, number: 2.0 if kind == "pinned" else 1.0)
    found = compare_choices("buffers", scripted("tensorrt"), 1, str)
    assert order == list(BUFFER_KINDS) * 2 and found.best == "pinned"


@pytest.mark.parametrize(
    "subject, engine, words",
    [
        ("buffers", "onnxruntime", "--backend tensorrt, and this is onnxruntime"),
        ("threads", "tensorrt", "--backend onnxruntime, and this is tensorrt"),
    ],
)
def test_an_engine_without_that_choice(subject, engine, words):
    with pytest.raises(UsageError, match=words):
        check_subject(subject, scripted(engine))
    for other in ("onnxruntime", "tensorrt"):
        check_subject("batch", scripted(other))
        if other != engine:
            check_subject(subject, scripted(other))


@pytest.mark.needs_onnxruntime
def test_batches_are_those_that_the_graph_takes(monkeypatch, tmp_path):
    monkeypatch.setattr(
        reader, "CompressedVideo", lambda *a, **k: FakeVideo("KPBKPB").open(*a, **k)
    )
    pack = load_pack(tiny_pack.write(tmp_path / "tiny"))
    setup = Setup("v", pack, Options(), lambda **chosen: open_backend("onnxruntime", 1))
    found = compare_choices("batch", setup, 1, str)
    assert [choice.name for choice in found.choices] == ["1", "2", "4", "8"] and found.copies == 8
    load = networks._load

    def small(*arguments):
        pool = load(*arguments)
        pool.graph.max_batch = 2
        return pool

    monkeypatch.setattr(networks, "_load", small)
    found = compare_choices("batch", setup, 1, str)
    assert [choice.name for choice in found.choices] == ["1", "2"]
