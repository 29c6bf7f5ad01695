"""The pictures that the doctor's digests stand for are true, bit for bit, and the tool that made them works."""

import json

import make_streams
import pytest

from edge_attp.doctor import core
from truth import equation

pytestmark = pytest.mark.needs_av


@pytest.mark.parametrize("codec", sorted(core.STREAMS))
def test_the_streams_are_true(codec):
    equation.assert_true(core.stream_path(codec), pictures=make_streams.SCENE["pictures"])


def test_the_tool_writes_streams_with_their_digests(tmp_path):
    make_streams.main(str(tmp_path))
    expected = json.loads((tmp_path / "expected.json").read_text())
    for codec, file in core.STREAMS.items():
        assert expected[codec] == core.digests(str(tmp_path / file))
        assert len(expected[codec]) == make_streams.SCENE["pictures"]
