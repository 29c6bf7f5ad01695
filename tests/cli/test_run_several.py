"""`edge-attp run A B C`: several inputs through one engine."""

import csv
import io
import json
import os
import shutil

import pytest

from edge_attp import cli

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_onnxruntime]

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLIP = os.path.join(ROOT, "examples", "demo.mp4")


@pytest.fixture
def clips(tmp_path):
    """Two files of the same video."""
    paths = [str(tmp_path / name) for name in ("door.mp4", "yard.mp4")]
    for path in paths:
        shutil.copy(CLIP, path)
    return paths


@pytest.fixture
def run(capfd):
    def call(*arguments):
        code = cli.main(["run", "--limit", "20"] + list(arguments))
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return call


def records(out):
    return [json.loads(line) for line in out.splitlines()]


def of_stream(found, name):
    return [record for record in found if record["stream"] == name and record["type"] == "picture"]


def without_stream(record):
    return {key: value for key, value in record.items() if key != "stream"}


def test_each_gives_what_it_gives_alone(run, clips):
    code, out, _ = run("--format", "jsonl", *clips)
    assert code == 0
    _, single, _ = run("--format", "jsonl", clips[0])
    expected = [without_stream(r) for r in records(single) if r["type"] == "picture"]
    for name in ("door", "yard"):
        found = [without_stream(r) for r in of_stream(records(out), name)]
        assert [r["decode_index"] for r in found] == [r["decode_index"] for r in expected]
        for ours, theirs in zip(found, expected):
            assert [t["label"] for t in ours["top"]] == [t["label"] for t in theirs["top"]]
            for one, other in zip(ours["top"], theirs["top"]):
                assert one["probability"] == pytest.approx(other["probability"], abs=1e-5)


def test_lines_of_text_say_whose_they_are(run, clips):
    _, out, _ = run(*clips)
    lines = out.splitlines()
    assert {line.split(":")[0] for line in lines} == {"door", "yard"}
    assert sum(": verdict: " in line for line in lines) == 2


def test_csv_has_one_header(run, clips):
    _, out, _ = run("--format", "csv", *clips)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert out.count("decode_index") == 1
    assert {row["stream"] for row in rows} == {"door", "yard"}


def test_files_of_one_name_are_told_apart_by_their_paths(run, clips, tmp_path):
    os.mkdir(str(tmp_path / "b"))
    twin = str(tmp_path / "b" / "door.mp4")
    shutil.copy(CLIP, twin)
    _, out, _ = run("--format", "jsonl", clips[0], twin)
    assert {record["stream"] for record in records(out)} == {clips[0], twin}


def test_one_that_fails_leaves_the_others_alone(run, clips, tmp_path):
    missing, text = str(tmp_path / "none.mp4"), str(tmp_path / "notes.mp4")
    with open(text, "w") as file:
        file.write("no video\n" * 50)
    code, out, err = run("--format", "jsonl", missing, clips[0], text)
    assert code == 3
    assert [r["stream"] for r in records(out) if r["type"] == "verdict"] == ["door"]
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 2 and missing in errors[0] + errors[1] and text in errors[0] + errors[1]


def test_an_input_named_twice_is_refused(run, clips):
    code, _, err = run(clips[0], clips[0])
    assert code == 2 and "is given twice" in err


@pytest.mark.needs_cv2
def test_overlays_need_a_file_each(run, clips, tmp_path):
    code, _, err = run("--overlay", str(tmp_path / "out.mp4"), *clips)
    assert code == 2 and "'{stream}.mp4'" in err
    code, _, _ = run("--overlay", str(tmp_path / "{stream}-drawn.mp4"), *clips)
    assert code == 0
    for name in ("door", "yard"):
        assert os.path.getsize(str(tmp_path / (name + "-drawn.mp4"))) > 10000


def test_batch_and_timing_of_each(run, clips):
    code, out, err = run("--batch", "1", "--timing", *clips)
    assert code == 0 and err.count("stage, ms") == 2
    assert "door\n" in err and "yard\n" in err
