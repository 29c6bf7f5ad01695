"""A stand-in for pycuda.driver: device memory is host memory, and a stream works as late as it may, when
somebody waits for a later event. From the moment a run is queued, its outputs hold garbage. So code that
reads outputs too early, or refills the inputs of a run, gets wrong results; calls that need a current
context, or memory of another kind or in another state, fail as they would on a device."""

import bisect
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


class LaunchError(Error):
    pass


class Ending(int):
    """Tells the driver when its holder is freed. Real handles are freed with their last reference; an object with
    __del__ in a cycle would wait for the garbage collector. An int is in no cycle. Made by ending()."""

    __slots__ = ()
    tells = {}

    def __del__(self):
        tell = self.tells.pop(int(self), None)
        if tell is not None:
            tell()


def ending(tell):
    number = next(_NUMBERS)
    Ending.tells[number] = tell
    return Ending(number)


_NUMBERS = itertools.count(1 << 40)


class _Allocation(bytearray):
    """Memory with an address. kind: of "device", "pinned", "mapped", "managed". owner: of managed memory,
    "host" or the stream that it is attached to."""

    owner = None

    def get_device_pointer(self):
        assert self.kind in ("mapped", "managed"), f"{self.kind} memory has no address there"
        return self.address

    def attach(self, mem_flags, stream):
        self.driver.need_context()
        owner = {2: "host", 4: stream}[mem_flags]
        stream.work.append(lambda: setattr(self, "owner", owner))

    def __int__(self):
        assert self.kind == "device"
        return self.address


