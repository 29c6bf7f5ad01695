"""The command line as a whole: commands, errors and exit codes."""

import importlib.util
import io
import os
import subprocess
import sys

import pytest

from edge_attp import __version__, cli
from edge_attp.cli import export, run
from edge_attp.cli.arguments import scoring_interval
from edge_attp.cli.parsers import COMMANDS, new_parser
from edge_attp.errors import CorruptStream, EngineError, SourceError, UnsupportedStream
from edge_attp.sources import live


def call(monkeypatch, outcome, arguments=("run", "x.mp4")):
    """The exit code when `edge-attp run` does what outcome says."""

    def main(args):
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr(run, "main", main)
    return cli.main(list(arguments))


@pytest.mark.parametrize(
    "error, code",
    [
        (SourceError("no such file"), 3),
        (CorruptStream("nothing in it"), 3),
        (UnsupportedStream("interlaced"), 4),
        (EngineError("out of order"), 5),
        (OSError("disk full"), 1),
    ],
)
def test_errors_are_one_line_and_an_exit_code(monkeypatch, capsys, error, code):
    assert call(monkeypatch, error) == code
    captured = capsys.readouterr()
    assert captured.err == f"edge-attp: error: {error}\n" and captured.out == ""


def test_an_error_of_many_lines_becomes_one(monkeypatch, capsys):
    call(monkeypatch, SourceError("first\n  second"))
    assert capsys.readouterr().err == "edge-attp: error: first second\n"


def test_interrupt_is_130(monkeypatch, capsys):
    assert call(monkeypatch, KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == ""


def test_a_reader_that_leaves_is_no_complaint(monkeypatch, capsys):
    assert call(monkeypatch, BrokenPipeError()) == 1
    assert capsys.readouterr().err == ""


def test_a_bug_is_not_hidden(monkeypatch):
    with pytest.raises(ZeroDivisionError):
        call(monkeypatch, ZeroDivisionError())


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        ([], "COMMAND"),
        (["dance"], "invalid choice"),
        (["run"], "INPUT"),
        (["run", "x", "--colour"], "unrecognized arguments: --colour"),
        (["run", "x", "--every", "0"], "got '0', expected picture, gop or a whole number above 0"),
        (["run", "x", "--regions", "0"], "got '0', expected off or a whole number from 1 to 16"),
        (["run", "x", "--threads", "9999999"], "expected a whole number from 1 to 256"),
        (["run", "x", "--batch", "100000"], "expected a whole number from 1 to 1024"),
        (["inspect", "x", "--parse-threads", "65"], "expected a whole number from 1 to 64"),
        (["run", "x", "--threshold", "1.1"], "expected a number above 0 and at most 1"),
        (["run", "x", "--threshold", "high"], "got 'high', expected a number above 0"),
        (["run", "x", "--regions", "17"], "expected off or a whole number from 1 to 16"),
        (["run", "x", "--anchor", "often"], "got 'often', expected"),
        (["run", "x", "--format", "xml"], "invalid choice"),
        (["run", "x", "--top", "1.5"], "got '1.5', expected"),
    ],
)
def test_wrong_usage_is_2(capsys, arguments, complaint):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    captured = capsys.readouterr()
    assert caught.value.code == 2 and complaint in captured.err and captured.out == ""


def test_alone_it_shows_its_help(capsys):
    with pytest.raises(SystemExit):
        cli.main([])
    captured = capsys.readouterr()
    assert "examples:" in captured.err and captured.out == ""


@pytest.mark.parametrize(
    "old, new",
    [
        (["bench", "--pack", "x"], ["bench", "--model", "x"]),
        (["build", "x", "--batch", "2"], ["build", "--model", "x", "--batch", "2"]),
        (["inspect", "clip", "--threads", "2"], ["inspect", "clip", "--parse-threads", "2"]),
    ],
)
def test_old_words_still_work_and_say_what_is_new(old, new, capsys):
    meant = vars(new_parser().parse_args(new))
    assert capsys.readouterr().err == ""
    given = vars(new_parser().parse_args(old))
    name = next(word for word in new if word.startswith("--"))
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.endswith(f"is now called {name}\n")
    for unimportant in ("parser", "old"):
        meant.pop(unimportant, None), given.pop(unimportant, None)
    assert given == meant


@pytest.mark.parametrize("command", ["bench", "build", "inspect"])
def test_help_shows_new_words_only(command, capsys):
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    shown = capsys.readouterr().out
    assert "--pack" not in shown and "PACK" not in shown
    assert ("--parse-threads" in shown) == (command != "build")
    assert (" --threads" in shown) == (command == "bench")


@pytest.mark.parametrize("command", ["run", "bench", "build"])
def test_one_word_for_the_model(command):
    inputs = ["clip"] if command == "run" else []
    assert new_parser().parse_args([command, *inputs, "--model", "x"]).model == "x"


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["--help"])
    shown = capsys.readouterr().out
    assert caught.value.code == 0
    for name, summary, _ in COMMANDS:
        assert name in shown and summary in shown


def test_version(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"edge-attp {__version__}\n"


def test_python_dash_m():
    shown = subprocess.check_output([sys.executable, "-m", "edge_attp", "run", "--help"])
    assert shown.startswith(b"usage: edge-attp run")


@pytest.mark.parametrize("text, value", [("picture", 1), ("1", 1), ("12", 12), ("gop", 0)])
def test_every(text, value):
    assert scoring_interval(text) == value


def test_names_of_several_inputs_tell_no_password():
    cameras = ["rtsp://me:secret@door/1", "rtsp://me:secret@yard/1", "rtsp://me:secret@hall"]
    assert run._stream_names(cameras) == [
        "rtsp://me:***@door/1",
        "rtsp://me:***@yard/1",
        "me:***@hall",
    ]


@pytest.mark.needs_onnxruntime
@pytest.mark.parametrize("arguments, transcode", [((), True), (("--no-transcode",), False)])
def test_a_camera_is_transcoded_unless_refused(arguments, transcode, monkeypatch, capsys):
    asked = []

    def refuse(source, options, count):
        asked.append(options.transcode)
        raise SourceError(f"{source}: no answer")

    monkeypatch.setattr(live, "connect", refuse)
    assert cli.main(["run", "rtsp://camera/1"] + list(arguments)) == 3
    assert asked == [transcode] and "no answer" in capsys.readouterr().err


def test_export_without_its_package_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert cli.main(["export", "--backbone", "mobilenet_v2"]) == 2
    assert "pip install ./export" in capsys.readouterr().err
    assert cli.main(["export", "--help"]) == 0
    assert "pip install ./export" in capsys.readouterr().out


def test_export_hands_its_arguments_on(monkeypatch):
    commands = []
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(export.subprocess, "call", lambda command: commands.append(command) or 7)
    assert cli.main(["export", "--out", "pack", "--classes", "labels.txt", "--help"]) == 7
    assert commands == [
        [sys.executable, "-m", "edge_attp_export", "export"]
        + ["--out", "pack", "--classes", "labels.txt", "--help"]
    ]


def test_stdout_without_a_file_number(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert call(monkeypatch, BrokenPipeError()) == 1


def test_unknown_kernels_are_a_mistake_of_the_caller():
    code = "from edge_attp.bitstream import binding; binding.native_core()"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stderr=subprocess.PIPE,
        env=dict(os.environ, EDGE_ATTP_CPU="abacus"),
    )
    _, errors = process.communicate(timeout=60)
    assert b"UsageError: EDGE_ATTP_CPU=abacus: this processor has no such kernels" in errors
