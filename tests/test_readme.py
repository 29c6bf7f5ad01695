"""Runs what the README tells people to type.

Blocks fenced as ```sh and ```python run in order, in a folder that looks like the repository. Those
fenced as ```console are for reading: installing, and commands that need a camera or a GPU.
`make demo` is run by `make test` itself. Tables between markers are compared with the stored results.
"""

import os
import re
import stat
import subprocess
import sys

import pytest

pytest.importorskip("av")
pytest.importorskip("cv2")
pytest.importorskip("onnxruntime")

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VISIBLE = ["CHANGELOG.md", "README.md", "edge_attp", "engines", "examples"]


def blocks(*languages):
    """(line, language, text) of every fenced block in one of these languages."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        text = file.read()
    fence = re.compile(r"^```(%s)\n(.*?)^```$" % "|".join(languages), re.M | re.S)
    return [
        (text.count("\n", 0, match.start()) + 2, match.group(1), match.group(2))
        for match in fence.finditer(text)
    ]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with the repository's files and an edge-attp command of this interpreter."""
    folder = tmp_path_factory.mktemp("readme")
    for name in VISIBLE:
        os.symlink(os.path.join(ROOT, name), str(folder / name))
    commands = folder / "bin"
    commands.mkdir()
    script = commands / "edge-attp"
    script.write_text('#!/bin/sh\nexec "%s" -m edge_attp "$@"\n' % sys.executable)
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    environment = dict(os.environ, PYTHONPATH=ROOT)
    environment["PATH"] = os.pathsep.join([str(commands), environment["PATH"]])
    return str(folder), environment


def test_readme_has_commands():
    assert len(blocks("sh")) >= 2 and len(blocks("python")) >= 1


def test_tables_are_what_the_results_give():
    done = subprocess.run(
        [sys.executable, os.path.join(ROOT, "benchmarks", "tables.py"), "--check"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout.decode()


@pytest.mark.parametrize("line, language, text", blocks("sh", "python"))
def test_block_runs(workplace, line, language, text):
    folder, environment = workplace
    command = ["bash", "-euc", text] if language == "sh" else [sys.executable, "-c", text]
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=300,
    )
    assert done.returncode == 0, "README.md:%d:\n%s" % (line, done.stdout.decode())
