"""Conformance streams on aarch64, under QEMU: bit for bit what this machine's core makes of them."""

import pytest
from test_aarch64 import assert_same

from edge_attp.bitstream import CompressedVideo
from edge_attp.errors import UnsupportedStream
from rigs import emulator
from rigs.paths import SHARED_MEDIA

pytestmark = [pytest.mark.slow, pytest.mark.needs_media, pytest.mark.needs_emulator]

CODECS = {".264": "h264", ".h264": "h264", ".265": "hevc", ".h265": "hevc", ".hevc": "hevc"}
MOST_BYTES = 1500000  # QEMU is slow
STREAMS = [
    path
    for folder in ("h264_conformance", "hevc_conformance")
    for path in sorted((SHARED_MEDIA / folder).rglob("*"))
    if path.suffix.lower() in CODECS and path.stat().st_size < MOST_BYTES
]


@pytest.fixture(scope="module")
def reader():
    return emulator.build() / "stream_reader"


def is_refused(path):
    try:
        with CompressedVideo(str(path)) as video:
            next(iter(video))
    except UnsupportedStream:
        return True
    return False


def test_there_are_streams_of_both_codecs():
    assert {CODECS[path.suffix.lower()] for path in STREAMS} == {"h264", "hevc"}


@pytest.mark.parametrize("path", STREAMS, ids=[path.stem for path in STREAMS])
def test_pictures_are_those_of_this_machine(reader, path):
    command = [reader, "dump", CODECS[path.suffix.lower()], path]
    if is_refused(path):
        with pytest.raises(AssertionError, match="neon 0"):
            emulator.run(command, "neon")
    else:
        assert_same(path, emulator.read_dump(emulator.run(command, "neon")[0]))
