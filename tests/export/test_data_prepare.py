"""`edge-attp-export prepare`: the files it writes and keeps, what it refuses, and its exit codes."""

import json
import os
import signal
import subprocess
import sys
import time

import cv2
import pytest
from data_sets import film, table

from edge_attp_export.cli import main
from edge_attp_export.data import making, prepare
from edge_attp_export.data.prepared import load_prepared
from rigs.paths import ROOT

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_cv2, pytest.mark.needs_torch]

SMALL = ["--size", "96x80", "--optical-flow", "none", "--jobs", "1"]
LINES = [
    "path,label,split,group",
    "walk/a.mkv,walk left,train,one",
    "walk/b.mkv,walk right,val,two",
    "run/a.mkv,run,test,one",
]
NAMES = ["walk/a", "walk/b", "run/a"]
MIRROR = {"walk left": "walk right", "walk right": "walk left"}


@pytest.fixture
def here(monkeypatch):
    """Worker processes take over a second to start, so most tests run without."""
    monkeypatch.setattr(prepare, "in_processes", lambda function, jobs, _: [*map(function, jobs)])


@pytest.fixture
def source(tmp_path):
    """A set like those of `synth`: manifest.csv and synth.json."""
    folder = tmp_path / "source"
    for seed, name in enumerate(NAMES):
        film(folder / f"{name}.mkv", seed=seed)
    labels = ["walk right", "walk left", "run"]
    (folder / "synth.json").write_text(json.dumps({"labels": labels, "mirror": MIRROR}))
    table(folder, *LINES, name="manifest.csv")
    return folder


def written(out):
    """Every file and its time of modification."""
    return {
        path.relative_to(out).as_posix(): path.stat().st_mtime_ns
        for path in out.rglob("*")
        if path.is_file()
    }


def refusal(capsys, *arguments, code=2):
    capsys.readouterr()
    assert main(["prepare", *map(str, arguments)]) == code
    return capsys.readouterr().err


def test_worker_processes_prepare_a_set(source, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["--size", "96x80", "--jobs", "2", "--codec", "hevc", "--per-gop", "3"]
    assert main(["prepare", str(source), str(out), *arguments]) == 0
    prepared = load_prepared(out)
    assert prepared.labels == ("walk right", "walk left", "run") and prepared.mirror == MIRROR
    assert [entry.name for entry in prepared.clips] == NAMES
    assert [entry.splits["1"] for entry in prepared.clips] == ["train", "val", "test"]
    assert [entry.group for entry in prepared.clips] == ["one", "two", "one"]
    assert prepared.optical_flow == "dis"
    encoder = {"codec": "hevc", "preset": "fast", "crf": 23, "gop": 12, "b_pictures": 3}
    encoder.update(width=96, height=80, fit="stretch", rate=25, per_gop=3)
    assert prepared.encoder == encoder
    for name in NAMES:
        clip = prepared.clip(name)
        assert (clip.width, clip.height, clip.gops, len(clip.pictures)) == (96, 80, 2, 4)
        assert clip.optical_flow(3).shape == (2, 20, 24)
    wanted = {f"videos/{name}.mp4" for name in NAMES} | {f"cache/{name}.clip" for name in NAMES}
    assert set(written(out)) == wanted | {"dataset.json"}
    said = capsys.readouterr()
    assert said.out == ""
    assert "3 clips, 0 of them kept; videos 0.0 MB, cache 0." in said.err
    assert "kB for each of 12 P and B pictures" in said.err and "\033" not in said.err


def test_only_what_is_missing_or_older_than_its_source_is_made_again(
    here, source, tmp_path, capsys
):
    out = tmp_path / "out"
    assert main(["prepare", str(source), str(out), *SMALL]) == 0
    before = written(out)
    (out / "cache/walk/b.clip").unlink()
    later = time.time() + 5
    os.utime(source / "run/a.mkv", (later, later))
    assert main(["prepare", str(source), str(out), *SMALL]) == 0
    changed = {path for path, when in written(out).items() if before[path] != when}
    remade = {f"{kind}/{name}" for name in ("walk/b", "run/a") for kind in ("videos", "cache")}
    assert {path.rsplit(".", 1)[0] for path in changed - {"dataset.json"}} == remade
    assert "3 clips, 1 of them kept" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--crf", "30"], "was made with crf 23, not 30"),
        (["--b-pictures", "0"], "was made with b pictures 3, not 0"),
        (["--per-gop", "1"], "was made with per gop 0, not 1"),
        (["--optical-flow", "dis"], "was made with optical flow None, not dis"),
    ],
)
def test_other_settings_are_not_mixed_in(here, source, tmp_path, capsys, arguments, said):
    out = tmp_path / "out"
    assert main(["prepare", str(source), str(out), *SMALL]) == 0
    before = written(out)
    message = refusal(capsys, source, out, *SMALL, *arguments)
    assert said in message and "--force to make everything again" in message
    assert written(out) == before


def test_force_makes_everything_again(here, source, tmp_path):
    out = tmp_path / "out"
    assert main(["prepare", str(source), str(out), *SMALL]) == 0
    before = written(out)
    (out / "notes.txt").write_text("mine")
    assert main(["prepare", str(source), str(out), *SMALL, "--crf", "30", "--force"]) == 0
    after = written(out)
    assert set(after) == set(before) | {"notes.txt"}
    assert all(after[path] > when for path, when in before.items())
    assert load_prepared(out).encoder["crf"] == 30


