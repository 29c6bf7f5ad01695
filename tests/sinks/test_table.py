"""Sinks that a configuration can name: what they declare matches what they take."""

import inspect

import pytest

from edge_attp.sinks import Sink
from edge_attp.sinks.settings import Surroundings
from edge_attp.sinks.table import SINKS
from edge_attp.strict import REQUIRED


@pytest.mark.parametrize("sink", SINKS.values(), ids=SINKS)
def test_keys_and_defaults_are_those_of_the_maker(sink):
    assert issubclass(sink.maker, Sink)
    parameters = dict(inspect.signature(sink.maker).parameters)
    parameters.pop("top_count", None)  # of JSON lines; not for a configuration
    assert set(parameters) == set(sink.keys) | set(sink.wants)
    for name, key in sink.keys.items():
        default = parameters[name].default
        given = None if key.default is REQUIRED else key.default
        assert default in (given, inspect.Parameter.empty), name
        assert key.help and (key.default not in (None, REQUIRED) or key.example is not None), name


@pytest.mark.parametrize("sink", SINKS.values(), ids=SINKS)
def test_names_of_keys_are_known(sink):
    assert set(sink.shown) | {sink.own} - {None} <= set(sink.keys)
    assert set(sink.wants) <= set(Surroundings._fields)
    assert (sink.packets_s is not None) == ("recorder" in sink.wants)
