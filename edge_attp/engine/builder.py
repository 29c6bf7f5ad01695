"""Builds TensorRT engines from the graphs of a pack, on the device that will run them.

Where an engine is stored, and whether it may be used again, is up to the cache; the names of calls in each
version of TensorRT are up to the adapter.
"""

import time
from typing import Dict, NamedTuple, Optional

from edge_attp.choices import WORKSPACE_MIB
from edge_attp.engine.backend import Shapes
from edge_attp.engine.cuda_device import CudaContext
from edge_attp.engine.engine_cache import EngineCache, EngineKey
from edge_attp.engine.foreign import (
    TrtBuilder,
    TrtConfig,
    TrtNetwork,
    TrtParser,
    TrtProfile,
    TrtTimingCache,
)
from edge_attp.engine.onnx_graph import SCORING, ParserInput, parser_input
from edge_attp.engine.tensorrt_platform import Platform, graph_name
from edge_attp.errors import EngineError, ModelError
from edge_attp.log import logger

__all__ = ["EngineBuilder", "Plan"]


class Plan(NamedTuple):
    """One wanted engine. fault: why the one in the cache cannot be used, None if it can."""

    graph: str
    path: str
    key: EngineKey
    fault: Optional[str]


class EngineBuilder:
    """Builds on one platform into one cache. workspace_mib: memory that kernels may use besides the tensors."""

    def __init__(
        self, platform: Platform, cache: EngineCache, workspace_mib: int = WORKSPACE_MIB
    ) -> None:
        self._platform = platform
        self._api = platform.api
        self._cache = cache
        self._workspace = workspace_mib << 20
        self._context: Optional[CudaContext] = None

    def plan_engine(self, graph: str, precision: str, batch: int) -> Plan:
        """Says which engine the ONNX file `graph` needs and whether it exists; builds nothing."""
        key = self._platform.key(graph, precision, batch)
        path = self._cache.engine_path(graph_name(graph), key)
        return Plan(graph, path, key, self._cache.fault(path, key))

    def build_engine(self, plan: Plan) -> float:
        """Builds an engine and stores it; returns the seconds that this took, which may be minutes.

        ModelError if the graph cannot be built, EngineError if TensorRT or the device fails.
        """
        started = time.monotonic()
        graph = parser_input(plan.graph, with_plugin=self._platform.plugin is not None)
        self._api.check_precision(plan.graph, plan.key.precision, graph.is_typed)
        self._context = self._context or CudaContext()
        with self._context.calls(f"building {plan.graph}"):
            self._platform.load_plugin()
            data = self._serialized(plan, graph)
        self._cache.store_entry(plan.path, dict(plan.key._asdict()), data)
        return time.monotonic() - started

    def _serialized(self, plan: Plan, graph: ParserInput) -> bytes:
        api = self._api
        builder = api.new_builder()
        network = builder.create_network(api.network_flags())
        parser = api.module.OnnxParser(network, api.log)  # it owns the weights until the end
        if not parser.parse(graph.data):
            raise ModelError(f"{plan.graph}: TensorRT cannot read it: {_first_error(parser)}")
        config = builder.create_builder_config()
        api.limit_workspace(config, self._workspace)
        config.add_optimization_profile(_profile(builder, graph.inputs, plan.key.batch))
        if plan.key.precision == "fp16":
            self._allow_half(config, network, plan, graph)
        timings = self._timings(config, plan.key)
        engine = builder.build_serialized_network(network, config)
        if engine is None:
            raise api.failure(f"cannot build {plan.graph}")
        path = self._cache.timing_path(plan.key)
        self._cache.store_entry(path, _timing_key(plan.key), bytes(timings.serialize()))
        return bytes(engine)

    def _allow_half(
        self, config: TrtConfig, network: TrtNetwork, plan: Plan, graph: ParserInput
    ) -> None:
        """Keeps the scoring in 32 bits: its products exceed the range of 16 bits."""
        is_wide = self._api.allow_half(config, network, SCORING)
        if graph.has_body and not is_wide:
            raise EngineError(f"{plan.graph}: TensorRT has lost the names of the scoring layers")

    def _timings(self, config: TrtConfig, key: EngineKey) -> TrtTimingCache:
        """Times of kernels, starting with those of earlier builds; must be kept alive during the build."""
        try:
            known = self._cache.load_entry(self._cache.timing_path(key), _timing_key(key))
        except EngineError as error:
            logger.debug("no timing cache: %s", error)
            known = b""
        timings = config.create_timing_cache(known)
        config.set_timing_cache(timings, ignore_mismatch=False)
        return timings


def _timing_key(key: EngineKey) -> Dict[str, object]:
    return {"timings": True, "tensorrt": key.tensorrt, "gpu": key.gpu}


def _profile(builder: TrtBuilder, inputs: Shapes, batch: int) -> TrtProfile:
    """Any batch up to `batch`, fastest at `batch`."""
    profile = builder.create_optimization_profile()
    for name, shape in inputs.items():
        profile.set_shape(name, (1,) + shape, (batch,) + shape, (batch,) + shape)
    return profile


def _first_error(parser: TrtParser) -> str:
    if not parser.num_errors:
        return "it gave no reason"
    return " ".join(parser.get_error(0).desc().split())
