"""One interface to the calls of TensorRT whose names differ between its versions.

Each generation has an adapter file of its own, tensorrt_v*.py, which says what differs there;
tensorrt_platform chooses one. Nothing here knows of packs, caches or device memory.
"""

import ctypes
from typing import Any, Dict, List, NamedTuple, Sequence, Set, Tuple, cast

from edge_attp.engine.foreign import (
    TensorRt,
    TrtBuilder,
    TrtConfig,
    TrtContext,
    TrtEngine,
    TrtLog,
    TrtNetwork,
    TrtRuntime,
)
from edge_attp.errors import EngineError, ModelError
from edge_attp.log import logger

__all__ = ["PLUGIN", "Tensor", "TensorRtApi"]

PLUGIN = ("TrilinearScoring", "1", "edge_attp")  # type, version and namespace


class Tensor(NamedTuple):
    """One input or output of an engine. `shape` is without the batch dimension."""

    name: str
    is_input: bool
    shape: Tuple[int, ...]


class TensorRtApi:
    """What all versions share; the adapters add the rest."""

    def __init__(self, module: TensorRt) -> None:
        self.module = module
        self.version = str(module.__version__)
        self.log = _message_log(module)

    def failure(self, what: str) -> EngineError:
        """An error that ends with TensorRT's reason."""
        return EngineError(f"TensorRT {self.version} {what}: {self.log.reason()}")

    def new_builder(self) -> TrtBuilder:
        """EngineError if TensorRT cannot make one."""
        try:
            return self.module.Builder(self.log)
        except TypeError:  # what the bindings make of a null pointer
            raise self.failure("cannot make a Builder") from None

    def new_runtime(self) -> TrtRuntime:
        """EngineError if TensorRT cannot make one."""
        try:
            return self.module.Runtime(self.log)
        except TypeError:
            raise self.failure("cannot make a Runtime") from None

    # Building

    def network_flags(self) -> int:
        """For Builder.create_network: makes the batch a dimension like the others."""
        return 1 << int(self.module.NetworkDefinitionCreationFlag.EXPLICIT_BATCH)

    def limit_workspace(self, config: TrtConfig, size: int) -> None:
        """size: bytes of device memory that kernels may use besides the tensors."""
        config.set_memory_pool_limit(self.module.MemoryPoolType.WORKSPACE, size)

    def check_precision(self, file: str, precision: str, is_typed: bool) -> None:
        """ModelError if a graph cannot be built in a precision. is_typed: the graph itself computes in 16 bits."""
        if is_typed and precision != "fp16":
            raise ModelError(
                f"{file}: the graph itself computes in 16 bits: build it with --precision fp16"
            )

    def allow_half(self, config: TrtConfig, network: TrtNetwork, wide: str) -> bool:
        """Lets TensorRT compute in 16 bits, except in layers whose names begin with `wide` and in all that follow
        them; False if there are none. Parsers add layers without a name of their own."""
        flags, float32 = self.module.BuilderFlag, self.module.float32
        config.set_flag(flags.FP16)
        config.set_flag(flags.OBEY_PRECISION_CONSTRAINTS)
        found: Set[str] = set()
        for index in range(network.num_layers):
            layer = network.get_layer(index)
            output = layer.get_output(0)
            inputs = (layer.get_input(place) for place in range(layer.num_inputs))
            follows = any(tensor is not None and tensor.name in found for tensor in inputs)
            if follows or layer.name.startswith(wide) or output.name.startswith(wide):
                found.add(output.name)
                if output.dtype == float32:
                    layer.precision = float32
                    layer.set_output_type(0, float32)
        return bool(found)

    # Plugins

    def load_plugin(self, path: str) -> None:
        """Loads the plugin of the scoring from this library unless it is known already. OSError if that fails."""
        if not self.has_plugin():
            self.open_library(path)
        if not self.has_plugin():
            raise OSError(f"it has no plugin {PLUGIN[0]} for this TensorRT")

    def open_library(self, path: str) -> None:
        """Loads a plugin library. OSError if that fails."""
        ctypes.CDLL(path, ctypes.RTLD_GLOBAL)

    def has_plugin(self) -> bool:
        """True if the registry has the plugin of the scoring."""
        return self.module.get_plugin_registry().get_plugin_creator(*PLUGIN) is not None

    # Running

    def tensors(self, engine: TrtEngine) -> List[Tensor]:
        """Inputs and outputs. EngineError if one is not float32."""
        raise NotImplementedError

    def largest_shape(self, engine: TrtEngine, name: str) -> Sequence[int]:
        """The largest shape of an input, including the batch."""
        raise NotImplementedError

    def max_batch(self, engine: TrtEngine) -> int:
        """The largest batch that the engine was built for."""
        inputs = [tensor.name for tensor in self.tensors(engine) if tensor.is_input]
        return min(self.largest_shape(engine, name)[0] for name in inputs)

    def set_batch(self, engine: TrtEngine, context: TrtContext, batch: int) -> bool:
        """Fixes the batch of all inputs; False if the engine does not take this batch."""
        raise NotImplementedError

    def enqueue(self, context: TrtContext, addresses: Dict[str, int], stream: int) -> bool:
        """Queues a run on device addresses, in the order of tensors(); False if TensorRT refuses."""
        raise NotImplementedError

    def float_tensor(
        self, name: str, is_input: bool, shape: Sequence[int], element: object
    ) -> Tensor:
        """EngineError if the element type is not float32. shape: including the batch."""
        if element != self.module.float32:
            raise EngineError(f"the engine's {name} is {element}: expected float32")
        return Tensor(name, is_input, tuple(shape)[1:])


def _message_log(module: TensorRt) -> TrtLog:
    """Passes TensorRT's messages to our log at debug level, and keeps the last ones for our own errors."""
    levels = module.ILogger
    base: Any = levels  # TensorRT refuses a log that is not derived from its own class

    class MessageLog(base):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            base.__init__(self)
            self._last = {"error": "", "warning": ""}

        def log(self, severity: object, message: str) -> None:
            if severity in (levels.ERROR, levels.INTERNAL_ERROR):
                self._last["error"] = message
            elif severity == levels.WARNING:  # "CUDA initialization failure" is one
                self._last["warning"] = message
            if severity != levels.VERBOSE:
                logger.debug("TensorRT: %s", message)

        def reason(self) -> str:
            """The last error, else the last warning; both are then cleared."""
            said = self._last["error"] or self._last["warning"] or "it gave no reason"
            self._last = {"error": "", "warning": ""}
            return " ".join(said.split())

    return cast(TrtLog, MessageLog())
