"""SECURITY.md holds: the tests that it names exist, and what has no other place is tested here."""

import ast
import re
import socket

import pytest

from edge_attp.bitstream import CompressedVideo
from edge_attp.errors import EdgeAttpError
from rigs.paths import ROOT

PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/\S+?\.py)::(\w+)`", PAGE)
FILES = re.findall(r"`((?:tests|edge_attp)/[^`:]+)`", PAGE)
SOURCES = sorted((ROOT / "edge_attp").rglob("*.py"))

PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n%s\n#EXT-X-ENDLIST\n"
MPD = """<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S"><Period>
<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>%s</BaseURL>
<SegmentBase/></Representation></AdaptationSet></Period></MPD>
"""


@pytest.mark.parametrize("file, name", NAMED)
def test_the_tests_exist(file, name):
    text = (ROOT / file).read_text(encoding="utf-8")
    assert re.search(rf"^def {name}\(", text, re.M), f"{file} has no {name}"


def test_the_files_exist():
    assert len(NAMED) > 20 and len(FILES) > 2
    assert [file for file in FILES if not (ROOT / file).exists()] == []


@pytest.mark.needs_av
@pytest.mark.parametrize(
    "name, text",
    [
        ("clip.m3u8", PLAYLIST % "http://{}/x.ts"),
        ("clip.mp4", PLAYLIST % "http://{}/x.ts"),
        ("clip.mpd", MPD % "http://{}/x.mp4"),
        ("clip.ffconcat", "ffconcat version 1.0\nfile http://{}/x.ts\n"),
        ("clip.ffconcat", "ffconcat version 1.0\nfile /etc/passwd\n"),
        ("clip.m3u8", PLAYLIST % "/etc/passwd"),
    ],
)
def test_a_file_calls_nobody(tmp_path, name, text):
    """No server, and no file that is not video."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        server.settimeout(0.3)
        path = tmp_path / name
        path.write_text(text.format(f"127.0.0.1:{server.getsockname()[1]}"))
        with pytest.raises(EdgeAttpError), CompressedVideo(str(path)) as video:
            list(video)
        with pytest.raises(socket.timeout):
            server.accept()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_nothing_is_executed(path):
    """No text becomes code or a command line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            is_builtin = isinstance(node.func, ast.Name)
            where = f"{path.name}:{node.lineno}: {called}"
            assert not (is_builtin and called in ("eval", "exec", "compile")), where
            assert called not in ("system", "popen"), where
            assert "shell" not in [keyword.arg for keyword in node.keywords], where
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] + [getattr(node, "module", "")]
            unsafe = {"pickle", "marshal", "shelve"}.intersection(names)
            assert not unsafe, f"{path.name}:{node.lineno}"
