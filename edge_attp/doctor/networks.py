"""The default model pack, and ONNX Runtime running it."""

from typing import Any, List

from edge_attp.doctor.findings import Finding, Patient, failed, known, passed, warned
from edge_attp.errors import EngineError, ModelError

__all__ = ["onnxruntime", "pack"]

INSTALL_PACK = "install edge-attp again: the pack comes with it"
INSTALL = "pip install 'edge-attp[onnx]'"


def pack(patient: Patient) -> List[Finding]:
    """Read strictly, the sha256 of each graph included."""
    from edge_attp.engine import default_pack, load_pack

    try:
        found = load_pack(default_pack())
    except ModelError as error:
        return [failed("pack", str(error), INSTALL_PACK)]
    value = "%s, %s, %d labels, %s" % (found.name, found.backbone, len(found.labels), found.folder)
    if not found.trained:
        return [warned("pack", value + ": NOT TRAINED", "name a trained pack with --model")]
    return [passed("pack", value)]


def onnxruntime(patient: Patient) -> List[Finding]:
    """Runs the motion graph of the default pack on zeros."""
    from edge_attp.engine import default_pack, load_pack
    from edge_attp.engine.onnxruntime_backend import OnnxRuntimeBackend

    try:
        backend = OnnxRuntimeBackend(threads=1)  # more would be measured, which takes a while
    except EngineError as error:
        return [_missing(str(error))]
    try:
        found = load_pack(default_pack())
    except ModelError:
        return [known("onnxruntime", backend.describe() + "; there is no pack to run")]
    try:
        is_finite = _runs(backend, found.graphs["motion"])
    except (EngineError, ModelError) as error:
        return [failed("onnxruntime", str(error), INSTALL + ", or another version of it")]
    if not is_finite:
        value = "%s gives scores that are no numbers" % backend.describe()
        return [failed("onnxruntime", value, INSTALL + ", or another version of it")]
    return [passed("onnxruntime", backend.describe() + ": runs the default pack")]


def _missing(why: str) -> Finding:
    """Without it, TensorRT must do."""
    from edge_attp.engine.tensorrt_platform import missing

    if missing():
        return failed("onnxruntime", why + ", and there is no TensorRT either", INSTALL)
    return known("onnxruntime", "not installed; TensorRT is there")


def _runs(backend: Any, path: str) -> bool:
    import numpy

    graph = backend.load(path)
    buffers = graph.allocate()
    graph.run([buffers])
    return all(numpy.isfinite(scores).all() for scores in buffers.outputs.values())
