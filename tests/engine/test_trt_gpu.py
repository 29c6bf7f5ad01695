"""On a real device with TensorRT, pycuda and onnx: scores of built engines beside ONNX Runtime's."""

import numpy as np
import pytest

from edge_attp.engine import default_pack, load_pack, open_backend
from edge_attp.engine.builder import EngineBuilder
from edge_attp.engine.engine_cache import EngineCache
from edge_attp.engine.tensorrt_backend import TensorRtBackend
from edge_attp.engine.tensorrt_platform import open_platform

pytestmark = pytest.mark.gpu

# Of the l2 norm of the scores. FP32 sums in another order; 16 bits have 11 significant ones, and the
# networks have some 50 layers.
TOLERANCES = {"fp32": 1e-3, "fp16": 5e-2}


def scores(backend, pack, seed):
    """Scores of one picture with random inputs, through both graphs."""
    random = np.random.RandomState(seed)
    graphs = {name: backend.load(path) for name, path in pack.graphs.items()}
    appearance, motion = (graphs[name].allocate() for name in ("appearance", "motion"))
    appearance.inputs["rgb"][...] = random.normal(size=appearance.inputs["rgb"].shape)
    graphs["appearance"].run(appearance)
    motion.inputs["appearance"][...] = 2 * appearance.outputs["appearance"]
    for name in ("flow", "residual"):
        motion.inputs[name][...] = random.normal(size=motion.inputs[name].shape)
    graphs["motion"].run(motion)
    return np.array(motion.outputs["scores"][0])


@pytest.mark.parametrize("policy", ["mapped", "managed", "pinned", "plain"])
@pytest.mark.parametrize("precision", sorted(TOLERANCES))
def test_scores_are_close_to_those_of_onnx_runtime(
    tmp_path_factory, monkeypatch, precision, policy
):
    pack = load_pack(default_pack())
    cache = str(tmp_path_factory.getbasetemp() / "engines")  # built once for all kinds of memory
    monkeypatch.setenv("EDGE_ATTP_BUFFERS", policy)
    builder = EngineBuilder(open_platform(), EngineCache(cache))
    for graph in pack.graphs.values():
        plan = builder.plan(graph, precision, 2)
        if plan.fault is not None:
            builder.build(plan)
    backend = TensorRtBackend(cache, (precision,))
    for seed in (1, 2):
        ours = scores(backend, pack, seed)
        theirs = scores(open_backend("onnxruntime"), pack, seed)
        assert np.linalg.norm(ours - theirs) <= TOLERANCES[precision] * np.linalg.norm(theirs)
