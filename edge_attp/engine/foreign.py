"""The members of pycuda, TensorRT and ONNX Runtime that this package uses, for the type checker alone.

None of them is imported here, and none describes its types itself. A member that only some versions of TensorRT
have is used by their adapter alone.
"""

from typing import Iterable, Optional, Sequence, SupportsInt, Tuple, Type, Union

import numpy as np

from edge_attp.protocols import Protocol

__all__ = [
    "CudaContextHandle",
    "CudaDriver",
    "CudaEvent",
    "CudaStream",
    "HostMemory",
    "OnnxRuntime",
    "OrtBinding",
    "OrtSession",
    "OrtValue",
    "TensorRt",
    "TrtBuilder",
    "TrtConfig",
    "TrtContext",
    "TrtEngine",
    "TrtLog",
    "TrtNetwork",
    "TrtParser",
    "TrtProfile",
    "TrtRuntime",
    "TrtTimingCache",
]

Sides = Sequence[int]

# pycuda.driver ------------------------------------------------------------------------------------


class CudaStream(Protocol):
    handle: int

    def synchronize(self) -> None: ...


class CudaEvent(Protocol):
    def record(self, stream: CudaStream) -> object: ...

    def synchronize(self) -> object: ...

    def time_since(self, earlier: "CudaEvent") -> float: ...


class HostMemory(Protocol):
    """What an array of page-locked or managed memory has as its base."""

    def get_device_pointer(self) -> SupportsInt: ...

    def attach(self, flags: int, stream: CudaStream) -> None: ...


class CudaContextHandle(Protocol):
    def push(self) -> None: ...


class CudaDevice(Protocol):
    def name(self) -> str: ...

    def compute_capability(self) -> Tuple[int, int]: ...

    def get_attribute(self, attribute: object) -> int: ...

    def make_context(self, flags: int) -> CudaContextHandle: ...


class CudaDeviceClass(Protocol):
    def __call__(self, number: int) -> CudaDevice: ...

    def count(self) -> int: ...


class CudaContextClass(Protocol):
    def pop(self) -> None: ...


class DeviceAttributes(Protocol):
    MULTIPROCESSOR_COUNT: object
    INTEGRATED: object


class ContextFlags(Protocol):
    MAP_HOST: int
    SCHED_BLOCKING_SYNC: int


class EventFlags(Protocol):
    BLOCKING_SYNC: int


class HostAllocFlags(Protocol):
    DEVICEMAP: int


class MemAttachFlags(Protocol):
    HOST: int
    SINGLE: int


Address = Union[int, SupportsInt]


class CudaDriver(Protocol):
    """The module pycuda.driver."""

    Error: Type[Exception]
    MemoryError: Type[Exception]
    Device: CudaDeviceClass
    Context: CudaContextClass
    device_attribute: DeviceAttributes
    ctx_flags: ContextFlags
    event_flags: EventFlags
    host_alloc_flags: HostAllocFlags
    mem_attach_flags: MemAttachFlags

    def init(self) -> None: ...

    def Stream(self) -> CudaStream: ...

    def Event(self, flags: int = ...) -> CudaEvent: ...

    def mem_get_info(self) -> Tuple[int, int]: ...

    def mem_alloc(self, size: int) -> SupportsInt: ...

    def pagelocked_zeros(
        self, shape: Sides, dtype: Type[np.float32], *, mem_flags: int = ...
    ) -> np.ndarray: ...

    def managed_zeros(
        self, shape: Sides, dtype: Type[np.float32], *, mem_flags: int
    ) -> np.ndarray: ...

    def memcpy_htod_async(self, to: Address, of: np.ndarray, stream: CudaStream) -> None: ...

    def memcpy_dtoh_async(self, to: np.ndarray, of: Address, stream: CudaStream) -> None: ...

    def memcpy_dtod_async(
        self, to: Address, of: Address, size: int, stream: CudaStream
    ) -> None: ...


# tensorrt -----------------------------------------------------------------------------------------


class TrtLog(Protocol):
    """Our own subclass of ILogger, see tensorrt_api."""

    def reason(self) -> str: ...


class TrtTensor(Protocol):
    name: str
    dtype: object


class TrtLayer(Protocol):
    name: str
    num_inputs: int
    precision: object

    def get_input(self, index: int) -> Optional[TrtTensor]: ...

    def get_output(self, index: int) -> TrtTensor: ...

    def set_output_type(self, index: int, element: object) -> None: ...


class TrtNetwork(Protocol):
    num_layers: int

    def get_layer(self, index: int) -> TrtLayer: ...


class TrtProfile(Protocol):
    def set_shape(self, name: str, least: Sides, best: Sides, most: Sides) -> object: ...


class TrtTimingCache(Protocol):
    def serialize(self) -> bytes: ...


class TrtConfig(Protocol):
    max_workspace_size: int  # before 8.4

    def set_memory_pool_limit(self, pool: object, size: int) -> None: ...

    def set_flag(self, flag: object) -> None: ...

    def add_optimization_profile(self, profile: TrtProfile) -> int: ...

    def create_timing_cache(self, known: bytes) -> TrtTimingCache: ...

    def set_timing_cache(self, cache: TrtTimingCache, ignore_mismatch: bool) -> bool: ...


