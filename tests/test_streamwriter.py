"""The examples of streamwriter/README.md: they run, say what they say, and pass the truth test."""

import io
import re
from pathlib import Path

import pytest

from edge_attp.bitstream import CompressedVideo
from truth import equation

README = Path(__file__).resolve().parent / "streamwriter" / "README.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S)
SUFFIXES = {"h264": "264", "hevc": "265"}


def run(code):
    names = {}
    exec(compile(code, str(README), "exec"), names)
    return names["data"], names["vectors"]


@pytest.mark.parametrize("code", EXAMPLES, ids=SUFFIXES)
def test_vectors_are_those_of_the_page(code):
    data, vectors = run(code)
    with CompressedVideo(io.BytesIO(data)) as video:
        intra, inter = video
    assert (intra.kind, inter.kind) == ("I", "P") and inter.integrity == "ok"
    found = inter.motion.mv[0]
    assert [tuple(row[0].tolist()) for row in found] == vectors
    assert (found == found[:, :1]).all()


@pytest.mark.needs_av
@pytest.mark.parametrize("codec, code", list(zip(SUFFIXES, EXAMPLES)), ids=SUFFIXES)
def test_the_examples_are_true(codec, code, tmp_path):
    path = tmp_path / f"example.{SUFFIXES[codec]}"
    path.write_bytes(run(code)[0])
    equation.assert_true(path, 2)
