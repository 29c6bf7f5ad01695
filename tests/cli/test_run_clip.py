"""`edge-attp run` from a file to its verdict, on the clip of the repository."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction

import av
import numpy as np
import pytest

from edge_attp import cli
from edge_attp.bitstream import CompressedVideo
from rigs.paths import FIGHT_TTP

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_cv2, pytest.mark.needs_onnxruntime]

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLIP = os.path.join(ROOT, "examples", "demo.mp4")
COMMAND = [sys.executable, "-m", "edge_attp", "run"]


@pytest.fixture(scope="module")
def kinds():
    """Kind of each picture of the clip, in decoding order, and whether it is a key picture."""
    with CompressedVideo(CLIP, residual=False) as video:
        return [(picture.kind, picture.is_random_access) for picture in video]


@pytest.fixture
def run(capfd):
    """run(arguments) -> (stdout, stderr) of a successful run in this process, by default with FIGHT_TTP."""

    def call(*arguments):
        assert cli.main(["run", CLIP, "--model", FIGHT_TTP] + list(arguments)) == 0
        captured = capfd.readouterr()
        return captured.out, captured.err

    return call


def records(out):
    return [json.loads(line) for line in out.splitlines()]


def of(found, kind):
    return [record for record in found if record["type"] == kind]


def test_every_p_and_b_picture_is_scored(run, kinds):
    out, err = run("--format", "jsonl")
    found = records(out)
    moving = [index for index, (kind, _) in enumerate(kinds) if kind != "I"]
    pictures = of(found, "picture")
    assert sorted(record["decode_index"] for record in pictures) == moving
    assert any(kinds[index][0] == "B" for index in moving)
    starts = [record["start_s"] for record in pictures]
    assert starts == sorted(starts)
    (verdict,) = of(found, "verdict")
    assert verdict["pictures"] == len(kinds) and verdict["scored"] == len(moving)
    assert verdict["gops"] == sum(key for _, key in kinds) and verdict["complete"]
    assert verdict["damaged"] == 0


def test_an_untrained_pack_is_announced_loudly(run):
    untrained = os.path.join(ROOT, "tests", "export", "data", "untrained")
    _, err = run("--limit", "3", "--model", untrained)
    assert "NOT TRAINED" in err and "mean nothing" in err


def test_the_threshold_decides_what_becomes_an_event(run):
    arguments = ("--limit", "40", "--format", "jsonl", "--threshold")
    assert len(of(records(run(*arguments, "0.01")[0]), "event")) == 2
    assert of(records(run(*arguments, "1")[0]), "event") == []


def test_text_ends_with_the_verdict(run):
    out, _ = run("--limit", "9", "--top", "2")
    lines = out.splitlines()
    assert lines[-1].startswith("verdict: ") and "pictures/s)" in lines[-1]
    assert lines[0].split()[1] == "s"


def test_csv_is_a_table(run):
    out, _ = run("--limit", "9", "--format", "csv", "--top", "2")
    rows = list(csv.DictReader(out.splitlines()))
    assert rows[0]["version"] == "1" and rows[-1]["record"] == "verdict"
    assert all(0 <= float(row["probability"]) <= 1 for row in rows)


def test_two_runs_are_the_same(run):
    first, second = (of(records(run("--format", "jsonl")[0]), "picture") for _ in range(2))
    assert first == second


def test_one_picture_in_12_of_each_gop(run, kinds):
    found = records(run("--format", "jsonl", "--every", "gop")[0])
    pictures = of(found, "picture")
    gops = [index for index, (_, key) in enumerate(kinds) if key] + [len(kinds)]
    drawn = [-(-(end - begin - 1) // 12) for begin, end in zip(gops, gops[1:])]
    assert [record["gop"] for record in pictures] == list(np.repeat(range(len(drawn)), drawn))
    complete = {r["decode_index"]: r for r in of(records(run("--format", "jsonl")[0]), "picture")}
    for record in pictures:  # parsed alone, a picture gives what it gives among all
        assert record["top"] == complete[record["decode_index"]]["top"]


def test_anchors_begin_more_gops(run, kinds):
    found = records(run("--format", "jsonl", "--anchor", "8")[0])
    assert of(found, "verdict")[0]["gops"] > sum(key for _, key in kinds)


def test_timing_goes_to_stderr(run):
    out, err = run("--limit", "12", "--timing")
    for stage in (
        "parse",
        "decode_key",
        "tensors",
        "appearance",
        "motion",
        "score",
        "sink",
        "total",
    ):
        assert f"\n{stage} " in err
    assert "p50" in err and "pictures/s; the target is 25 ms" in err and "p50" not in out


def test_overlay_has_every_picture(run, kinds, tmp_path):
    run("--overlay", str(tmp_path / "out.mp4"), "--limit", "20")
    with av.open(str(tmp_path / "out.mp4")) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 20
    assert frames[0].std() > 10 and (frames[0] != frames[-1]).any()


def test_results_alone_are_on_stdout():
    done = subprocess.run(
        COMMAND + [CLIP, "--format", "jsonl", "--limit", "5"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    assert done.returncode == 0
    assert all("type" in record for record in records(done.stdout.decode()))
    assert b"\r" not in done.stderr  # no progress line without a terminal


def test_interrupt_gives_a_verdict_and_130(tmp_path):
    process = subprocess.Popen(
        COMMAND + [CLIP, "--overlay", str(tmp_path / "out.mp4")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        # Who runs the tests in the background has SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert b" s  " in first and b"ended early" in rest.splitlines()[-1]
    assert b"Traceback" not in errors


def test_a_reader_that_leaves_ends_the_run():
    process = subprocess.Popen(
        COMMAND + [CLIP], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    )
    process.stdout.readline()
    process.stdout.close()
    started = time.monotonic()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 1
    assert time.monotonic() - started < 30 and b"Traceback" not in errors


@pytest.mark.parametrize(
    "arguments, code, complaint",
    [
        (["absent.mp4"], 3, "absent.mp4"),
        ([CLIP, "--model", "absent"], 5, "absent: is no model pack"),
        ([CLIP, "--backend", "tensorrt"], 5, "--backend onnxruntime"),
        ([CLIP, "--overlay", "/absent/out.mp4"], 2, "cannot be written"),
    ],
)
def test_failures_are_one_line(capfd, arguments, code, complaint):
    assert cli.main(["run"] + arguments) == code
    captured = capfd.readouterr()
    errors = [line for line in captured.err.splitlines() if "NOT TRAINED" not in line]
    assert len(errors) == 1 and complaint in errors[0] and captured.out == ""


X265 = "log-level=none:pools=none:keyint=10:min-keyint=10:bframes=3:open-gop=1:scenecut=0"


def copy(path, codec, pix_fmt, pictures=30, options=None):
    """The beginning of the clip in another codec."""
    with av.open(CLIP) as source, av.open(path, "w") as target:
        stream = target.add_stream(codec, 25, options=options or {})
        stream.pix_fmt = pix_fmt
        original = source.streams.video[0].codec_context
        stream.width, stream.height = original.width, original.height
        for index, frame in enumerate(source.decode(video=0)):
            if index == pictures:
                break
            frame = frame.reformat(format=pix_fmt)
            frame.pts, frame.time_base = index, Fraction(1, 25)
            frame.pict_type = 0
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path


def test_hevc_is_recognised_as_it_is(capfd, tmp_path):
    path = copy(str(tmp_path / "clip.mp4"), "libx265", "yuv420p", options={"x265-params": X265})
    assert cli.main(["run", path, "--model", FIGHT_TTP, "--format", "jsonl", "--no-transcode"]) == 0
    captured = capfd.readouterr()
    assert "transcoded" not in captured.err
    verdict = of(records(captured.out), "verdict")[0]
    assert (verdict["pictures"], verdict["gops"], verdict["damaged"]) == (30, 3, 0)
    assert verdict["scored"] == 27
    for arguments in (["--every", "gop"], ["--anchor", "4"], ["--threads", "2"]):
        assert cli.main(["run", path, "--format", "jsonl"] + arguments) == 0
        assert of(records(capfd.readouterr().out), "verdict")[0]["complete"]
    assert cli.main(["run", path, "--overlay", str(tmp_path / "out.mp4")]) == 0
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert sum(f.to_ndarray(format="gray").std() > 25 for f in container.decode(video=0)) == 30


def test_other_codecs_are_transcoded_unless_refused(capfd, tmp_path):
    path = copy(str(tmp_path / "clip.avi"), "mjpeg", "yuvj420p")
    assert cli.main(["run", path, "--format", "jsonl"]) == 0
    captured = capfd.readouterr()
    assert "transcoded" in captured.err
    verdict = of(records(captured.out), "verdict")[0]
    assert verdict["pictures"] == 30 and verdict["scored"] >= 20
    assert cli.main(["run", path, "--overlay", str(tmp_path / "out.mp4")]) == 0
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert all(f.to_ndarray(format="gray").std() > 25 for f in container.decode(video=0))
    capfd.readouterr()
    assert cli.main(["run", path, "--no-transcode"]) == 4
    assert "mjpeg" in capfd.readouterr().err


def test_a_raw_stream_has_times_too(capfd, tmp_path):
    path = copy(str(tmp_path / "clip.264"), "libx264", "yuv420p")
    assert cli.main(["run", path, "--format", "jsonl"]) == 0
    pictures = of(records(capfd.readouterr().out), "picture")
    starts = [record["start_s"] for record in pictures]
    assert starts == sorted(starts) and starts[-1] == 29 / 25
    assert all(record["pts"] is None for record in pictures)


def test_limit_counts_pictures_of_the_source(run):
    """Also where most of them are not parsed: the clip's first GOP has 50 pictures."""
    out, _ = run("--format", "jsonl", "--every", "gop", "--limit", "45")
    drawn = [record["decode_index"] for record in of(records(out), "picture")]
    assert len(drawn) in (3, 4) and max(drawn) < 45  # of 12 each; the fourth may be beyond