class TrtParserError(Protocol):
    def desc(self) -> str: ...


class TrtParser(Protocol):
    num_errors: int

    def parse(self, data: bytes) -> bool: ...

    def get_error(self, index: int) -> TrtParserError: ...


class TrtBuilder(Protocol):
    def create_network(self, flags: int) -> TrtNetwork: ...

    def create_builder_config(self) -> TrtConfig: ...

    def create_optimization_profile(self) -> TrtProfile: ...

    def build_serialized_network(
        self, network: TrtNetwork, config: TrtConfig
    ) -> Optional[bytes]: ...


class TrtContext(Protocol):
    def set_binding_shape(self, index: int, shape: Sides) -> bool: ...  # before 10

    def execute_async_v2(self, bindings: Sequence[int], stream_handle: int) -> bool: ...

    def set_input_shape(self, name: str, shape: Sides) -> bool: ...  # from 8.5 on

    def set_tensor_address(self, name: str, address: int) -> bool: ...

    def execute_async_v3(self, stream_handle: int) -> bool: ...


class TrtEngine(Protocol):
    num_bindings: int  # before 10
    num_io_tensors: int  # from 8.5 on

    def create_execution_context(self) -> Optional[TrtContext]: ...

    def get_binding_name(self, index: int) -> str: ...  # before 10

    def get_binding_index(self, name: str) -> int: ...

    def binding_is_input(self, index: int) -> bool: ...

    def get_binding_shape(self, index: int) -> Sides: ...

    def get_binding_dtype(self, index: int) -> object: ...

    def get_profile_shape(self, profile: int, name: str) -> Sequence[Sides]: ...

    def get_tensor_name(self, index: int) -> str: ...  # from 8.5 on

    def get_tensor_mode(self, name: str) -> object: ...

    def get_tensor_shape(self, name: str) -> Sides: ...

    def get_tensor_dtype(self, name: str) -> object: ...

    def get_tensor_profile_shape(self, name: str, profile: int) -> Sequence[Sides]: ...


class TrtRuntime(Protocol):
    def deserialize_cuda_engine(self, data: bytes) -> Optional[TrtEngine]: ...


class TrtRegistry(Protocol):
    def get_plugin_creator(self, kind: str, version: str, namespace: str) -> object: ...

    def get_creator(self, kind: str, version: str, namespace: str) -> object: ...  # from 10 on

    def load_library(self, path: str) -> object: ...


class TrtBuilderFlags(Protocol):
    FP16: object  # before 11
    OBEY_PRECISION_CONSTRAINTS: object


class TrtNetworkFlags(Protocol):
    EXPLICIT_BATCH: SupportsInt  # before 11


class TrtMemoryPools(Protocol):
    WORKSPACE: object  # from 8.4 on


class TrtTensorModes(Protocol):
    INPUT: object  # from 8.5 on


class TrtSeverities(Protocol):
    """ILogger, which is also the base of a log."""

    INTERNAL_ERROR: object
    ERROR: object
    WARNING: object
    VERBOSE: object


class TensorRt(Protocol):
    """The module tensorrt."""

    __version__: str
    float32: object
    ILogger: TrtSeverities
    ICudaEngine: object
    IPluginRegistry: object
    BuilderFlag: TrtBuilderFlags
    NetworkDefinitionCreationFlag: TrtNetworkFlags
    MemoryPoolType: TrtMemoryPools
    TensorIOMode: TrtTensorModes

    def Builder(self, log: TrtLog) -> TrtBuilder: ...

    def Runtime(self, log: TrtLog) -> TrtRuntime: ...

    def OnnxParser(self, network: TrtNetwork, log: TrtLog) -> TrtParser: ...

    def get_plugin_registry(self) -> TrtRegistry: ...


# onnxruntime --------------------------------------------------------------------------------------


class OrtValue(Protocol):
    """An input or output of a graph. shape: whole numbers, or names of sizes that may vary."""

    name: str
    type: str
    shape: Sequence[Union[int, str, None]]


class OrtBinding(Protocol):
    def bind_input(
        self, name: str, device: str, number: int, dtype: object, shape: Sides, address: int
    ) -> None: ...

    def bind_output(
        self, name: str, device: str, number: int, dtype: object, shape: Sides, address: int
    ) -> None: ...


class OrtSession(Protocol):
    def get_inputs(self) -> Sequence[OrtValue]: ...

    def get_outputs(self) -> Sequence[OrtValue]: ...

    def get_providers(self) -> Sequence[str]: ...

    def io_binding(self) -> OrtBinding: ...

    def run_with_iobinding(self, binding: OrtBinding) -> None: ...


class OrtOptions(Protocol):
    intra_op_num_threads: int
    inter_op_num_threads: int
    log_severity_level: int

    def add_session_config_entry(self, key: str, value: str) -> None: ...


class OnnxRuntime(Protocol):
    """The module onnxruntime."""

    __version__: str

    def get_available_providers(self) -> Sequence[str]: ...

    def SessionOptions(self) -> OrtOptions: ...

    def InferenceSession(
        self,
        path: str,
        options: OrtOptions,
        *,
        providers: Iterable[str],
        enable_fallback: int,
    ) -> OrtSession: ...
