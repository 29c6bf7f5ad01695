"""The plugin's glue against the double of TensorRT's interface, as Python objects."""

import ctypes

import numpy as np

FLOAT, HALF, INT8 = 0, 1, 2  # nvinfer1::DataType
LINEAR, CHW2 = 0, 1  # nvinfer1::TensorFormat
FIELD_FLOAT32, FIELD_INT32 = 1, 5  # nvinfer1::PluginFieldType
TENSORS = 6


class Tensors(ctypes.Structure):
    """The plugin's inputs and then its output, as double_entry.cpp reads them."""

    _fields_ = [
        ("rank", ctypes.c_int32 * TENSORS),
        ("size", ctypes.c_int64 * 3 * TENSORS),
        ("type", ctypes.c_int32 * TENSORS),
        ("format", ctypes.c_int32 * TENSORS),
    ]

    def __init__(self, shapes, types, formats=(LINEAR,) * TENSORS):
        super().__init__()
        for i, shape in enumerate(shapes):
            self.rank[i] = len(shape)
            self.size[i][: min(len(shape), 3)] = shape[:3]
        for i, (kind, form) in enumerate(zip(types, formats)):
            self.type[i], self.format[i] = kind, form


class DoubleLibrary:
    """Loads a library made of double_entry.cpp and the glue."""

    def __init__(self, path):
        self.c = ctypes.CDLL(path)
        for name in ("message", "field_name"):
            getattr(self.c, name).restype = ctypes.c_char_p
        for name in ("create_plugin", "restore_plugin", "clone_plugin"):
            getattr(self.c, name).restype = ctypes.c_void_p
        self.c.save_plugin.restype = ctypes.c_size_t

    def is_found(self, *names):
        return bool(self.c.is_found(*[name.encode() for name in names]))

    def message(self):
        """What the plugin logged since the last call."""
        text = self.c.message().decode()
        self.c.clear_message()
        return text

    def create(self, factors, field="factors", kind=FIELD_INT32, length=1):
        """A plugin from the attributes of a node, or None."""
        value = None if factors is None else ctypes.byref(ctypes.c_int32(factors))
        return self._plugin(self.c.create_plugin(field.encode(), value, kind, length))

    def restore(self, data):
        """A plugin from what an engine kept, or None."""
        return self._plugin(self.c.restore_plugin(data, ctypes.c_size_t(len(data))))

    def _plugin(self, handle):
        return Plugin(self, handle) if handle else None


class Plugin:
    """One plugin object; `close` destroys it."""

    def __init__(self, library, handle):
        self._library = library
        self._c = library.c
        self._handle = ctypes.c_void_p(handle)

    def close(self):
        self._c.destroy_plugin(self._handle)

    def clone(self):
        return Plugin(self._library, self._c.clone_plugin(self._handle))

    def save(self):
        buffer = ctypes.create_string_buffer(64)
        length = self._c.save_plugin(self._handle, buffer)
        return buffer.raw[:length]

    def output_type(self, maps):
        return self._c.plugin_output_type(self._handle, maps)

    def output_shape(self, tensors, count=4):
        """[(input, dimension), ...] that the sizes of the scores are taken from, or None."""
        sources = (ctypes.c_int * 8)()
        rank = self._c.plugin_output_shape(
            self._handle, ctypes.byref(tensors), count, ctypes.byref(sources)
        )
        return None if rank < 0 else [divmod(source, 10) for source in sources[:rank]]

    def supports(self, position, tensors, inputs=4):
        return bool(self._c.plugin_supports(self._handle, position, ctypes.byref(tensors), inputs))

    def configure(self, tensors, inputs=4):
        self._c.configure_plugin(self._handle, ctypes.byref(tensors), inputs)

    def enqueue(self, tensors, inputs, classes):
        """(scores float32, the return code)."""
        scores = np.full((len(inputs[0]), classes), np.nan, np.float32)
        addresses = (ctypes.c_void_p * len(inputs))(*[each.ctypes.data for each in inputs])
        code = self._c.enqueue_plugin(
            self._handle, ctypes.byref(tensors), addresses, ctypes.c_void_p(scores.ctypes.data)
        )
        return scores, code
