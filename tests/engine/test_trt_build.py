"""Building engines with each TensorRT: only calls that the version has, and all that an engine needs."""

import ctypes
import json
import pickle
from pathlib import Path

import onnx
import pytest

from doubles import fake_tensorrt
from edge_attp.engine import load_pack
from edge_attp.engine.builder import EngineBuilder
from edge_attp.engine.engine_cache import EngineCache
from edge_attp.engine.onnx_graph import SCORING
from edge_attp.engine.tensorrt_platform import choose_adapter, open_platform
from edge_attp.engine.tensorrt_v8_2 import Api8_2
from edge_attp.engine.tensorrt_v8_5 import Api8_5
from edge_attp.engine.tensorrt_v10 import Api10
from edge_attp.engine.tensorrt_v11 import Api11
from edge_attp.errors import EngineError, ModelError

pytestmark = pytest.mark.needs_onnx

ROOT = Path(__file__).resolve().parents[2]
PACK = load_pack(str(ROOT / "tests" / "export" / "data" / "untrained"))
APPEARANCE, MOTION = PACK.graphs["appearance"], PACK.graphs["motion"]
COMPLETE = sorted((ROOT.parent / "shared" / "trt_api").glob("tensorrt_*.json"))


@pytest.fixture(params=fake_tensorrt.VERSIONS)
def machine(request, monkeypatch, tmp_path):
    with fake_tensorrt.installed(monkeypatch, tmp_path / "cache", request.param) as machine:
        yield machine


@pytest.fixture
def old(monkeypatch, tmp_path):
    with fake_tensorrt.installed(monkeypatch, tmp_path / "cache", "8.2") as machine:
        yield machine


def builder(**options):
    return EngineBuilder(open_platform(), EngineCache(), **options)


def build(graph=MOTION, precision="fp32", batch=1, **options):
    """Builds, and returns what the fake engine says of itself."""
    made = builder(**options)
    plan = made.plan_engine(graph, precision, batch)
    made.build_engine(plan)
    assert made.plan_engine(graph, precision, batch).fault is None
    return pickle.loads(EngineCache().load_entry(plan.path, dict(plan.key._asdict())))


def typed(path):
    """A copy of the graph that says that it computes in 16 bits: it has a 16-bit weight in use."""
    model = onnx.load(MOTION)
    half = onnx.helper.make_tensor("half", onnx.TensorProto.FLOAT16, [1], [0.0])
    model.graph.initializer.append(half)
    model.graph.node.insert(0, onnx.helper.make_node("Identity", ["half"], ["unused"]))
    onnx.save(model, str(path))
    return str(path)


@pytest.mark.parametrize("path", COMPLETE, ids=[path.stem for path in COMPLETE])
def test_the_fake_has_the_names_of_the_real_one(path):
    version = path.stem.split("_")[1]
    assert fake_tensorrt.read(version) == fake_tensorrt.reduced(json.loads(path.read_text()))


@pytest.mark.parametrize("version", fake_tensorrt.VERSIONS)
def test_the_adapter_is_chosen_by_what_the_module_has(monkeypatch, tmp_path, version):
    wanted = {"8.2": Api8_2, "10.16": Api10, "11.4": Api11}.get(version, Api8_5)
    with fake_tensorrt.installed(monkeypatch, tmp_path, version) as machine:
        assert type(choose_adapter(machine.tensorrt)) is wanted


def test_a_call_of_another_version_fails(monkeypatch, tmp_path):
    with fake_tensorrt.installed(monkeypatch, tmp_path, "11.4") as machine:
        config = machine.tensorrt.IBuilderConfig()
        with pytest.raises(AttributeError, match="max_workspace_size"):
            Api8_2(machine.tensorrt).limit_workspace(config, 1)
        with pytest.raises(AttributeError, match="EXPLICIT_BATCH"):
            Api10(machine.tensorrt).network_flags()
        with pytest.raises(AttributeError, match="FP16"):
            Api10(machine.tensorrt).allow_half(config, None, None)


def test_an_engine_has_profile_workspace_and_precision(machine):
    plan = build(precision="fp32", batch=4, workspace_mib=64)
    crop = (224, 224)
    assert plan["profile"]["flow"] == ((1, 2) + crop, (4, 2) + crop, (4, 2) + crop)
    assert set(plan["profile"]) == {"flow", "residual", "appearance"}
    assert plan["workspace"] == 64 << 20 and plan["flags"] == []


def test_fp16_leaves_the_scoring_in_32_bits(machine):
    if not hasattr(machine.tensorrt.BuilderFlag, "FP16"):
        return check_typed(machine)
    plan = build(precision="fp16")
    assert plan["flags"] == ["FP16", "OBEY_PRECISION_CONSTRAINTS"]
    named = [name for name in plan["wide"] if name.startswith(SCORING)]
    assert len(named) == 12 and len(plan["wide"]) == 13  # the square in the norm has no name
    assert build(APPEARANCE, precision="fp16")["wide"] == []