class FakeDriver:
    """The module pycuda.driver of a machine. fail: raised by the next call that needs a context."""

    Error, MemoryError, LogicError, LaunchError = Error, MemoryError, LogicError, LaunchError
    host_alloc_flags = SimpleNamespace(DEVICEMAP=2)
    mem_attach_flags = SimpleNamespace(GLOBAL=1, HOST=2, SINGLE=4)
    ctx_flags = SimpleNamespace(MAP_HOST=8, SCHED_BLOCKING_SYNC=4)
    event_flags = SimpleNamespace(DEFAULT=0, BLOCKING_SYNC=1)
    device_attribute = SimpleNamespace(
        MULTIPROCESSOR_COUNT="multiprocessors", INTEGRATED="integrated"
    )

    def __init__(self, integrated=True, devices=1):
        self.integrated, self.devices = integrated, devices
        self.memory = weakref.WeakValueDictionary()
        self.streams = {}
        self.fail = None
        self.fails_after = None  # calls that still work before `fail` is raised
        self.allocations = self.waits = 0  # waits: for events and streams
        self.copies = []  # "htod", "dtoh", "dtod", as they were asked for
        self.total = 8 << 30
        self.faults = []  # mistakes made where an exception would be lost
        self._addresses = itertools.count(0x100000, 0x100000)
        self._local = threading.local()
        self.Device = _device_class(self)
        self.Context = SimpleNamespace(pop=self._pop)

    def stack(self):
        if not hasattr(self._local, "stack"):
            self._local.stack = []
        return self._local.stack

    def need_context(self):
        assert self.stack(), "no context is current"
        self._may_fail()

    def _may_fail(self):
        if self.fails_after:
            self.fails_after -= 1
        elif self.fail is not None:
            raise self._new_failure()

    def _new_failure(self):
        """Raised again and again, the same one would keep all that its tracebacks show."""
        return type(self.fail)(*self.fail.args)

    def _pop(self):
        self.stack().pop()
        if not self.fails_after and self.fail is not None:
            raise self._new_failure()  # errors of earlier calls show in any call

    def note_end_of_handle(self, what):
        if threading.get_ident() != self.maker:  # there pycuda makes the context current
            self.note_end(what)

    def note_end(self, what):
        is_lost = self.fail is not None  # and what was on it with it
        if not self.stack() and not is_lost:
            self.faults.append(f"{what} is freed outside its context")

    def init(self):
        if not self.devices:
            raise LogicError("cuInit failed: no CUDA-capable device is detected")

    def Stream(self):
        self.need_context()
        stream = _Stream(self)
        stream.handle = next(self._addresses)
        self.streams[stream.handle] = stream
        return stream

    def Event(self, flags=0):
        self.need_context()
        return _Event(self, flags)

    def mem_get_info(self):
        self.need_context()
        return self.total - sum(len(memory) for memory in list(self.memory.values())), self.total

    def allocate(self, size, kind):
        self.need_context()
        self.allocations += 1
        memory = _Allocation(size)
        memory.driver, memory.address, memory.kind = self, next(self._addresses), kind
        memory.ending = ending(lambda: self.note_end_of_handle("device memory"))
        self.memory[memory.address] = memory
        return memory

    def mem_alloc(self, size):
        return self.allocate(size, "device")

    def _zeros(self, shape, kind):
        memory = self.allocate(4 * int(np.prod(shape)), kind)
        return np.ndarray(shape, np.float32, buffer=memory)

    def pagelocked_zeros(self, shape, dtype, order="C", mem_flags=0):
        return self._zeros(shape, "mapped" if mem_flags & 2 else "pinned")

    def managed_zeros(self, shape, dtype, order="C", mem_flags=0):
        assert mem_flags == 2, "without concurrent access, managed memory starts with the host"
        array = self._zeros(shape, "managed")
        array.base.owner = "host"
        return array

    def memcpy_htod_async(self, dest, src, stream):
        self.copy("htod", stream, lambda: self.at(dest, src.shape), lambda: src)

    def memcpy_dtoh_async(self, dest, src, stream):
        self.copy("dtoh", stream, lambda: dest, lambda: self.at(src, dest.shape))
        dest[...] = np.nan

    def memcpy_dtod_async(self, dest, src, size, stream):
        shape = (size // 4,)
        places = [lambda at=at: self.used(at, shape, stream) for at in (dest, src)]
        self.copy("dtod", stream, *places)
        self.at(dest, shape)[...] = np.nan

    def copy(self, kind, stream, dest, src):
        self.need_context()
        self.copies.append(kind)
        stream.work.append(lambda: dest().__setitem__(Ellipsis, src()))

    def used(self, address, shape, stream):
        """The floats at an address, which the stream may touch."""
        owner = self.find(address)[0].owner
        assert owner is None or owner is stream, "managed memory is not the stream's"
        return self.at(address, shape)

    def at(self, address, shape):
        """The floats at an address."""
        memory, offset = self.find(address)
        count = int(np.prod(shape))
        return np.frombuffer(memory, np.float32, count, offset).reshape(shape)

    def find(self, address):
        """The allocation that an address is in, and the bytes before it there."""
        known = sorted(self.memory)
        memory = self.memory[known[bisect.bisect(known, address) - 1]]
        assert address < memory.address + len(memory), "no memory is there"
        return memory, address - memory.address


class _Stream:
    def __init__(self, driver):
        self.driver, self.work = driver, []

    def synchronize(self):
        self.driver.need_context()
        self.driver.waits += 1
        while self.work:
            self.work.pop(0)()


class _Event:
    """Its time is the number of events that were reached before; that of the last record() counts."""

    ticks = itertools.count(1)

    def __init__(self, driver, flags):
        self.driver, self.flags, self.stream, self.times = driver, flags, None, None
        self._ending = ending(lambda: driver.note_end_of_handle("an event"))

    def record(self, stream):
        self.driver.need_context()
        self.stream, self.times = stream, []
        stream.work.append(lambda times=self.times: times.append(next(self.ticks)))

    def synchronize(self):
        self.driver.need_context()
        assert self.flags == 1, "the thread would spin"
        self.driver.waits += 1
        while not self.times:
            self.stream.work.pop(0)()

    def time_since(self, other):
        assert self.times and other.times, "the event was not waited for"
        return float(self.times[0] - other.times[0])


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
