"""A stand-in for pycuda.driver: device memory is host memory, and a stream does its work only when it is
waited for. What needs a current context, or memory in another state, fails as it would on a device."""

import itertools
import threading
import weakref
from types import SimpleNamespace

import numpy as np


class Error(Exception):
    pass


class MemoryError(Error):
    pass


class LogicError(Error):
    pass


class _Allocation(bytearray):
    """Memory with an address. managed: None, or what it is attached to."""

    managed = None

    def get_device_pointer(self):
        return self.address

    def attach(self, mem_flags, stream):
        self.driver.need_context()
        state = {2: "host", 4: stream}[mem_flags]
        stream.work.append(lambda: setattr(self, "managed", state))

    def __int__(self):
        return self.address

    def __del__(self):
        if threading.get_ident() != self.driver.maker:  # there pycuda makes the context current
            self.driver.note_end("device memory")


class FakeDriver:
    """The module pycuda.driver of a machine. fail: raised by the next call that needs a context."""

    Error, MemoryError, LogicError = Error, MemoryError, LogicError
    host_alloc_flags = SimpleNamespace(DEVICEMAP=2)
    mem_attach_flags = SimpleNamespace(GLOBAL=1, HOST=2, SINGLE=4)
    ctx_flags = SimpleNamespace(MAP_HOST=8, SCHED_BLOCKING_SYNC=4)
    device_attribute = SimpleNamespace(
        MULTIPROCESSOR_COUNT="multiprocessors", INTEGRATED="integrated"
    )

    def __init__(self, integrated=True, devices=1):
        self.integrated, self.devices = integrated, devices
        self.memory = weakref.WeakValueDictionary()
        self.streams = {}
        self.fail = None
        self.copies = 0
        self.faults = []  # what must not happen where no exception would be seen
        self._next = itertools.count(0x10000, 0x1000)
        self._local = threading.local()
        self.Device = _device_class(self)
        self.Context = SimpleNamespace(pop=self._pop)

    def stack(self):
        if not hasattr(self._local, "stack"):
            self._local.stack = []
        return self._local.stack

    def need_context(self):
        assert self.stack(), "no context is current"
        if self.fail is not None:
            raise self.fail

    def _pop(self):
        self.stack().pop()
        if self.fail is not None:  # errors of earlier calls may show in any call
            raise self.fail

    def note_end(self, what):
        if not self.stack():
            self.faults.append("%s is freed outside its context" % what)

    def init(self):
        if not self.devices:
            raise LogicError("cuInit failed: no CUDA-capable device is detected")

    def Stream(self):
        self.need_context()
        stream = _Stream(self)
        stream.handle = next(self._next)
        self.streams[stream.handle] = stream
        return stream

    def allocate(self, size):
        self.need_context()
        memory = _Allocation(size)
        memory.driver, memory.address = self, next(self._next)
        self.memory[memory.address] = memory
        return memory

    mem_alloc = allocate

    def pagelocked_zeros(self, shape, dtype, order="C", mem_flags=0):
        return np.ndarray(shape, dtype, buffer=self.allocate(4 * int(np.prod(shape))))

    def managed_zeros(self, shape, dtype, order="C", mem_flags=0):
        assert mem_flags == 2, "without concurrent access, managed memory starts with the host"
        array = self.pagelocked_zeros(shape, dtype)
        array.base.managed = "host"
        return array

    def memcpy_htod_async(self, dest, src, stream):
        self._copy(stream, lambda: self.at(dest, src.shape).__setitem__(Ellipsis, src))

    def memcpy_dtoh_async(self, dest, src, stream):
        self._copy(stream, lambda: dest.__setitem__(Ellipsis, self.at(src, dest.shape)))

    def _copy(self, stream, work):
        self.need_context()
        self.copies += 1
        stream.work.append(work)

    def at(self, address, shape):
        """The floats at an address."""
        return np.frombuffer(self.memory[address], np.float32).reshape(shape)

    def check_attached(self, address, stream):
        managed = self.memory[address].managed
        assert managed is None or managed is stream, "managed memory is not the stream's"


class _Stream:
    def __init__(self, driver):
        self.driver, self.work = driver, []

    def synchronize(self):
        self.driver.need_context()
        while self.work:
            self.work.pop(0)()


def _device_class(driver):
    class Device:
        def __init__(self, index):
            assert index == 0

        @staticmethod
        def count():
            return driver.devices

        def name(self):
            return "Fake Tegra"

        def compute_capability(self):
            return (6, 2)

        def get_attribute(self, name):
            return {"multiprocessors": 2, "integrated": int(driver.integrated)}[name]

        def make_context(self, flags):
            assert flags & driver.ctx_flags.MAP_HOST
            driver.maker = threading.get_ident()
            driver.stack().append("context")
            driver.need_context()
            return SimpleNamespace(push=lambda: driver.stack().append("context"))

    return Device
