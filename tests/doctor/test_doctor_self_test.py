"""The parser's self-test passes on this machine, with each set of kernels, and notices what is wrong."""

import json
import os
import platform
import shutil

import pytest

from edge_attp.doctor import core
from edge_attp.doctor.examination import CHECKS, KERNELS, Patient, _apart

MOST_BYTES = 8 << 10


@pytest.fixture
def copy(monkeypatch, tmp_path):
    """A folder with streams and digests that may be spoilt."""
    folder = tmp_path / "streams"
    shutil.copytree(os.path.dirname(core.stream_path("h264")), str(folder))
    monkeypatch.setattr(core, "_FOLDER", str(folder))
    return folder


@pytest.mark.parametrize("codec", sorted(core.STREAMS))
def test_streams_are_small_and_have_every_kind_of_picture(codec):
    path = core.stream_path(codec)
    assert os.path.getsize(path) < MOST_BYTES
    assert {line.split()[0] for line in core.digests(path)} == {"I", "P", "B"}


@pytest.mark.parametrize("codec", sorted(core.STREAMS))
def test_what_comes_out_is_as_expected(codec):
    assert core.first_difference(codec) is None


@pytest.mark.parametrize("name", KERNELS.get(platform.machine(), ("scalar",)))
def test_every_set_of_kernels(name):
    check = next(check for check in CHECKS if check.name == "core." + name)
    (found,) = _apart(check, Patient())
    assert found.id == check.name and found.status in ("PASS", "SKIP")
    assert found.status == "PASS" or name != "scalar", "the scalar kernels run everywhere"


@pytest.mark.parametrize("codec", sorted(core.STREAMS))
def test_a_changed_stream_is_noticed(copy, codec):
    path = copy / core.STREAMS[codec]
    data = bytearray(path.read_bytes())
    data[-40] ^= 1
    path.write_bytes(bytes(data))
    assert core.first_difference(codec).startswith("picture ")


def test_a_lost_picture_is_noticed(copy):
    path = copy / "expected.json"
    expected = json.loads(path.read_text())
    expected["h264"].append("P 0000000000000000")
    path.write_text(json.dumps(expected))
    assert core.first_difference("h264") == "8 pictures, expected 9"


def test_the_finding_names_codec_and_picture(copy):
    path = copy / "expected.json"
    path.write_text(path.read_text().replace("P 42f5", "P 0000"))
    found = core._self_test("core.scalar")
    assert found.status == "FAIL" and "h264" in found.value and "picture 1" in found.value