def test_a_scoring_that_cannot_be_kept_in_32_bits_is_not_built(old):
    old.keeps_names = False
    with pytest.raises(EngineError, match="lost the names of the scoring"):
        build(precision="fp16")
    assert old.builds == 0 and build(precision="fp32")["wide"] == []


def check_typed(machine):
    with pytest.raises(
        ModelError, match="--precision fp16-typed, or build it with --precision fp32"
    ):
        build(precision="fp16")
    assert machine.builds == 0


def test_a_typed_graph_is_built_in_fp16_only(machine, tmp_path):
    path = typed(tmp_path / "motion.onnx")
    assert build(path, precision="fp16")["tensorrt"] == machine.tensorrt.__version__
    with pytest.raises(ModelError, match="computes in 16 bits: build it with --precision fp16"):
        build(path, precision="fp32")


def test_what_is_there_is_known_and_damage_is_not_trusted(machine):
    made = builder()
    plan = made.plan_engine(MOTION, "fp32", 1)
    assert "No such file" in plan.fault
    assert made.build_engine(plan) >= 0
    assert made.plan_engine(MOTION, "fp32", 1).fault is None
    assert made.plan_engine(MOTION, "fp32", 2).fault is not None
    with open(plan.path, "ab") as file:
        file.write(b"x")
    assert "damaged" in made.plan_engine(MOTION, "fp32", 1).fault


def test_times_of_kernels_are_kept_between_builds(machine):
    assert build(MOTION)["timings"] == b""
    assert build(APPEARANCE)["timings"] == b"measured;"
    cache = EngineCache()
    timings = cache.timing_path(open_platform().key(MOTION))
    with open(timings, "ab") as file:
        file.write(b"damage")
    assert build(MOTION)["timings"] == b""


def test_a_plugin_is_loaded_and_gets_the_node(machine, monkeypatch, tmp_path):
    library = tmp_path / "libedge_attp_plugin.so"
    library.write_bytes(b"first")
    monkeypatch.setenv("EDGE_ATTP_PLUGIN", str(library))

    def opened(path, mode):
        assert mode == ctypes.RTLD_GLOBAL
        machine.plugins.append(("dlopen", path))

    before = open_platform().key(MOTION)
    with monkeypatch.context() as patch:
        patch.setattr(ctypes, "CDLL", opened)
        for graph in (APPEARANCE, MOTION):
            made = builder()
            made.build_engine(made.plan_engine(graph, "fp32", 1))
    by_registry = hasattr(machine.tensorrt.IPluginRegistry, "get_creator")
    assert machine.plugins == [("registry" if by_registry else "dlopen", str(library))]
    library.write_bytes(b"second")
    assert open_platform().key(MOTION).plugin != before.plugin


def test_a_plugin_that_cannot_be_loaded_is_an_error(machine, monkeypatch, tmp_path):
    library = tmp_path / "libedge_attp_plugin.so"
    library.write_bytes(b"no library")
    machine.broken.append(str(library))
    monkeypatch.setenv("EDGE_ATTP_PLUGIN", str(library))
    made = builder()
    with pytest.raises(EngineError, match="cannot be used .*EDGE_ATTP_PLUGIN=none"):
        made.build_engine(made.plan_engine(MOTION, "fp32", 1))
    with monkeypatch.context() as patch:
        # One for TensorRT 10 and newer: it loads, and registers nothing by itself.
        patch.setattr(ctypes, "CDLL", lambda path, mode: None)
        machine.broken.clear()
        machine.tensorrt.IPluginRegistry.load_library = lambda self, path: object()
        with pytest.raises(EngineError, match="has no plugin TrilinearScoring for this TensorRT"):
            made.build_engine(made.plan_engine(MOTION, "fp32", 1))
    monkeypatch.setenv("EDGE_ATTP_PLUGIN", str(tmp_path / "gone.so"))
    with pytest.raises(EngineError, match="EDGE_ATTP_PLUGIN: .*gone.so: cannot be read"):
        open_platform()


def test_a_graph_that_tensorrt_cannot_read_is_a_model_error(old, tmp_path):
    model = onnx.load(MOTION)
    model.graph.node[0].domain = "edge_attp"
    onnx.save(model, str(tmp_path / "motion.onnx"))
    with pytest.raises(ModelError, match="motion.onnx: TensorRT cannot read it: no plugin"):
        build(str(tmp_path / "motion.onnx"))


def test_a_build_that_fails_leaves_nothing(old):
    old.refuses_to_build = True
    with pytest.raises(EngineError, match="TensorRT 8.2.1 cannot build .* any implementation"):
        build()
    assert not Path(EngineCache().folder).exists()


def test_no_builder_without_a_working_device(old):
    old.has_device = False
    with pytest.raises(EngineError, match="cannot make a Builder: CUDA initialization failure"):
        build()


def test_out_of_memory_says_so(old):
    made = builder()
    plan = made.plan_engine(MOTION, "fp32", 1)
    old.driver.fail = old.driver.MemoryError("cuMemAlloc failed: out of memory")
    with pytest.raises(EngineError, match="out of device memory while starting .*--workspace"):
        made.build_engine(plan)
