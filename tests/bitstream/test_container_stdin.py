"""Standard input, called "-": a pipe or a file."""

import os
import sys
import types

import pytest

from edge_attp.bitstream import CompressedVideo
from edge_attp.errors import SourceError
from rigs import media
from rigs.containers import Shelf

pytestmark = pytest.mark.needs_av

CLIP = media.Clip("moving", 64, 48, 12, options=media.x264(keyint=6))


@pytest.fixture
def given(monkeypatch):
    """given(file): what stdin is."""
    opened = []

    def given(file):
        opened.append(file)
        monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=file))

    yield given
    for file in opened:
        file.close()


@pytest.mark.parametrize("container", ["raw", "mp4", "ts"])
def test_a_file(clips, given, container):
    given(open(str(Shelf(clips).path(CLIP, container)), "rb"))
    with CompressedVideo("-") as video:
        assert len(list(video)) == 12


def test_a_pipe_is_read_once(clips, given):
    reading, writing = os.pipe()
    os.write(writing, Shelf(clips).path(CLIP, "ts").read_bytes())
    os.close(writing)
    given(os.fdopen(reading, "rb"))
    with CompressedVideo("-") as video:
        assert len(list(video)) == 12
        with pytest.raises(SourceError, match="can be read only once: it is a pipe or live"):
            iter(video)


def test_nothing(given):
    given(open(os.devnull, "rb"))
    with pytest.raises(SourceError, match="/dev/null: is empty"):
        CompressedVideo("-")
