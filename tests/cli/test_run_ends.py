"""How `edge-attp run` ends before its time: signals, full disks, readers that leave."""

import json
import os
import signal
import subprocess
import sys
import time

import av
import pytest

from edge_attp.bitstream.pyav import add_stream_like
from rigs.paths import ROOT

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_cv2, pytest.mark.needs_onnxruntime]

CLIP = str(ROOT / "examples" / "demo.mp4")
COMMAND = [sys.executable, "-m", "edge_attp", "run"]
MOST_S = 60


def start(*arguments, **pipes):
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    return subprocess.Popen(
        COMMAND + list(arguments), stderr=subprocess.PIPE, env=environment, cwd=str(ROOT), **pipes
    )


@pytest.fixture
def endless(tmp_path):
    """Runs on a raw stream that a pipe gives out for ever; ended at the end of the test."""
    path = str(tmp_path / "clip.264")
    with av.open(CLIP) as source, av.open(path, "w", format="h264") as raw:
        stream = add_stream_like(raw, source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                packet.stream = stream
                raw.mux(packet)
    pipe = str(tmp_path / "pipe.264")
    os.mkfifo(pipe)
    feeder = subprocess.Popen(
        ["sh", "-c", 'while cat "$1"; do :; done > "$2"', "feeder", path, pipe],
        stderr=subprocess.DEVNULL,
    )
    process = start(pipe, "--format", "jsonl", stdout=subprocess.PIPE)
    yield process
    for program in (process, feeder):
        program.kill()
        program.wait()


def until_scored(process):
    """Reads results up to the first scored picture."""
    for line in iter(process.stdout.readline, b""):
        if json.loads(line)["type"] == "picture":
            return
    raise AssertionError(process.stderr.read().decode())


def test_sigterm_ends_it_with_a_verdict(endless):
    until_scored(endless)
    endless.send_signal(signal.SIGTERM)
    began = time.monotonic()
    endless.send_signal(signal.SIGTERM)  # a second one does not disturb
    output, complaints = endless.communicate(timeout=MOST_S)
    records = [json.loads(line) for line in output.splitlines()]
    assert records[-1]["type"] == "verdict" and not records[-1]["complete"]
    assert (endless.returncode, complaints) == (143, b"")
    assert time.monotonic() - began < 5.0


def shell(command):
    """Exit code and what the command says, run by a shell that may close and redirect."""
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m edge_attp {command}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        cwd=str(ROOT),
        timeout=MOST_S,
    )
    return done.returncode, done.stdout.decode()


@pytest.mark.parametrize(
    "command",
    [
        "run examples/demo.mp4 --limit 8 > /dev/full",
        "run examples/demo.mp4 --limit 8 --format jsonl > /dev/full",
        "run examples/demo.mp4 --limit 40 --overlay /dev/full > /dev/null",
        "inspect examples/demo.mp4 > /dev/full",
    ],
)
def test_a_full_disk_is_one_line(command):
    code, said = shell(command)
    assert code == 1 and said.startswith("edge-attp: error: ") and said.count("\n") == 1
    assert "No space left on device" in said


@pytest.mark.parametrize(
    "command, code",
    [
        ("run examples/demo.mp4 --limit 8 >&-", 0),
        ("run examples/demo.mp4 --limit 8 --format jsonl <&- >&- 2>&-", 0),
        ("inspect examples/demo.mp4 >&-", 0),
        ("run no_such_file.mp4 2>&-", 3),
        ("run no_such_file.mp4 2> /dev/full", 3),
    ],
)
def test_streams_that_are_closed_or_full_change_no_exit_code(command, code):
    assert shell(command) == (code, "")
