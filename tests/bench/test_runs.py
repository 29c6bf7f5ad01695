"""Measuring runs the pipeline and keeps what it said; how large the numbers are is no matter here."""

import pytest

from doubles import tiny_pack
from doubles.fake_video import FakeVideo
from edge_attp.bench import runs
from edge_attp.bench.runs import WARM_UP, Setup, demo_clip, measure, pictures_per_s
from edge_attp.engine import load_pack, open_backend
from edge_attp.errors import SourceError, UsageError
from edge_attp.pipeline import Options, reader

pytestmark = [pytest.mark.needs_onnxruntime, pytest.mark.needs_onnx]


def opener(pattern, opened=None):
    def new(*arguments, **options):
        video = FakeVideo(pattern).open(*arguments, **options)
        if opened is not None:
            opened.append(video)
        return video

    return new


def setup(pack):
    return Setup("v", pack, Options(), lambda **chosen: open_backend("auto", 1))


@pytest.fixture
def go(monkeypatch, tmp_path):
    pack = load_pack(tiny_pack.write(tmp_path / "tiny"))

    def call(pattern, repeat=3, pack=pack):
        said = []
        monkeypatch.setattr(reader, "CompressedVideo", opener(pattern))
        found = measure(setup(pack), repeat, said.append)
        return found, said

    return call


def test_every_run_counts_but_the_warm_up(go):
    found, said = go("KPBPKPB", repeat=3)
    assert said == ["warm-up", "run 1 of 3", "run 2 of 3", "run 3 of 3"]
    assert WARM_UP == 1 and len(found.repetitions) == 3
    assert found.kinds == {"I": 2, "P": 3, "B": 2}
    assert len(found.sequential) == 3 and found.device_bytes is None
    for run in found.repetitions + found.sequential:
        assert (run.pictures, run.scored) == (7, 5)
        assert run.stages["motion"].runs == 5 and run.stages["appearance"].runs == 2
        assert run.stages["total"].runs == 4
        assert run.seconds > 0 and run.cpu_s >= 0 and run.load_s > 0
        for times in run.stages.values():
            assert times.p50_ms <= times.p90_ms <= times.p99_ms
    assert found.header.backend.startswith("ONNX Runtime")
    assert found.peak_rss_bytes > 1 << 20


def test_a_pack_without_appearance_has_no_such_stages(go, tmp_path):
    pack = load_pack(tiny_pack.write(tmp_path / "motion", kind="motion"))
    found, _ = go("KPBPKPB", repeat=1, pack=pack)
    (run,) = found.repetitions
    assert run.scored == 5 and run.stages["motion"].runs == 5
    assert not {"appearance", "decode_key"} & set(run.stages)


def test_sequential_runs_are_in_one_thread_and_take_turns(monkeypatch, tmp_path):
    videos = []
    monkeypatch.setattr(reader, "CompressedVideo", opener("KPBP", videos))
    pack = load_pack(tiny_pack.write(tmp_path / "tiny"))
    measure(setup(pack), 2, str)
    assert [video.threads for video in videos] == [{"MainThread"}, {"edge-attp-reader"}] * 3
    assert pictures_per_s(setup(pack), open_backend("auto", 1)) > 0


@pytest.mark.parametrize("pattern, count", [("KKK", 0), ("KP", 1)])
def test_nothing_to_measure(go, pattern, count):
    with pytest.raises(SourceError, match=f"{count} pictures were scored"):
        go(pattern)


def test_demo_clip_is_of_a_checkout(monkeypatch, tmp_path):
    assert demo_clip().endswith("demo.mp4")
    monkeypatch.setattr(runs, "__file__", str(tmp_path / "a" / "b" / "c.py"))
    with pytest.raises(UsageError, match="--video"):
        demo_clip()
