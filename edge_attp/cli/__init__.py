"""The command line `edge-attp`.

`parsers` declares all commands with the standard library alone; the module of a command, which bears its name,
is imported when it runs. stdout carries results, stderr everything else. Exit codes: 0 done, 1 failure,
2 usage, 3 input unreadable, 4 stream unsupported, 5 model or engine, 6 a check failed (bench, doctor), 130
interrupted, 143 terminated.
"""

import importlib
import os
import signal
import sys
import threading
from contextlib import contextmanager
from types import FrameType
from typing import Iterator, List, Optional, Union

from edge_attp.cli.parsers import parse_command_line
from edge_attp.errors import EdgeAttpError

__all__ = ["CHECK_FAILED", "main"]

CHECK_FAILED = 6


class Terminated(KeyboardInterrupt):
    """SIGTERM, at which a command does what it does at Ctrl-C."""


def main(arguments: Optional[List[str]] = None) -> int:
    """Runs one command; returns the exit code."""
    _open_closed_streams()
    args = parse_command_line(sys.argv[1:] if arguments is None else arguments)
    try:
        with _sigterm_raises():
            command = importlib.import_module("edge_attp.cli." + args.command)
            code = int(command.main(args))
            sys.stdout.flush()
    except Terminated:
        return 128 + signal.SIGTERM
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _discard_stdout()
        return 1
    except EdgeAttpError as error:
        _print_error(error)
        return error.exit_code
    except OSError as error:  # a full disk, a result file that cannot be written
        parts = (error.filename, error.strerror or error)
        _print_error(": ".join(str(part) for part in parts if part))
        return 1
    return code


def _open_closed_streams() -> None:
    """Opens standard streams that the parent process closed as /dev/null; otherwise the next file to be
    opened would take their place."""
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
    """The first SIGTERM raises Terminated; further ones are ignored while the command cleans up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(number: int, frame: Optional[FrameType]) -> None:
    signal.signal(number, signal.SIG_IGN)
    raise Terminated()


def _print_error(error: Union[str, Exception]) -> None:
    try:
        print("edge-attp: error: " + " ".join(str(error).split()), file=sys.stderr)
    except OSError:  # stderr is gone; the exit code still tells
        pass


def _discard_stdout() -> None:
    """The reader of our output has left; Python must not report that a second time at exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # stdout is no file, as under a test
        pass
