"""The default model pack, ONNX Runtime running it, TensorRT with the plugin, and the engines built for this device."""

import os
from typing import List, Optional

import numpy as np

from edge_attp.choices import PRECISIONS
from edge_attp.doctor.findings import Finding, Patient, failed, noted, passed, skipped, warned
from edge_attp.engine import Backend, default_pack, load_pack
from edge_attp.engine.engine_cache import EngineCache, EngineKey, stale_files
from edge_attp.engine.onnxruntime_backend import OnnxRuntimeBackend
from edge_attp.engine.tensorrt_platform import Platform, graph_name, open_platform
from edge_attp.errors import EngineError, MissingEngine, ModelError
from edge_attp.platforms import detect

__all__ = ["onnxruntime", "pack", "tensorrt"]

INSTALL_PACK = "install edge-attp again: the pack comes with it"
INSTALL_ONNX = "pip install 'edge-attp[onnx]'"
BUILD = "edge-attp build"
BUILD_PLUGIN = "build it again with `make plugin`"
SERVICE_CACHE = "/var/cache/edge-attp"  # CacheDirectory of the unit


def tensorrt(patient: Patient) -> List[Finding]:
    """TensorRT, the plugin and built engines; skipped on a machine without an NVIDIA GPU."""
    try:
        platform = open_platform()
    except MissingEngine as error:
        if detect(patient.root).gpu is None:
            return [skipped("tensorrt", "no NVIDIA GPU; the networks run on the processor")]
        fix = "install what is missing (JetPack has TensorRT); until then the processor is used"
        return [warned("tensorrt", str(error), fix)]
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


def _plugin(platform: Platform) -> Finding:
    if platform.plugin is None:
        value = "not built; the scoring runs on TensorRT's standard layers"
        fix = (
            "make plugin TENSORRT_INCLUDE_DIR=FOLDER, which holds NvInferRuntime.h (with JetPack: "
            "/usr/include/aarch64-linux-gnu)"
        )
        return warned("plugin", value, fix)
    try:
        platform.load_plugin()
    except EngineError as error:
        return failed("plugin", str(error), BUILD_PLUGIN)
    if not platform.api.has_plugin():
        value = f"{platform.plugin.path} loads, but TensorRT finds no plugin in it"
        return failed("plugin", value, BUILD_PLUGIN)
    return passed("plugin", platform.plugin.path)


def _engines(subject: str, platform: Platform, folder: Optional[str], build: str) -> List[Finding]:
    """Engines of the default pack, and unusable ones. folder: of the cache, None for the default one."""
    try:
        graphs = list(load_pack(default_pack()).graphs.values())
    except ModelError:
        return [noted(subject, "there is no default pack to look for engines of")]
    cache = EngineCache(folder)
    findings = [_built(subject, cache, platform, graphs, build)]
    return findings + _stale(subject + ".stale", cache, platform.key(graphs[0]), build)


def _stale(subject: str, cache: EngineCache, here: EngineKey, build: str) -> List[Finding]:
    files = stale_files(cache, here)
    if not files:
        return []
    count = "1 file" if len(files) == 1 else f"{len(files)} files"
    megabytes = sum(file.size_bytes for file in files) / 1e6
    example = f"{os.path.basename(files[0].path)}: {files[0].reason}"
    value = f"{count}, {megabytes:.1f} MB, of no use here any more ({example})"
    return [warned(subject, value, build + " --clean")]


def _built(
    subject: str, cache: EngineCache, platform: Platform, graphs: List[str], build: str
) -> Finding:
    try:
        found = [
            cache.find_engine(graph_name(path), platform.key(path), PRECISIONS) for path in graphs
        ]
    except EngineError as error:
        return warned(subject, str(error), build)
    kinds = sorted(f"{one.key.precision}, batch {one.key.batch}" for one in found)
    size = sum(os.path.getsize(path) for path in cache.list_files())
    value = f"of the default pack: {'; '.join(kinds)}; {size / 1e6:.1f} MB in {cache.folder}"
    return passed(subject, value)


def pack(patient: Patient) -> List[Finding]:
    """The default pack, read strictly, including the sha256 of each graph."""
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
    try:
        backend = OnnxRuntimeBackend(
            threads=1
        )  # any other number would be measured, which takes a while
    except MissingEngine as error:
        return [_without_onnxruntime(str(error))]
    try:
        found = load_pack(default_pack())
    except ModelError:
        return [noted("onnxruntime", backend.describe() + "; there is no pack to run")]
    try:
        is_finite = _gives_numbers(backend, found.graphs["motion"])
    except (EngineError, ModelError) as error:
        return [failed("onnxruntime", str(error), INSTALL_ONNX + ", or another version of it")]
    if not is_finite:
        value = f"{backend.describe()} yields scores that are not finite"
        return [failed("onnxruntime", value, INSTALL_ONNX + ", or another version of it")]
    return [passed("onnxruntime", backend.describe() + ": runs the default pack")]


def _without_onnxruntime(why: str) -> Finding:
    """Without it, the machine needs TensorRT."""
    try:
        open_platform()
    except EngineError:
        return failed("onnxruntime", why + "; TensorRT cannot run here either", INSTALL_ONNX)
    return noted("onnxruntime", "not installed; TensorRT is available")


def _gives_numbers(backend: Backend, path: str) -> bool:
    graph = backend.load_graph(path)
    buffers = graph.allocate_buffers()
    graph.run_batch([buffers])
    return all(np.isfinite(scores).all() for scores in buffers.outputs.values())
