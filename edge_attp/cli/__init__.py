"""The command line `edge-attp`: one file per command, found through the table COMMANDS.

This file and the top level of each command import the standard library and edge_attp.errors only, so
that --help works on a bare Python. stdout carries results, stderr all else. Exit codes: 0 done, 1
failure, 2 usage, 3 input unreadable, 4 stream unsupported, 5 model or engine, 6 a check failed
(bench), 130 interrupted.
"""

import argparse
import importlib
import os
import sys
from typing import List, Optional

from edge_attp import __version__
from edge_attp.errors import EdgeAttpError

__all__ = ["main"]

# Name, what it does. Each is a module here with add_arguments(parser) and main(args) -> exit code.
COMMANDS = (
    ("run", "recognise what happens in a video"),
    ("inspect", "show what is in a video stream"),
    ("build", "make TensorRT engines of a model pack on this device"),
    ("bench", "measure the pipeline on this machine"),
    ("export", "write a model pack (needs PyTorch)"),
)


def main(arguments: Optional[List[str]] = None) -> int:
    """Runs one command; returns the exit code."""
    args = _parse(sys.argv[1:] if arguments is None else arguments)
    try:
        code = args.run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _let_go_of_stdout()
        return 1
    except EdgeAttpError as error:
        _complain(error)
        return error.exit_code
    except OSError as error:  # a full disk, a result file that cannot be written
        _complain(error)
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


def _complain(error: Exception) -> None:
    print("edge-attp: error: " + " ".join(str(error).split()), file=sys.stderr)


def _let_go_of_stdout() -> None:
    """Who read our output has left; Python must not complain about that once more at exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # stdout is no file, as under a test
        pass
