"""The pictures that the doctor's digests stand for are true, bit for bit, and the tool that made them works."""

import json

import make_streams
import pytest

from edge_attp.doctor import self_test
from truth import equation

pytestmark = pytest.mark.needs_av


@pytest.mark.parametrize("codec", sorted(self_test.STREAMS))
def test_the_streams_are_true(codec):
    equation.assert_true(self_test.stream_path(codec), pictures=make_streams.SCENE["pictures"])


def test_the_tool_writes_streams_with_their_digests(tmp_path):
    make_streams.main(str(tmp_path))
    expected = json.loads((tmp_path / "expected.json").read_text())
    for codec, file in self_test.STREAMS.items():
        assert expected[codec] == self_test.digests(str(tmp_path / file))
        assert len(expected[codec]) == make_streams.SCENE["pictures"]
