"""Python, PyAV, packs, ONNX Runtime, TensorRT: there, missing, broken."""

import os
import shutil
import sys
from types import SimpleNamespace

import pytest
from platforms import machine_trees as trees

import edge_attp.engine
from doubles import fake_tensorrt
from edge_attp import lazy
from edge_attp.doctor import FAIL, Patient, core, engines, software
from edge_attp.engine import load_pack
from edge_attp.engine.engine_cache import EngineCache
from edge_attp.engine.onnxruntime_backend import OnnxRuntimeBackend
from edge_attp.engine.tensorrt_platform import open_platform
from edge_attp.errors import ModelError
from rigs.paths import ROOT

PATIENT = Patient()


def only(findings):
    (found,) = findings
    return found


def test_python_and_numpy_of_this_machine():
    assert only(software.interpreter(PATIENT)).status == "PASS"
    assert only(software.numpy(PATIENT)).status == "PASS"


def test_old_python(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 5, 2))
    assert only(software.interpreter(PATIENT)).status == FAIL


def test_without_numpy(monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy", None)
    found = only(software.numpy(PATIENT))
    assert found.status == FAIL and found.fix == "pip install numpy"


def test_old_numpy(monkeypatch):
    monkeypatch.setattr("numpy.__version__", "1.13.3")
    assert only(software.numpy(PATIENT)).status == FAIL


# The core


def test_the_core_of_this_machine(monkeypatch):
    monkeypatch.delenv("EDGE_ATTP_CPU", raising=False)
    found = only(core.core(PATIENT))
    assert found.status == "PASS" and "kernels" in found.value and "libedge_attp" in found.value


def test_forced_kernels_are_remarked_on(monkeypatch):
    monkeypatch.setenv("EDGE_ATTP_CPU", "scalar")
    found = only(core.core(PATIENT))
    assert found.status == "WARN" and found.fix == "unset EDGE_ATTP_CPU"


def test_a_core_that_is_not_built(monkeypatch):
    from edge_attp.bitstream import binding

    monkeypatch.setattr(binding, "_library", None)
    monkeypatch.setenv("EDGE_ATTP_LIBRARY", "/nonexistent/core.so")
    found = only(core.core(PATIENT))
    assert found.status == FAIL and "/nonexistent/core.so" in found.value and found.fix
    monkeypatch.setenv("EDGE_ATTP_CPU", "scalar")
    assert only(core.kernels(PATIENT, "scalar")).status == "SKIP"


# PyAV


class FakeAv:
    """A PyAV whose FFmpeg lacks things."""

    __version__ = "10.0.0"
    library_versions = {"libavcodec": (58, 134, 100)}
    formats_available = set(software.DEMUXERS)
    error = SimpleNamespace(ProtocolNotFoundError=KeyError, FFmpegError=EOFError)

    def __init__(self, lacks=()):
        self.lacks = lacks
        self.formats_available = set(software.DEMUXERS) - set(lacks)
        self.codec = SimpleNamespace(Codec=self.find)

    def find(self, name, mode):
        if name in self.lacks:
            raise ValueError(name)

    def open(self, url, options):
        raise KeyError(url) if url.split(":")[0] in self.lacks else ConnectionRefusedError()


@pytest.mark.parametrize(
    "lacks, status, what",
    [
        ((), "PASS", "PyAV 10.0.0, libavcodec 58.134.100, with RTSP"),
        (("hevc",), FAIL, "lacks the decoder hevc"),
        (("https",), "WARN", "lacks the protocol https"),
        (("rtsp", "tcp"), "WARN", "lacks the format rtsp, protocol tcp"),
    ],
)
def test_what_ffmpeg_has(monkeypatch, lacks, status, what):
    monkeypatch.setattr(lazy, "load", lambda purpose, *modules: FakeAv(lacks))
    found = only(software.ffmpeg(PATIENT))
    assert found.status == status and what in found.value


def test_without_pyav(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    found = only(software.ffmpeg(PATIENT))
    assert found.status == FAIL and "pip install av" in found.fix


# The pack and ONNX Runtime


def test_the_default_pack():
    found = only(engines.pack(PATIENT))
    assert found.status == "PASS" and "2 labels" in found.value


def test_an_untrained_pack(monkeypatch):
    folder = str(ROOT / "tests" / "export" / "data" / "untrained")
    monkeypatch.setattr(engines, "default_pack", lambda: folder)
    assert only(engines.pack(PATIENT)).status == "WARN"


def test_a_pack_with_other_bytes(monkeypatch, tmp_path):
    folder = str(tmp_path / "pack")
    shutil.copytree(edge_attp.engine.default_pack(), folder)
    with open(os.path.join(folder, "motion.onnx"), "ab") as file:
        file.write(b"x")
    monkeypatch.setattr(engines, "default_pack", lambda: folder)
    found = only(engines.pack(PATIENT))
    assert found.status == FAIL and "motion.onnx" in found.value and found.fix
    assert only(engines.onnxruntime(PATIENT)).status == "INFO"


def test_onnxruntime_runs():
    found = only(engines.onnxruntime(PATIENT))
    assert found.status == "PASS" and "runs the default pack" in found.value


def raiser(error):
    def fail(*arguments):
        raise error

    return fail


def test_an_onnxruntime_that_fails(monkeypatch):
    monkeypatch.setattr(OnnxRuntimeBackend, "load_graph", raiser(ModelError("cannot load it")))
    found = only(engines.onnxruntime(PATIENT))
    assert found.status == FAIL and found.value == "cannot load it"


def test_scores_that_are_no_numbers(monkeypatch):
    monkeypatch.setattr(engines, "_gives_numbers", lambda backend, path: False)
    found = only(engines.onnxruntime(PATIENT))
    assert found.status == FAIL and "not finite" in found.value


def test_without_any_engine(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    found = only(engines.onnxruntime(PATIENT))
    assert found.status == FAIL and "edge-attp[onnx]" in found.fix


# TensorRT


@pytest.fixture
def machine(monkeypatch, tmp_path):
    with fake_tensorrt.installed(monkeypatch, tmp_path / "cache", "8.2") as machine:
        yield machine


def test_without_tensorrt(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    monkeypatch.setitem(sys.modules, "pycuda", None)
    assert only(engines.tensorrt(Patient(str(tmp_path)))).status == "SKIP"
    found = only(engines.tensorrt(Patient(trees.write(tmp_path, trees.TX2))))
    assert found.status == "WARN" and "tensorrt" in found.value and "JetPack" in found.fix


def test_tensorrt_alone_will_do(monkeypatch, machine):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert only(engines.onnxruntime(PATIENT)).status == "INFO"


def test_tensorrt_without_engines(machine):
    device, plugin, built = engines.tensorrt(PATIENT)
    assert device.status == "PASS" and device.value.startswith("TensorRT 8.2.")
    assert plugin.status == "WARN" and "make plugin" in plugin.fix
    assert built.status == "WARN" and built.fix == "edge-attp build"


def test_engines_that_are_built(machine):
    cache = EngineCache()
    for name, path in load_pack(edge_attp.engine.default_pack()).graphs.items():
        key = open_platform().key(path, "fp16", 4)
        cache.store_entry(cache.engine_path(name, key), dict(key._asdict()), b"engine")
    key = key._replace(gpu="sm_87x8")
    cache.store_entry(cache.engine_path(name, key), dict(key._asdict()), b"engine")
    built, stale = engines.tensorrt(PATIENT)[2:]
    assert built.status == "PASS" and "fp16, batch 4" in built.value and cache.folder in built.value
    assert stale.value.startswith("1 file, 0.0 MB, ") and "built for gpu sm_87x8" in stale.value
    assert (stale.status, stale.fix) == ("WARN", "edge-attp build --clean")


def test_engines_of_the_service(machine, monkeypatch, tmp_path):
    monkeypatch.setattr(engines, "SERVICE_CACHE", str(tmp_path))
    found = engines.tensorrt(PATIENT)[3]
    assert (found.id, found.status) == ("engines.service", "WARN")
    assert found.fix == f"sudo edge-attp build --cache {tmp_path}"


def test_a_plugin_that_is_named_but_missing(monkeypatch, machine):
    monkeypatch.setenv("EDGE_ATTP_PLUGIN", "/nonexistent/plugin.so")
    found = only(engines.tensorrt(PATIENT))
    assert found.status == FAIL and "/nonexistent/plugin.so" in found.value


def test_a_plugin_that_is_no_library(monkeypatch, machine, tmp_path):
    path = tmp_path / "plugin.so"
    path.write_bytes(b"no library")
    monkeypatch.setenv("EDGE_ATTP_PLUGIN", str(path))
    plugin = engines.tensorrt(PATIENT)[1]
    assert plugin.status == FAIL and "make plugin" in plugin.fix
