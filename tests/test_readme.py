"""Runs what README.md and docs/ tell people to type, and compares the output with what the pages show.

- Every line of a block fenced as ```sh is a command, run in a folder that looks like the repository. It must end well,
  and ANSWERS checks what it says. Blocks fenced as ```console are not run: installing, cameras, GPUs, a service.
- The ```python blocks of a page are one program, run in order. A ```text block right after one is its output.
- Words and counts must be equal, speeds only present, and probabilities close, as they differ a little between
  processors. Tables between markers are compared with the stored results.

`make test` runs `make demo` itself.
"""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rigs import media

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_cv2, pytest.mark.needs_onnxruntime]

ROOT = Path(__file__).resolve().parent.parent
VISIBLE = ["CHANGELOG.md", "README.md", "docs", "edge_attp", "engines", "examples"]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
}
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```\n", re.M | re.S)
_PROGRAM = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.M | re.S)
_SPEED = re.compile(r"[\d.]+(?= pictures/s)|(?<=parse speed  )\d+")
_NUMBER = re.compile(r"\d+\.?\d*")


def blocks(language):
    """The text of every block fenced in this language, on all pages."""
    found = (match for text in PAGES.values() for match in _FENCE.finditer(text))
    return [match.group(2) for match in found if match.group(1) == language]


def commands():
    """Each command once, in the order of the pages."""
    lines = [line for text in blocks("sh") for line in text.splitlines()]
    return list(dict.fromkeys(lines))


def shown(beginning):
    """The block of text that begins with this."""
    return next(text for text in blocks("text") if text.startswith(beginning))


def assert_alike(answer, expected, tolerance=0.0):
    """The same lines: equal words, numbers within the tolerance, any speed."""
    answer, expected = (_SPEED.sub("any", text).splitlines() for text in (answer, expected))
    assert len(answer) == len(expected), "\n".join(answer)
    for line, wanted in zip(map(str.rstrip, answer), map(str.rstrip, expected)):
        assert _NUMBER.sub("#", line) == _NUMBER.sub("#", wanted)
        numbers = ([float(number) for number in _NUMBER.findall(text)] for text in (line, wanted))
        np.testing.assert_allclose(*numbers, rtol=0, atol=tolerance + 1e-9, err_msg=line)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with the repository's files and an edge-attp command of this interpreter."""
    folder = tmp_path_factory.mktemp("readme")
    for name in VISIBLE:
        os.symlink(str(ROOT / name), str(folder / name))
    programs = folder / "bin"
    programs.mkdir()
    script = programs / "edge-attp"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m edge_attp "$@"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return Workplace(folder)


class Workplace:
    def __init__(self, folder):
        self.folder = folder
        self._environment = dict(os.environ, PYTHONPATH=str(ROOT))
        self._environment["PATH"] = os.pathsep.join(
            [str(folder / "bin"), self._environment["PATH"]]
        )

    def run(self, *command):
        """(stdout, stderr) of a command that ends well."""
        done = subprocess.run(
            command,
            cwd=str(self.folder),
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode(), done.stderr.decode()


HEADLINE = shown("$ edge-attp run").splitlines()
VERDICT = re.search(r"verdict: (\w+)", HEADLINE[-1]).group(1)


def the_headline(folder, out, err):
    tail = "\n".join(out.splitlines()[1 - len(HEADLINE) :])
    assert_alike(tail, "\n".join(HEADLINE[1:]), tolerance=0.02)


def the_verdict_of_the_headline(folder, out, err):
    records = [json.loads(line) for line in out.splitlines()]
    assert [record["type"] for record in records[:: len(records) - 1]] == ["header", "verdict"]
    pictures = [record for record in records if record["type"] == "picture"]
    assert all(len(picture["top"]) == len(records[0]["labels"]) for picture in pictures)
    verdict = records[-1]
    assert verdict["top"][0]["label"] == VERDICT
    assert (verdict["pictures"], verdict["gops"], verdict["complete"]) == (150, 3, True)
    # Of GOPs of 49: 4 times 12, and the rest; one is idle.
    assert verdict["scored"] == 14 and len(pictures) == 15


def an_overlay_and_times(folder, out, err):
    import av

    assert "verdict: " + VERDICT in out and re.search(r"^motion +140 ", err, re.M)
    with av.open(str(folder / "demo_overlay.mp4")) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 150 and float(frames[-1].time) == pytest.approx(149 / 25)


def the_inspection(folder, out, err):
    assert_alike(out, shown("input "))


def an_inspection_in_json(folder, out, err):
    found = json.loads(out)
    assert (found["stream"]["codec"], found["stream"]["width"]) == ("h264", 340)


def a_drawing(folder, out, err):
    import cv2

    drawn = cv2.imread(str(folder / "picture.png"))
    assert drawn.shape[1] > drawn.shape[0] and drawn.std() > 20


def arrays(folder, out, err):
    with np.load(str(folder / "arrays.npz")) as dump:
        numbers = {int(number) for name in dump for number in re.findall(r"\d+", name)}
    assert set(range(20)) <= numbers


def motion_alone(_folder, out, _err):
    *pictures, event, verdict = out.splitlines()
    assert all(" motion " in line for line in pictures) and len(pictures) > 100
    assert event.startswith("event: motion from 0.") and " in " in event
    assert verdict.startswith("verdict: motion 0.") and " idle" in verdict


ANSWERS = {
    "edge-attp run examples/demo.mp4": the_headline,
    "edge-attp run examples/demo.mp4 --format jsonl --top 3 --every gop": the_verdict_of_the_headline,
    "edge-attp run examples/demo.mp4 --overlay demo_overlay.mp4 --timing": an_overlay_and_times,
    "edge-attp run examples/demo.mp4 --model none": motion_alone,
    "edge-attp inspect examples/demo.mp4": the_inspection,
    "edge-attp inspect examples/demo.mp4 --json": an_inspection_in_json,
    "edge-attp inspect examples/demo.mp4 --picture 35 --png picture.png": a_drawing,
    "edge-attp inspect examples/demo.mp4 --limit 20 --dump arrays.npz": arrays,
}


def test_every_command_is_checked():
    assert set(commands()) == set(ANSWERS)


@pytest.mark.parametrize("command", commands())
def test_a_command_answers_what_the_page_says(workplace, command):
    ANSWERS[command](workplace.folder, *workplace.run("bash", "-euc", command))


def test_inspection_of_hevc(workplace, tmp_path):
    """Encoders differ a little from version to version."""
    expected = shown("size ")
    clip = media.encode(
        media.frames_of(ROOT / "examples" / "demo.mp4", 150),
        tmp_path / "demo.mkv",
        *("libx265", media.x265(preset="medium", crf=28, keyint=50), "mkv"),
    )
    out, _ = workplace.run("edge-attp", "inspect", str(clip))
    begins = tuple(line.split("  ")[0] for line in expected.splitlines())
    lines = [line for line in out.splitlines() if line.startswith(begins)]
    assert_alike("\n".join(lines), expected, tolerance=8)


@pytest.mark.parametrize("page", [page for page in PAGES if "```python" in PAGES[page]])
def test_programs_print_what_the_page_says(workplace, page):
    programs = [match.groups() for match in _PROGRAM.finditer(PAGES[page])]
    end = "--- end of a block"
    source = "".join(f"{program}\nprint({end!r})\n" for program, _ in programs)
    out, _ = workplace.run(sys.executable, "-c", source)
    printed = out.split(end + "\n")[:-1]
    assert len(printed) == len(programs)
    for answer, (_, expected) in zip(printed, programs):
        if expected is not None:
            assert_alike(answer, expected)


def test_tables_are_what_the_results_give():
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "tables.py"), "--check"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout.decode()
