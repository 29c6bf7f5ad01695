"""Sinks as a configuration names them: what they declare is what they are, and what the documents say."""

import inspect
import os

import pytest

from edge_attp.sinks import Sink
from edge_attp.sinks.settings import Surroundings
from edge_attp.sinks.table import SINKS
from edge_attp.strict import REQUIRED

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def documents():
    names = [os.path.join("docs", name) for name in os.listdir(os.path.join(ROOT, "docs"))]
    for name in ["README.md"] + [name for name in names if name.endswith(".md")]:
        with open(os.path.join(ROOT, name), encoding="utf-8") as file:
            yield file.read()


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


def test_the_documents_have_a_row_for_each():
    rows = "".join(f"| `{sink.type}` | {sink.description} |\n" for sink in SINKS.values())
    assert any(rows in text for text in documents()), "the table of sinks should be\n" + rows
