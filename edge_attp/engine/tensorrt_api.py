"""The calls of the TensorRT module whose names differ between its versions, behind one interface.

Each generation has an adapter file of its own, tensorrt_v*.py, which says what is different there;
tensorrt_platform chooses one. Nothing here knows of packs, caches or device memory.
"""

import ctypes
from typing import Any, Dict, List, NamedTuple, Set, Tuple

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
    """What all versions share; the adapters say the rest."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.version = str(module.__version__)
        self.log = _message_log(module)

    def failure(self, what: str) -> EngineError:
        """An error that ends with TensorRT's reason."""
        return EngineError(f"TensorRT {self.version} {what}: {self.log.reason()}")

    def make(self, name: str) -> Any:
        """A new Builder or Runtime. EngineError where the library makes none."""
        try:
            return getattr(self.module, name)(self.log)
        except TypeError:  # what the bindings make of a null pointer
            raise self.failure(f"cannot make a {name}") from None

    # Building

    def network_flags(self) -> int:
        """For Builder.create_network: the batch is a dimension like others."""
        return 1 << int(self.module.NetworkDefinitionCreationFlag.EXPLICIT_BATCH)

    def limit_workspace(self, config: Any, size: int) -> None:
        """size: bytes of device memory that kernels may use beside the tensors."""
        config.set_memory_pool_limit(self.module.MemoryPoolType.WORKSPACE, size)

    def check_precision(self, file: str, precision: str, is_typed: bool) -> None:
        """ModelError where a graph cannot be built in a precision."""
        if is_typed and precision != "fp16":
            raise ModelError(
                f"{file}: the graph itself computes in 16 bits: build it with --precision fp16"
            )

    def allow_half(self, config: Any, network: Any, wide: str) -> bool:
        """Lets TensorRT compute in 16 bits, but for layers whose names begin with `wide` and all that
        comes after them; False if there is none. Parsers add layers without a name of their own."""
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
        """Makes the scoring's plugin known, out of this library unless it is. OSError if that fails."""
        if not self.has_plugin():
            self.open_library(path)
        if not self.has_plugin():
            raise OSError(f"it holds no plugin {PLUGIN[0]} for this TensorRT")

    def open_library(self, path: str) -> None:
        """Loads a plugin library. OSError if that fails."""
        ctypes.CDLL(path, ctypes.RTLD_GLOBAL)

    def has_plugin(self) -> bool:
        """True if the registry has the scoring's plugin."""
        return self.module.get_plugin_registry().get_plugin_creator(*PLUGIN) is not None

    # Running

    def tensors(self, engine: Any) -> List[Tensor]:
        """Inputs and outputs. EngineError if one is not float32."""
        raise NotImplementedError

    def largest(self, engine: Any, name: str) -> Any:
        """The largest shape of an input, batch included."""
        raise NotImplementedError

    def max_batch(self, engine: Any) -> int:
        """The largest batch that the engine was built for."""
        return min(self.largest(engine, t.name)[0] for t in self.tensors(engine) if t.is_input)

    def set_batch(self, engine: Any, context: Any, batch: int) -> bool:
        """Fixes the batch of all inputs; False if the engine has no such batch."""
        raise NotImplementedError

    def enqueue(self, context: Any, addresses: Dict[str, int], stream: int) -> bool:
        """Starts a run on device addresses, in the order of tensors(); False if TensorRT refuses."""
        raise NotImplementedError

    def tensor(self, name: str, is_input: bool, shape: Any, element: Any) -> Tensor:
        if element != self.module.float32:
            raise EngineError(f"the engine's {name} is {element}: expected float32")
        return Tensor(name, is_input, tuple(shape)[1:])


def _message_log(module: Any) -> Any:
    """TensorRT's messages go to our log at debug level; the last ones are kept for our own errors."""
    levels = module.ILogger

    class MessageLog(levels):  # type: ignore[valid-type,misc]
        def __init__(self) -> None:
            levels.__init__(self)
            self._last = {"error": "", "warning": ""}

        def log(self, severity: Any, message: str) -> None:
            if severity in (levels.ERROR, levels.INTERNAL_ERROR):
                self._last["error"] = message
            elif severity == levels.WARNING:  # "CUDA initialization failure" is one
                self._last["warning"] = message
            if severity != levels.VERBOSE:
                logger.debug("TensorRT: %s", message)

        def reason(self) -> str:
            """The last error, else the last warning; both are forgotten."""
            said = self._last["error"] or self._last["warning"] or "it gave no reason"
            self._last = {"error": "", "warning": ""}
            return " ".join(said.split())

    return MessageLog()
