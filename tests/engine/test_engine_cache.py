"""The engine cache: what is whole and of the right key comes back, nothing else does."""

import json
import os

import pytest

from edge_attp.engine.engine_cache import EngineCache, EngineKey, default_folder, file_sha256
from edge_attp.errors import EngineError

KEY = EngineKey("ab" * 32, "8.2.1.8", "sm_62x2", "fp16", "none", 1)
ENGINE = bytes(range(256)) * 40
OTHERS = {
    "graph": "cd" * 32,
    "tensorrt": "8.5.3.1",
    "gpu": "sm_87x8",
    "precision": "fp32",
    "plugin": "ef" * 32,
    "batch": 4,
}


@pytest.fixture
def cache(tmp_path):
    return EngineCache(str(tmp_path / "cache"))


def store(cache, key=KEY, data=ENGINE, name="motion"):
    path = cache.engine_path(name, key)
    cache.store_entry(path, dict(key._asdict()), data)
    return path


def test_what_is_stored_comes_back(cache):
    path = store(cache)
    assert cache.fault(path, KEY) is None
    assert cache.load_entry(path, dict(KEY._asdict())) == ENGINE
    assert os.listdir(cache.folder) == [os.path.basename(path)]  # no temporary file is left


def test_the_file_name_is_for_people(cache):
    name = "motion-abababababab-trt8.2.1.8-sm_62x2-fp16-pluginnone-b1.engine"
    assert os.path.basename(cache.engine_path("motion", KEY)) == name


@pytest.mark.parametrize("field", EngineKey._fields)
def test_every_field_of_the_key_has_a_file_of_its_own(cache, field):
    other = KEY._replace(**{field: OTHERS[field]})
    assert cache.engine_path("motion", other) != cache.engine_path("motion", KEY)


@pytest.mark.parametrize("field", EngineKey._fields)
def test_a_foreign_engine_under_our_name_is_not_trusted(cache, field):
    path = store(cache)
    other = KEY._replace(**{field: OTHERS[field]})
    assert f"built for {field}" in cache.fault(path, other)


@pytest.mark.parametrize("kept", [0, 10, 200, len(ENGINE)])
def test_a_truncated_engine_is_not_trusted(cache, kept):
    path = store(cache)
    with open(path, "r+b") as file:
        file.truncate(kept)
    assert cache.fault(path, KEY) is not None


@pytest.mark.parametrize("place", [3, 40, -1])
def test_a_changed_byte_is_found(cache, place):
    path = store(cache)
    with open(path, "rb") as file:
        data = bytearray(file.read())
    data[place] ^= 1
    with open(path, "wb") as file:
        file.write(bytes(data))
    assert cache.fault(path, KEY) is not None


@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b"7",
        b"{}",
        b"\xff\xfe",
        json.dumps({"format": "edge-attp-engine", "version": 2, "key": {}, "sha256": ""}).encode(),
        json.dumps({"format": "edge-attp-engine", "version": 1, "key": 3, "sha256": ""}).encode(),
    ],
)
def test_a_file_with_another_header_is_not_ours(cache, line):
    path = store(cache)
    with open(path, "wb") as file:
        file.write(line + b"\n" + ENGINE)
    assert "not an engine that this version of edge-attp wrote" in cache.fault(path, KEY)
    with pytest.raises(EngineError, match="no engine"):
        cache.find_engine("motion", KEY, ("fp16",))


def test_a_missing_engine_is_a_fault(cache):
    assert "No such file" in cache.fault(cache.engine_path("motion", KEY), KEY)


def test_a_write_that_fails_leaves_the_old_entry(cache, monkeypatch):
    path = store(cache)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EngineError, match="cannot be written: No space left"):
        store(cache, data=b"newer")
    assert cache.load_entry(path, dict(KEY._asdict())) == ENGINE
    assert os.listdir(cache.folder) == [os.path.basename(path)]


@pytest.mark.parametrize("wanted, got", [(1, 1), (2, 2), (3, 8), (8, 8), (9, 8)])
def test_find_prefers_the_first_precision_then_the_batch_that_fits(cache, wanted, got):
    for precision in ("fp32", "fp16"):
        for batch in (8, 1, 2):
            store(cache, KEY._replace(precision=precision, batch=batch))
    key = KEY._replace(batch=wanted)
    found = cache.find_engine("motion", key, ("fp16", "fp32"))
    assert (found.key.precision, found.key.batch, found.data) == ("fp16", got, ENGINE)
    assert cache.find_engine("motion", key, ("fp32",)).key.precision == "fp32"


def test_find_passes_by_what_is_damaged(cache):
    with open(store(cache), "ab") as file:
        file.write(b"more")
    store(cache, KEY._replace(precision="fp32"))
    assert cache.find_engine("motion", KEY, ("fp16", "fp32")).key.precision == "fp32"


@pytest.mark.parametrize("key", [{"batch": "many"}, {"batch": None}, {"more": 1}])
def test_find_passes_by_a_key_that_makes_no_sense(cache, key):
    path = cache.engine_path("motion", KEY)
    cache.store_entry(path, dict(KEY._asdict(), **key), ENGINE)
    with pytest.raises(EngineError, match="no engine"):
        cache.find_engine("motion", KEY, ("fp16",))


def test_find_says_what_is_there_instead(cache):
    store(cache)
    with pytest.raises(EngineError, match=r"built for tensorrt 8.2.1.8, but here it is 8.5.3.1"):
        cache.find_engine("motion", KEY._replace(tensorrt="8.5.3.1"), ("fp16",))
    with pytest.raises(EngineError, match="no engine for this graph"):
        cache.find_engine("appearance", KEY, ("fp16",))


def test_the_folder_is_where_people_want_it(monkeypatch):
    monkeypatch.setenv("EDGE_ATTP_CACHE", "/a")
    monkeypatch.setenv("XDG_CACHE_HOME", "/b")
    monkeypatch.setenv("HOME", "/c")
    assert default_folder() == "/a"
    monkeypatch.delenv("EDGE_ATTP_CACHE")
    assert default_folder() == "/b/edge-attp"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_folder() == "/c/.cache/edge-attp"


def test_a_graph_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(EngineError, match="missing.onnx: cannot be read"):
        file_sha256(str(tmp_path / "missing.onnx"))
