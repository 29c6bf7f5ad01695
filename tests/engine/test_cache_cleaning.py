"""What is stale in the engine cache is found and removed, and nothing else."""

import os

import pytest

from edge_attp.engine.engine_cache import EngineCache, EngineKey, remove_files, stale_files
from edge_attp.errors import EngineError

HERE = EngineKey("ab" * 32, "8.2.1.8", "sm_62x2", "fp16", "none", 1)
OF_THIS_MACHINE = [
    HERE,
    HERE._replace(graph="cd" * 32),
    HERE._replace(precision="fp32"),
    HERE._replace(batch=4),
]


@pytest.fixture
def cache(tmp_path):
    return EngineCache(str(tmp_path / "cache"))


def store(cache, key):
    path = cache.engine_path("motion", key)
    cache.store_entry(path, dict(key._asdict()), b"engine")
    return path


def test_an_empty_cache(cache):
    assert stale_files(cache, HERE) == []


def test_engines_of_this_machine_stay(cache):
    paths = [store(cache, key) for key in OF_THIS_MACHINE]
    cache.store_entry(cache.timing_path(HERE), {"timings": True}, b"times")
    assert stale_files(cache, HERE) == []
    assert all(os.path.exists(path) for path in paths)


@pytest.mark.parametrize(
    "field, other", [("tensorrt", "8.5.3.1"), ("gpu", "sm_87x8"), ("plugin", "ef" * 32)]
)
def test_engines_of_other_machines_go(cache, field, other):
    kept, gone = store(cache, HERE), store(cache, HERE._replace(**{field: other}))
    (found,) = stale_files(cache, HERE)
    assert found.path == gone and f"built for {field} {other}" in found.reason
    assert found.size_bytes == os.path.getsize(gone)
    remove_files([found])
    assert os.path.exists(kept) and not os.path.exists(gone) and stale_files(cache, HERE) == []


def test_kernel_times_of_other_machines_go(cache):
    path = cache.timing_path(HERE._replace(tensorrt="8.5.3.1"))
    cache.store_entry(path, {"timings": True}, b"times")
    assert [file.path for file in stale_files(cache, HERE)] == [path]


@pytest.mark.parametrize("data", [b"", b"no engine", b'{"format": "edge-attp-engine"}\nx'])
def test_what_is_no_engine_goes(cache, data):
    path = store(cache, HERE)
    with open(path, "wb") as file:
        file.write(data)
    assert [file.path for file in stale_files(cache, HERE)] == [path]


def test_what_a_build_left_behind_goes_after_an_hour(cache):
    path = store(cache, HERE) + ".123.writing"
    with open(path, "wb") as file:
        file.write(b"half")
    assert stale_files(cache, HERE) == []  # it may be at work
    os.utime(path, (0, 0))
    assert [file.path for file in stale_files(cache, HERE)] == [path]


def test_files_of_others_stay(cache):
    store(cache, HERE)
    for name in ("notes.txt", "engine"):
        with open(os.path.join(cache.folder, name), "w") as file:
            file.write("mine")
    os.mkdir(os.path.join(cache.folder, "folder.engine"))
    assert stale_files(cache, HERE) == []


def test_a_file_that_cannot_be_removed_is_named(cache):
    path = store(cache, HERE._replace(gpu="sm_87x8"))
    found = stale_files(cache, HERE)
    os.unlink(path)
    with pytest.raises(EngineError, match="cannot be removed"):
        remove_files(found)
