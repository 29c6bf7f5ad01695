"""Writes the manual pages and the completion scripts of `edge-attp` from its parsers: `make manual`.

    python packaging/manual.py [FOLDER]    (default: the folder of this file)

FOLDER/man/*.1 are read by man, FOLDER/completion/edge-attp by bash, FOLDER/completion/_edge-attp by zsh. An
installation puts them where these look (setup.py). They are kept in the repository because Python 3.6 lacks the
tools that write them; a test compares them with the parsers.
"""

import argparse
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

import shtab  # noqa: E402
from argparse_manpage.manpage import Manpage  # noqa: E402

from edge_attp import __version__  # noqa: E402
from edge_attp.cli.parsers import COMMANDS, new_parser  # noqa: E402

# What an argument is called in the help: how it is completed.
FILES = ("INPUT", "FILE", "PACK")
FOLDERS = ("DIR",)
EXIT_STATUS = (
    ("0", "done"),
    ("1", "failure while running"),
    ("2", "wrong usage or configuration"),
    ("3", "input that cannot be read"),
    ("4", "stream that is not supported"),
    ("5", "model or engine missing or broken"),
    ("6", "a check failed (bench, doctor)"),
    ("130, 143", "interrupted, terminated"),
)
ENVIRONMENT = (
    ("EDGE_ATTP_CACHE", "folder of built TensorRT engines (default: ~/.cache/edge-attp)"),
    ("EDGE_ATTP_PLUGIN", "TensorRT plugin library, or none"),
    ("EDGE_ATTP_BUFFERS", "kind of memory for TensorRT: mapped, managed, pinned or plain"),
    ("EDGE_ATTP_CPU", "kernels of the parser: scalar, sse41, avx2 or neon"),
    ("NO_COLOR", "if set, no colours are used"),
)


def main(folder=None):
    """Writes all files below `folder`; returns their paths."""
    folder = folder or os.path.dirname(os.path.abspath(__file__))
    written = []
    for name, text in sorted(render().items()):
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        written.append(path)
    return written


def render():
    """The text of each file, by its name below the folder; the same in terminals of any width."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "80"
    try:
        return _render()
    finally:
        del os.environ["COLUMNS"]
        if before is not None:
            os.environ["COLUMNS"] = before


def _render():
    files = {
        "completion/edge-attp": shtab.complete(_completable(), "bash"),
        "completion/_edge-attp": shtab.complete(_completable(), "zsh"),
        "man/edge-attp.1": _main_page(),
    }
    for command in COMMANDS:
        files[f"man/edge-attp-{command.name}.1"] = _command_page(command)
    return {name: text.rstrip("\n") + "\n" for name, text in files.items()}


def _completable():
    """The parser, whose arguments say how they are completed."""
    parser = new_parser()
    for one in [parser] + list(_commands_of(parser).values()):
        for action in one._actions:
            name = str(action.metavar or "")
            if name.split(".")[0] in FILES + ("OUT",):
                action.complete = shtab.FILE
            elif name in FOLDERS:
                action.complete = shtab.DIRECTORY
    for name, summary, _ in COMMANDS:
        _commands_of(parser)[name].description = summary  # all that a list of commands has room for
    return parser


def _commands_of(parser):
    (commands,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return commands.choices


def _main_page():
    whole = new_parser()
    parser = argparse.ArgumentParser(
        "edge-attp", "edge-attp [--version] COMMAND ...", add_help=False
    )
    parser.description = whole.description
    version = ("--version", "print the version and exit")
    parser.add_argument(version[0], action="version", version="", help=version[1])
    page = _page(parser, "action recognition in H.264 and HEVC video without decoding it")
    names = [(f"edge-attp {name}", summary) for name, summary, _ in COMMANDS]
    _add_list(page, "commands", names)
    _add_list(page, "exit status", EXIT_STATUS)
    _add_list(page, "environment", ENVIRONMENT)
    examples = whole.epilog.split("\n\n")[0].split("\n", 1)[1]
    page.add_section("examples", "=", _verbatim(examples))
    page.add_section("see also", "=", _see_also(command.name for command in COMMANDS))
    return str(page)


def _command_page(command):
    parser = _commands_of(new_parser())[command.name]
    if command.name == "export":
        parser.usage = "edge-attp export [CHECKPOINT] -o PACK [OPTIONS]"
        parser.description = (
            "Writes a model pack with the package edge-attp-export, which needs PyTorch; `edge-attp export "
            "--help` describes its options where it is installed."
        )
    epilog, parser.epilog = parser.epilog, None
    page = _page(parser, command.summary)
    page.prog = f"edge-attp-{command.name}"
    if epilog:
        is_table = parser.formatter_class is argparse.RawDescriptionHelpFormatter
        page.add_section("notes", "=", _verbatim(epilog) if is_table else page.format_text(epilog))
    page.add_section("see also", "=", _see_also([None]))
    return str(page)


def _page(parser, summary):
    page = Manpage(parser)
    page.description = summary
    page.date = _release_date()
    page.source = "edge-attp " + __version__
    page.manual = "edge-attp manual"
    return page


def _release_date():
    """Of this version, so that a page does not change from day to day."""
    with open(os.path.join(ROOT, "CHANGELOG.md"), encoding="utf-8") as file:
        found = re.search(rf"^## \[{re.escape(__version__)}\] - (\S+)$", file.read(), re.M)
    return found.group(1) if found else ""


def _add_list(page, heading, entries):
    lines = [f".TP\n\\fB{_escaped(name)}\\fR\n{_escaped(text)}" for name, text in entries]
    page.add_section(heading, "=", "\n".join(lines))


def _verbatim(text):
    return ".nf\n" + _escaped(text.strip("\n")) + "\n.fi"


def _see_also(names):
    pages = ["edge-attp" if name is None else f"edge-attp-{name}" for name in names]
    return ",\n".join(f"\\fB{_escaped(page)}\\fR(1)" for page in pages)


def _escaped(text):
    return text.replace("\\", "\\e").replace("-", "\\-")


if __name__ == "__main__":
    main(*sys.argv[1:])
