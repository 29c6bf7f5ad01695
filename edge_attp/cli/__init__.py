"""The command line `edge-attp`: one file per command, found through the table COMMANDS.

This file and the top level of each command import the standard library and edge_attp.errors only, so
that --help works on a bare Python. stdout carries results, stderr all else. Exit codes: 0 done, 1
failure, 2 usage, 3 input unreadable, 4 stream unsupported, 5 model or engine, 6 a check failed
(bench, doctor), 130 interrupted, 143 terminated.
"""

import argparse
import importlib
import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import Any, Iterator, List, Optional, Union

from edge_attp import __version__
from edge_attp.errors import EdgeAttpError

__all__ = ["main"]

# Name, what it does. Each is a module here with add_arguments(parser) and main(args) -> exit code.
COMMANDS = (
    ("run", "recognise what happens in a video"),
    ("inspect", "show what is in a video stream"),
    ("serve", "watch cameras and files as a service"),
    ("service", "install the service under systemd, or take it away"),
    ("build", "make TensorRT engines of a model pack on this device"),
    ("bench", "measure the pipeline on this machine"),
    ("doctor", "look at this machine and say how to mend what is wrong"),
    ("export", "write a model pack (needs PyTorch)"),
)


class Terminated(KeyboardInterrupt):
    """SIGTERM: what a command does at Ctrl-C, it does then too."""


def main(arguments: Optional[List[str]] = None) -> int:
    """Runs one command; returns the exit code."""
    _open_closed_streams()
    args = _parse(sys.argv[1:] if arguments is None else arguments)
    try:
        with _sigterm_raises():
            code = args.run(args)
            sys.stdout.flush()
    except Terminated:
        return 128 + signal.SIGTERM
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _let_go_of_stdout()
        return 1
    except EdgeAttpError as error:
        _complain(error)
        return error.exit_code
    except OSError as error:  # a full disk, a result file that cannot be written
        parts = (error.filename, error.strerror or error)
        _complain(": ".join(str(part) for part in parts if part))
        return 1
    return int(code)


def _parse(arguments: List[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="edge-attp",
        description="Recognises actions in compressed video without decoding it.",
        epilog="edge-attp COMMAND --help tells more about each command.",
    )
    parser.add_argument("--version", action="version", version="edge-attp " + __version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.required = True  # a parameter only from Python 3.7 on
    own = {}
    for name, summary in COMMANDS:
        module = importlib.import_module("edge_attp.cli." + name)
        own[name] = commands.add_parser(name, help=summary, add_help=name != "export")
        module.add_arguments(own[name])
        own[name].set_defaults(run=module.main)
    args, rest = parser.parse_known_args(arguments)
    if args.command == "export":
        args.rest = rest
    elif rest:
        own[args.command].error("unrecognized arguments: " + " ".join(rest))
    return args


def _open_closed_streams() -> None:
    """What was closed by who started us is as good as /dev/null; left closed, the next file to be
    opened would take its place."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")


@contextmanager
def _sigterm_raises() -> Iterator[None]:
    """The first SIGTERM raises Terminated; more of them do not disturb what that leads to."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(number: int, frame: Any) -> None:
    signal.signal(number, signal.SIG_IGN)
    raise Terminated()


def _complain(error: Union[str, Exception]) -> None:
    try:
        print("edge-attp: error: " + " ".join(str(error).split()), file=sys.stderr)
    except OSError:  # nobody to complain to; the exit code still tells
        pass


def _let_go_of_stdout() -> None:
    """Who read our output has left; Python must not complain about that once more at exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # stdout is no file, as under a test
        pass
