"""A stand-in for the module tensorrt in five versions, each with the names that version has and no other.

engine/data/trt_api_*.json lists the names (of what is modelled here) as the real bindings have them; a
call to a name that a version lacks is an AttributeError. Engines are the ONNX graph itself, run by ONNX
Runtime on the arrays that the fake device's addresses stand for, when the stream is waited for.

`PYTHONPATH=tests python -m doubles.fake_tensorrt FOLDER` writes the lists anew from complete ones, files
tensorrt_<version>.json of {"version": ..., "api": {class: [members]}}.
"""

import gc
import json
import sys
import types
from contextlib import contextmanager
from pathlib import Path

from doubles.fake_tensorrt_models import CLASSES, ILogger

DATA = Path(__file__).resolve().parent.parent / "engine" / "data"
VERSIONS = ("8.2", "8.5", "8.6", "10.16", "11.4")
VALUES = {"float32": "DataType.FLOAT", "float16": "DataType.HALF", "int32": "DataType.INT32"}


class Machine:
    """One machine: its fake driver, and what is to go wrong."""

    def __init__(self, version, driver):
        self.driver = driver
        self.has_device = True
        self.keeps_names = True
        self.refuses_to_build = self.refuses_to_run = self.is_full = False
        self.builds = 0
        self.plugins, self.broken = [], []
        self.logger = None
        self.tensorrt = _module(self, read(version))


@contextmanager
def installed(monkeypatch, cache, version, **device):
    """A machine whose tensorrt and pycuda are what `import` finds, with an engine cache of its own."""
    from doubles.fake_pycuda import FakeDriver

    driver = FakeDriver(**device)
    machine = Machine(version, driver)
    pycuda = types.ModuleType("pycuda")
    pycuda.driver = driver
    monkeypatch.setitem(sys.modules, "tensorrt", machine.tensorrt)
    monkeypatch.setitem(sys.modules, "pycuda", pycuda)
    monkeypatch.setitem(sys.modules, "pycuda.driver", driver)
    monkeypatch.setenv("EDGE_ATTP_CACHE", str(cache))
    monkeypatch.setenv("EDGE_ATTP_PLUGIN", "none")
    monkeypatch.delenv("EDGE_ATTP_BUFFERS", raising=False)
    yield machine
    gc.collect()
    assert driver.faults == [], driver.faults


def _module(machine, listed):
    module = types.ModuleType("tensorrt")
    module.__version__ = listed["version"]
    for model in CLASSES:
        if model.__name__ in listed["api"]:
            limited = _limited(model, listed["api"][model.__name__])
            limited._machine, limited._trt = machine, module
            setattr(module, model.__name__, limited)
    for name, value in VALUES.items():
        if name in listed["api"]:
            setattr(module, name, value)
    module.get_plugin_registry = lambda: module.IPluginRegistry()
    return module


def _limited(model, names):
    """A class with those members of a model that are listed."""

    def set_attribute(self, name, value):
        if not name.startswith("_") and name not in names:
            raise AttributeError(f"{model.__name__}.{name}")
        object.__setattr__(self, name, value)

    members = {
        name: value
        for name, value in vars(model).items()
        if name in names or (name.startswith("_") and name not in ("__dict__", "__weakref__"))
    }
    if model is not ILogger:  # people derive from it
        members["__setattr__"] = set_attribute
    return type(model.__name__, (), members)


def read(version):
    """{"version": ..., "api": {class: [members]}} as it is kept here."""
    return json.loads((DATA / (f"trt_api_{version}.json")).read_text())


def reduced(listed):
    """Of a complete list what is modelled here."""
    api = {}
    for model in CLASSES:
        if model.__name__ in listed["api"]:
            own = [name for name in vars(model) if not name.startswith("_")]
            has = listed["api"][model.__name__]
            api[model.__name__] = sorted(name for name in own if name in has)
    api.update({name: [] for name in VALUES if name in listed["api"]})
    return {"version": listed["version"], "api": api}


if __name__ == "__main__":
    DATA.mkdir(exist_ok=True)
    for version in VERSIONS:
        complete = json.loads((Path(sys.argv[1]) / (f"tensorrt_{version}.json")).read_text())
        text = json.dumps(reduced(complete), indent=1, sort_keys=True) + "\n"
        (DATA / (f"trt_api_{version}.json")).write_text(text)
