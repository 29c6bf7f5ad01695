"""The default model pack, ONNX Runtime running it, TensorRT with the plugin, and engines built for this device."""

import os
from typing import Any, List, Optional

from edge_attp.doctor.findings import Finding, Patient, failed, known, passed, skipped, warned
from edge_attp.errors import EngineError, ModelError
from edge_attp.platforms import detect

__all__ = ["onnxruntime", "pack", "tensorrt"]

INSTALL_PACK = "install edge-attp again: the pack comes with it"
INSTALL_ONNX = "pip install 'edge-attp[onnx]'"
BUILD = "edge-attp build"
SERVICE_CACHE = "/var/cache/edge-attp"  # CacheDirectory of the unit


def tensorrt(patient: Patient) -> List[Finding]:
    """On a machine without an NVIDIA GPU all of it is left out."""
    from edge_attp.engine.tensorrt_platform import missing, open_platform

    board = detect(patient.root)
    lacks = missing()
    if lacks and board.gpu is None:
        return [skipped("tensorrt", "no NVIDIA GPU here: the networks run on the processor")]
    if lacks:
        fix = "install what is named (JetPack has TensorRT); until then the processor is used"
        return [warned("tensorrt", "; ".join(lacks), fix)]
    try:
        platform = open_platform()
    except EngineError as error:  # the plugin that EDGE_ATTP_PLUGIN names
        return [failed("tensorrt", str(error), "unset EDGE_ATTP_PLUGIN, or name the built library")]
    device = platform.device
    value = f"TensorRT {platform.api.version} on {device.name} ({device.architecture})"
    findings = [passed("tensorrt", value), _plugin(platform)]
    findings += _engines("engines", platform, None, BUILD)
    if os.path.isdir(SERVICE_CACHE):
        build = f"sudo {BUILD} --cache {SERVICE_CACHE}"
        findings += _engines("engines.service", platform, SERVICE_CACHE, build)
    return findings


def _plugin(platform: Any) -> Finding:
    if platform.plugin is None:
        value = "not built: the scoring runs on TensorRT's standard layers"
        fix = (
            "make plugin TENSORRT_INCLUDE_DIR=folder of NvInferRuntime.h (with JetPack: "
            "/usr/include/aarch64-linux-gnu)"
        )
        return warned("plugin", value, fix)
    try:
        platform.load_plugin()
    except EngineError as error:
        return failed("plugin", str(error), "build it again with `make plugin`")
    if not platform.api.has_plugin():
        value = f"{platform.plugin.path} loads, but TensorRT does not know what is in it"
        return failed("plugin", value, "build it again with `make plugin`")
    return passed("plugin", platform.plugin.path)


def _engines(subject: str, platform: Any, folder: Optional[str], build: str) -> List[Finding]:
    """Those of the default pack, and those of nobody. folder: of the cache, None for the usual one."""
    from edge_attp.engine import default_pack, load_pack
    from edge_attp.engine.engine_cache import EngineCache

    try:
        graphs = list(load_pack(default_pack()).graphs.values())
    except ModelError:
        return [known(subject, "there is no default pack to have engines of")]
    cache = EngineCache(folder)
    findings = [_built(subject, cache, platform, graphs, build)]
    return findings + _stale(subject + ".stale", cache, platform.key(graphs[0]), build)


def _stale(subject: str, cache: Any, here: Any, build: str) -> List[Finding]:
    from edge_attp.engine.engine_cache import stale_files

    files = stale_files(cache, here)
    if not files:
        return []
    value = "{}, {:.1f} MB, fit nothing here any more ({}: {})".format(
        "1 file" if len(files) == 1 else f"{len(files)} files",
        sum(file.size_bytes for file in files) / 1e6,
        os.path.basename(files[0].path),
        files[0].reason,
    )
    return [warned(subject, value, build + " --clean")]


def _built(subject: str, cache: Any, platform: Any, graphs: List[str], build: str) -> Finding:
    from edge_attp.engine.tensorrt_platform import PRECISIONS, graph_name

    try:
        found = [cache.find(graph_name(path), platform.key(path), PRECISIONS) for path in graphs]
    except EngineError as error:
        return warned(subject, str(error), build)
    kinds = sorted(f"{one.key.precision}, batch {one.key.batch}" for one in found)
    size = sum(os.path.getsize(path) for path in cache.files())
    where = f"; {size / 1e6:.1f} MB in {cache.folder}"
    return passed(subject, "of the default pack: {}{}".format("; ".join(kinds), where))


def pack(patient: Patient) -> List[Finding]:
    """Read strictly, the sha256 of each graph included."""
    from edge_attp.engine import default_pack, load_pack

    try:
        found = load_pack(default_pack())
    except ModelError as error:
        return [failed("pack", str(error), INSTALL_PACK)]
    value = f"{found.name}, {found.backbone}, {len(found.labels)} labels, {found.folder}"
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
        return [_without_onnxruntime(str(error))]
    try:
        found = load_pack(default_pack())
    except ModelError:
        return [known("onnxruntime", backend.describe() + "; there is no pack to run")]
    try:
        is_finite = _runs(backend, found.graphs["motion"])
    except (EngineError, ModelError) as error:
        return [failed("onnxruntime", str(error), INSTALL_ONNX + ", or another version of it")]
    if not is_finite:
        value = f"{backend.describe()} gives scores that are no numbers"
        return [failed("onnxruntime", value, INSTALL_ONNX + ", or another version of it")]
    return [passed("onnxruntime", backend.describe() + ": runs the default pack")]


def _without_onnxruntime(why: str) -> Finding:
    """Without it, TensorRT must do."""
    from edge_attp.engine.tensorrt_platform import missing

    if missing():
        return failed("onnxruntime", why + ", and there is no TensorRT either", INSTALL_ONNX)
    return known("onnxruntime", "not installed; TensorRT is there")


def _runs(backend: Any, path: str) -> bool:
    import numpy

    graph = backend.load(path)
    buffers = graph.allocate()
    graph.run([buffers])
    return all(numpy.isfinite(scores).all() for scores in buffers.outputs.values())
