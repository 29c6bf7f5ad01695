"""What doubles.fake_tensorrt makes its modules of: each class with the names of all TensorRT versions.

`_trt` is the module that a class belongs to, `_machine` the machine that it is on.
"""

import pickle

from doubles.fake_pycuda import ending

FLOAT = 1  # of onnx.TensorProto
DOMAIN = "edge_attp"


class ILogger:
    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)


class BuilderFlag:
    FP16, OBEY_PRECISION_CONSTRAINTS = "FP16", "OBEY_PRECISION_CONSTRAINTS"


class NetworkDefinitionCreationFlag:
    EXPLICIT_BATCH = 0


class MemoryPoolType:
    WORKSPACE = "WORKSPACE"


class TensorIOMode:
    INPUT, OUTPUT = "INPUT", "OUTPUT"


class Builder:
    def __init__(self, logger):
        _need_device(self._machine, self._trt, logger)
        self._logger = logger

    def create_network(self, flags):
        flag = self._trt.NetworkDefinitionCreationFlag
        assert flags == (1 if hasattr(flag, "EXPLICIT_BATCH") else 0)
        return self._trt.INetworkDefinition()

    def create_builder_config(self):
        return self._trt.IBuilderConfig()

    def create_optimization_profile(self):
        return self._trt.IOptimizationProfile()

    def build_serialized_network(self, network, config):
        self._machine.driver.need_context()
        self._machine.builds += 1
        if self._machine.refuses_to_build:
            self._logger.log(self._trt.ILogger.ERROR, "10: could not find any implementation")
            return None
        plan = {
            "tensorrt": self._trt.__version__,
            "onnx": network._data,
            "profile": config._profile._shapes,
            "flags": config._flags,
            "workspace": config._workspace,
            "timings": bytes(config._timings._data),
            "wide": [layer.name for layer in network._layers if layer._wide == 2],
        }
        config._timings._data += b"measured;"
        return memoryview(pickle.dumps(plan))


def _need_device(machine, trt, logger):
    """As 8.5.3 does it where there is no driver."""
    if not machine.has_device:
        logger.log(trt.ILogger.WARNING, "CUDA initialization failure with error: 35")
        raise TypeError("factory function returned nullptr")
    machine.driver.need_context()


class INetworkDefinition:
    def __init__(self):
        self._data, self._layers = b"", []

    @property
    def num_layers(self):
        return len(self._layers)

    def get_layer(self, index):
        return self._layers[index]


class ITensor:
    def __init__(self, name, dtype):
        self._name, self._dtype = name, dtype

    name = property(lambda self: self._name)
    dtype = property(lambda self: self._dtype)


class ILayer:
    def __init__(self, name, inputs, output):
        self._name, self._inputs, self._output, self._wide = name, inputs, output, 0

    name = property(lambda self: self._name)
    num_inputs = property(lambda self: len(self._inputs))

    def get_input(self, index):
        return self._inputs[index]

    def get_output(self, index):
        return self._output

    def _set_precision(self, element):
        self._wide += element == self._trt.float32

    precision = property(None, _set_precision)

    def set_output_type(self, index, element):
        self._wide += element == self._trt.float32


class OnnxParser:
    """Refuses what some TensorRT would not take as it is meant."""

    def __init__(self, network, logger):
        self._network, self._errors = network, []

    def parse(self, data):
        import onnx

        model = onnx.load_from_string(data)
        weights = {weight.name for weight in model.graph.initializer}
        for node in model.graph.node:
            if node.domain == DOMAIN and not self._machine.plugins:
                self._errors.append(f"no plugin {node.op_type}")
            if node.op_type == "Cast" and node.input[0] in weights:
                self._errors.append("Cast in front of weights")
        if len(model.functions):
            self._errors.append("a function body that 10.0 would inline")
        for node in model.graph.node:
            self._add(node)
        self._network._data = data
        return not self._errors

    def _add(self, node):
        """The layers of a node. A norm begins with a square, which has no name of its own."""
        trt, layers = self._trt, self._network._layers
        inputs = [trt.ITensor(name, trt.float32) for name in node.input] + [None]
        if node.op_type == "ReduceL2":
            square = trt.ITensor(f"(Unnamed Layer* {len(layers)})_output", trt.float32)
            layers.append(trt.ILayer(f"(Unnamed Layer* {len(layers)})", inputs, square))
            inputs = [square]
        element = trt.int32 if node.op_type == "Shape" else trt.float32
        name = node.name if self._machine.keeps_names else "(Unnamed)"
        output = node.output[0] if self._machine.keeps_names else "(Unnamed)_output"
        layers.append(trt.ILayer(name, inputs, trt.ITensor(output, element)))

    num_errors = property(lambda self: len(self._errors))

    def get_error(self, index):
        return self._trt.ParserError(self._errors[index])


class ParserError:
    def __init__(self, text):
        self._text = text

    def desc(self):
        return self._text


class IBuilderConfig:
    def __init__(self):
        self._flags, self._workspace, self._profile, self._timings = [], None, None, None

    def set_flag(self, flag):
        self._flags.append(flag)

    def _limit(self, size):
        self._workspace = size

    max_workspace_size = property(None, _limit)

    def set_memory_pool_limit(self, pool, size):
        assert pool == "WORKSPACE"
        self._workspace = size

    def add_optimization_profile(self, profile):
        self._profile = profile

    def create_timing_cache(self, data):
        return self._trt.ITimingCache(data)

    def set_timing_cache(self, cache, ignore_mismatch):
        self._timings = cache
        return True


