"""Manual pages and completion scripts: written from the parsers as they are now, and of use to man, bash and zsh."""

import importlib.util
import os
import subprocess

import pytest

from edge_attp.cli.parsers import COMMANDS
from rigs.paths import ROOT

PACKAGING = ROOT / "packaging"
BASH = PACKAGING / "completion" / "edge-attp"
PAGES = sorted((PACKAGING / "man").glob("*.1"))


@pytest.mark.needs_shtab
def test_files_are_written_from_the_parsers_as_they_are_now():
    spec = importlib.util.spec_from_file_location("manual", str(PACKAGING / "manual.py"))
    manual = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(manual)
    for name, text in manual.render().items():
        assert (PACKAGING / name).read_text() == text, name + " is out of date: make manual"


def test_each_command_has_a_page():
    names = {"edge-attp"} | {"edge-attp-" + command.name for command in COMMANDS}
    assert {page.stem for page in PAGES} == names


@pytest.mark.needs_man
@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_man_shows_a_page_without_a_warning(page):
    command = ["man", "--warnings=all", "--local-file", str(page)]
    done = subprocess.run(
        command,
        env=dict(os.environ, MANWIDTH="80", LC_ALL="C.UTF-8"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert done.returncode == 0 and done.stderr == b""
    shown = done.stdout.decode("utf-8").replace("\u2010", "-")
    for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "SEE ALSO"):
        assert f"\n{heading}\n" in shown
    assert f"{page.stem} - " in shown


@pytest.mark.parametrize(
    "words, expected",
    [
        (["ins"], ["inspect"]),
        (["serv"], ["serve", "service"]),
        (["run", "clip.mp4", "--par"], ["--parse-threads"]),
        (["run", "--backend", "t"], ["tensorrt"]),
        (["service", "un"], ["uninstall"]),
        (["build", "--model", "fol"], ["folder"]),
        (["run", "cl"], ["clip.mp4"]),
        (["serve", "--config", "cam"], ["camera.toml"]),
        (["bench", "--pa"], ["--parse-threads"]),
    ],
)
def test_bash_completes(tmp_path, words, expected):
    """A file, a folder and a configuration lie in the current folder."""
    (tmp_path / "folder").mkdir()
    for name in ("clip.mp4", "camera.toml"):
        (tmp_path / name).touch()
    program = (
        'source "$1"; shift; COMP_WORDS=(edge-attp "$@"); COMP_CWORD=$#; _shtab_edge_attp; '
        "printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    command = ["bash", "-c", program, "bash", str(BASH)] + words
    assert subprocess.check_output(command, cwd=str(tmp_path)).decode().split() == expected


@pytest.mark.needs_zsh
def test_zsh_reads_its_script():
    subprocess.check_call(["zsh", "-n", str(PACKAGING / "completion" / "_edge-attp")])
