"""`edge-attp build` on a fake device: what is printed, what is built, and what is not."""

import os

import pytest

from doubles import fake_tensorrt, tiny_pack
from edge_attp.cli import main

pytestmark = [pytest.mark.needs_onnxruntime, pytest.mark.needs_onnx]


@pytest.fixture
def machine(monkeypatch, tmp_path):
    with fake_tensorrt.installed(monkeypatch, tmp_path / "cache", "8.2") as machine:
        yield machine


@pytest.fixture
def pack(tmp_path):
    return tiny_pack.write(tmp_path / "tiny")


def test_both_graphs_are_built_once(machine, pack, capsys, tmp_path):
    assert main(["build", "--model", pack]) == 0
    first = capsys.readouterr()
    assert first.out.count(" built in ") == 2 and "which takes minutes" in first.err
    assert "the scoring is built from standard layers" in first.err
    assert main(["build", "--model", pack]) == 0
    assert capsys.readouterr().out.count(" already exists\n") == 2
    assert machine.builds == 2
    assert main(["build", "--model", pack, "--force"]) == 0
    assert machine.builds == 4
    names = sorted(name for name in os.listdir(str(tmp_path / "cache")))
    assert [name.split("-")[0] for name in names] == ["appearance", "motion", "timing"]


def test_a_damaged_engine_is_built_again(machine, pack, tmp_path):
    assert main(["build", "--model", pack]) == 0
    for path in (tmp_path / "cache").glob("motion-*"):
        path.write_bytes(path.read_bytes()[:-1])
    assert main(["build", "--model", pack]) == 0
    assert machine.builds == 3


def test_dry_run_shows_keys_and_builds_nothing(machine, pack, capsys, tmp_path):
    arguments = ["build", "--model", pack, "--precision", "fp32", "--batch", "4", "--dry-run"]
    assert main(arguments + ["--cache", str(tmp_path / "other")]) == 0
    out = capsys.readouterr().out
    for line in (
        "tensorrt  8.2.1",
        "gpu       sm_62x2",
        "precision fp32",
        "plugin    none",
        "batch     4",
    ):
        assert out.count(f"  {line}\n") == 2
    assert out.count("graph     ") == 2 and out.count("No such file") == 2
    assert machine.builds == 0 and not (tmp_path / "other").exists()
    assert main(["build", "--model", pack, "--precision", "fp32", "--batch", "4"]) == 0
    assert main(arguments) == 0
    assert capsys.readouterr().out.count("state     exists") == 2


def test_what_was_built_runs(machine, pack, capsys):
    from edge_attp.engine import load_pack, open_backend

    assert main(["build", "--model", pack, "--precision", "fp32"]) == 0
    assert open_backend("auto", pack=load_pack(pack)).name == "tensorrt"


@pytest.mark.parametrize("argument", ["--batch", "--workspace"])
def test_sizes_are_whole_numbers_above_0(argument, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["build", argument, "0"])
    assert caught.value.code == 2
    assert "expected a whole number" in capsys.readouterr().err


def test_a_machine_without_tensorrt_is_told_what_it_needs(monkeypatch, pack, capsys):
    monkeypatch.setitem(fake_tensorrt.sys.modules, "tensorrt", None)
    monkeypatch.setitem(fake_tensorrt.sys.modules, "pycuda", None)
    assert main(["build", "--model", pack, "--dry-run"]) == 5
    error = capsys.readouterr().err
    assert (
        "tensorrt, which cannot be imported" in error
        and "pip install 'edge-attp[tensorrt]'" in error
    )


def test_a_terminal_shows_the_elapsed_time(machine, pack, capsys, monkeypatch):
    from edge_attp.cli import build

    monkeypatch.setattr(build, "INTERVAL_S", 0.001)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with build._elapsed("motion: building"):
        build.time.sleep(0.05)
    text = capsys.readouterr().err
    assert "\rmotion: building: 0:00" in text and text.endswith("\r\033[K")


def test_clean_removes_what_other_machines_left(machine, pack, capsys, tmp_path):
    cache = tmp_path / "cache"
    assert main(["build", "--model", pack]) == 0
    own = sorted(cache.iterdir())
    stale = cache / own[1].name.replace("sm_62x2", "sm_87x8")
    stale.write_bytes(own[1].read_bytes().replace(b"sm_62x2", b"sm_87x8", 1))
    (cache / "mine.engine").write_text("not ours")
    assert main(["build", "--model", pack, "--clean", "--dry-run"]) == 0
    assert f"{stale} would be removed" in capsys.readouterr().out and stale.exists()
    assert main(["build", "--model", pack, "--clean"]) == 0
    assert f"{stale} removed, 0.0 MB: built for gpu sm_87x8" in capsys.readouterr().out
    assert sorted(cache.iterdir()) == sorted(own + [cache / "mine.engine"])