class ITimingCache:
    def __init__(self, data):
        self._data = bytearray(data)

    def serialize(self):
        return memoryview(self._data)


class IOptimizationProfile:
    def __init__(self):
        self._shapes = {}

    def set_shape(self, name, min, opt, max):
        self._shapes[name] = (min, opt, max)


class IPluginRegistry:
    def load_library(self, path):
        if path in self._machine.broken:
            return None
        self._machine.plugins.append(("registry", path))
        return object()

    def get_creator(self, name, version, namespace):
        assert (name, version, namespace) == ("TrilinearScoring", "1", DOMAIN)
        return object() if self._machine.plugins else None

    get_plugin_creator = get_creator


class Runtime:
    def __init__(self, logger):
        _need_device(self._machine, self._trt, logger)
        self._machine.logger = self._logger = logger

    def deserialize_cuda_engine(self, data):
        self._machine.driver.need_context()
        try:
            plan = pickle.loads(data)
        except Exception:
            plan = {}
        if plan.get("tensorrt") != self._trt.__version__:
            self._logger.log(self._trt.ILogger.ERROR, "6: the engine plan file is not compatible")
            return None
        return self._trt.ICudaEngine(plan)


class ICudaEngine:
    def __init__(self, plan):
        import onnx
        import onnxruntime

        self._plan = plan
        graph = onnx.load_from_string(plan["onnx"]).graph
        self._io = [(value, True) for value in graph.input]
        self._io += [(value, False) for value in graph.output]
        self._names = [value.name for value, _ in self._io]
        self._session = onnxruntime.InferenceSession(
            plan["onnx"], providers=["CPUExecutionProvider"]
        )

    def _shape(self, index):
        dims = self._io[index][0].type.tensor_type.shape.dim
        return tuple(dim.dim_value or -1 for dim in dims)

    def _dtype(self, index):
        element = self._io[index][0].type.tensor_type.elem_type
        return self._trt.float32 if element == FLOAT else self._trt.float16

    num_bindings = property(lambda self: len(self._io))
    num_io_tensors = property(lambda self: len(self._io))

    def get_binding_name(self, index):
        return self._names[index]

    get_tensor_name = get_binding_name

    def get_binding_index(self, name):
        return self._names.index(name)

    def binding_is_input(self, index):
        return self._io[index][1]

    def get_binding_shape(self, index):
        return self._shape(index)

    def get_binding_dtype(self, index):
        return self._dtype(index)

    def get_tensor_mode(self, name):
        mode = self._trt.TensorIOMode
        return mode.INPUT if self._io[self._names.index(name)][1] else mode.OUTPUT

    def get_tensor_shape(self, name):
        return self._shape(self._names.index(name))

    def get_tensor_dtype(self, name):
        return self._dtype(self._names.index(name))

    def get_profile_shape(self, profile_index, binding):
        assert profile_index == 0
        return list(self._plan["profile"][binding])

    def get_tensor_profile_shape(self, name, profile_index):
        assert profile_index == 0
        return list(self._plan["profile"][name])

    def create_execution_context(self):
        self._machine.driver.need_context()
        return None if self._machine.is_full else self._trt.IExecutionContext(self)


class IExecutionContext:
    def __init__(self, engine):
        self._engine, self._shapes, self._addresses = engine, {}, {}
        self._started = self._ended = 0
        driver = self._machine.driver
        self._ending = ending(lambda: driver.note_end("an execution context"))

    def set_binding_shape(self, index, shape):
        return self._set_shape(self._engine._names[index], shape)

    def set_input_shape(self, name, shape):
        return self._set_shape(name, shape)

    def _set_shape(self, name, shape):
        self._machine.driver.need_context()
        assert self._started == self._ended, "a run of another shape is on its way"
        least, _, most = self._engine._plan["profile"][name]
        self._shapes[name] = shape
        return all(low <= size <= high for low, size, high in zip(least, shape, most))

    def set_tensor_address(self, name, address):
        self._addresses[name] = address
        return name in self._engine._names

    def execute_async_v2(self, bindings, stream_handle):
        return self._enqueue(dict(zip(self._engine._names, bindings)), stream_handle)

    def execute_async_v3(self, stream_handle):
        return self._enqueue(dict(self._addresses), stream_handle)

    def _enqueue(self, addresses, handle):
        driver, engine = self._machine.driver, self._engine
        driver.need_context()
        stream = driver.streams[handle]
        if self._machine.refuses_to_run:
            self._machine.logger.log(self._trt.ILogger.ERROR, "1: invalid argument")
            return False
        batch = next(iter(self._shapes.values()))[0]
        places = {
            name: (addresses[name], (batch,) + engine._shape(index)[1:])
            for index, name in enumerate(engine._names)
        }
        for value in engine._session.get_outputs():
            driver.at(*places[value.name])[...] = float("nan")
        self._started += 1
        stream.work.append(lambda: self._run(places, stream))
        return True

    def _run(self, places, stream):
        session = self._engine._session
        tensors = {
            name: self._machine.driver.used(address, shape, stream)
            for name, (address, shape) in places.items()
        }
        names = [value.name for value in session.get_outputs()]
        feeds = {name: values for name, values in tensors.items() if name not in names}
        for name, values in zip(names, session.run(names, feeds)):
            tensors[name][...] = values
        self._ended += 1


CLASSES = [value for value in list(vars().values()) if isinstance(value, type)]