def test_labels_that_have_changed_are_named(here, source, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["prepare", str(source), str(out), *SMALL]) == 0
    (source / "synth.json").unlink()
    message = refusal(capsys, source / "manifest.csv", out, *SMALL)
    assert "was made with labels ['walk right', 'walk left', 'run'], not ['run'" in message


def test_sources_that_cannot_be_used_are_named_and_the_rest_goes_on(here, source, tmp_path, capsys):
    (source / "walk/a.mkv").write_bytes(b"no video")
    film(source / "run/b.mkv", pictures=1)
    table(source, *LINES, "run/b.mkv,run,test,three", name="manifest.csv")
    out = tmp_path / "out"
    message = refusal(capsys, source, out, *SMALL, code=3)
    assert "walk/a.mkv: is not a media file" in message
    assert "run/b.mkv: motion needs 2 pictures, found 1" in message
    assert "2 clips, 0 of them kept" in message
    assert "2 clips cannot be used; all others are prepared" in message
    prepared = load_prepared(out)
    assert [entry.name for entry in prepared.clips] == ["walk/b", "run/a"]
    assert all(prepared.clip(entry.name).gops == 2 for entry in prepared.clips)


def test_a_set_that_was_cut_short_is_gone_on_with(here, source, tmp_path, capsys, monkeypatch):
    out = tmp_path / "out"
    make = making.make

    def interrupted(prepared, settings, clip):
        if clip.entry.name == "walk/b":
            raise KeyboardInterrupt
        return make(prepared, settings, clip)

    monkeypatch.setattr(making, "make", interrupted)
    assert main(["prepare", str(source), str(out), *SMALL]) == 130
    assert sorted(written(out)) == ["cache/walk/a.clip", "dataset.json", "videos/walk/a.mp4"]
    assert "was made with crf 23" in refusal(capsys, source, out, *SMALL, "--crf", "9")
    monkeypatch.setattr(making, "make", make)
    assert main(["prepare", str(source), str(out), *SMALL]) == 0
    assert "3 clips, 1 of them kept" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="sends a signal to a process group")
def test_ctrl_c_ends_the_workers_and_keeps_what_is_done(source, tmp_path):
    out = tmp_path / "out"
    lines = [f"long/{k}.mkv,{'run' if k % 2 else 'walk left'},train,one" for k in range(40)]
    film(source / "long/0.mkv", pictures=60)
    for k in range(1, 40):
        os.link(source / "long/0.mkv", source / f"long/{k}.mkv")
    table(source, LINES[0], *lines, name="manifest.csv")
    command = [sys.executable, "-m", "edge_attp_export", "prepare", str(source), str(out)]
    paths = os.pathsep.join([str(ROOT / "export"), str(ROOT)])
    process = subprocess.Popen(
        [*command, "--jobs", "1", "--size", "96x80"],
        env=dict(os.environ, PYTHONPATH=paths),
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    while not list(out.rglob("*.clip")):
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130 and b"Traceback" not in said
    done = {path.stem for path in out.rglob("*.clip")}
    assert 0 < len(done) < 40
    assert {path.stem for path in out.rglob("*.mp4")} == done
    assert not list(out.rglob("*.part"))


@pytest.mark.parametrize("place", ["source", "source/out"])
def test_the_set_is_not_written_into_its_source(source, tmp_path, capsys, place):
    assert "is inside the source" in refusal(capsys, source, tmp_path / place, *SMALL)


def test_a_folder_of_other_things_is_left_alone(source, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "videos").write_text("mine")
    for more in ([], ["--force"]):
        message = refusal(capsys, source, out, *SMALL, *more)
        assert "is neither empty nor a prepared set: choose another folder" in message
    assert "videos: is not a folder" in refusal(capsys, source, out / "videos", *SMALL)
    assert written(out).keys() == {"videos"}


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--dataset", "ucf101"], "--splits DIR belongs to --dataset ucf101 or hmdb51"),
        (["--splits", "lists"], "--splits DIR belongs to --dataset ucf101 or hmdb51"),
        (["--preset", "quick"], "libx264 rejects these values"),
        (["--dataset", "csv"], "source: cannot be read: Is a directory"),
        (["--dataset", "hmdb51", "--splits", "nowhere"], "--splits nowhere: is not a folder"),
    ],
)
def test_mistakes_are_named_before_anything_is_written(source, tmp_path, capsys, arguments, said):
    assert said in refusal(capsys, source, tmp_path / "out", *SMALL, *arguments)
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(hasattr(cv2, "optflow"), reason="this OpenCV has the contributed modules")
def test_a_method_of_optical_flow_that_is_not_installed_is_named(source, tmp_path, capsys):
    arguments = [source, tmp_path / "out", *SMALL, "--optical-flow", "tvl1"]
    assert "install opencv-contrib-python-headless" in refusal(capsys, *arguments)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--size", "341x256"], "341x256 is not WIDTHxHEIGHT with even numbers from 64 to 9998"),
        (["--size", "32x32"], "32x32 is not WIDTHxHEIGHT"),
        (["--crf", "0"], "0 is not a whole number from 1 to 51"),
        (["--gop", "1"], "1 is not a whole number from 2 to 1000"),
        (["--b-pictures", "17"], "17 is not a whole number from 0 to 16"),
        (["--codec", "vp9"], "invalid choice: 'vp9'"),
        (["--optical-flow", "pwc"], "invalid choice: 'pwc'"),
    ],
)
def test_bad_arguments_are_named(tmp_path, capsys, arguments, said):
    with pytest.raises(SystemExit) as raised:
        main(["prepare", str(tmp_path), str(tmp_path / "out"), *arguments])
    assert raised.value.code == 2
    assert said in capsys.readouterr().err
