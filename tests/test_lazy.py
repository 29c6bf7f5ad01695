"""Optional packages: what a missing one says, and as which error."""

import sys

import pytest

from edge_attp import lazy
from edge_attp.errors import EngineError, MissingExtra, MissingTool, UsageError


def missing(monkeypatch, package, *submodules, **options):
    """The error that loading a package raises where it is not installed."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingTool) as caught:
        lazy.load("drawing", package, *submodules, **options)
    return caught.value


def test_it_says_who_needs_what_and_how_to_get_it(monkeypatch):
    said = str(missing(monkeypatch, "cv2"))
    assert said.startswith("drawing needs OpenCV, which cannot be imported (")
    assert said.endswith("): pip install 'edge-attp[overlay]'")


@pytest.mark.parametrize(
    "package, kind, exit_code",
    [
        ("av", ImportError, 1),
        ("cv2", UsageError, 2),
        ("paho", UsageError, 2),
        ("onnx", EngineError, 5),
        ("tensorrt", EngineError, 5),
    ],
)
def test_errors_keep_their_kind_and_exit_code(monkeypatch, package, kind, exit_code):
    error = missing(monkeypatch, package)
    assert isinstance(error, kind) and error.exit_code == exit_code


def test_the_caller_may_ask_for_another_kind(monkeypatch):
    assert isinstance(missing(monkeypatch, "av", error=MissingExtra), UsageError)


def test_a_submodule_may_be_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy.no_such_part", None)
    with pytest.raises(MissingTool, match="testing needs NumPy"):
        lazy.load("testing", "numpy", "numpy.no_such_part")


def test_a_broken_package_is_a_missing_one(monkeypatch, tmp_path):
    (tmp_path / "tomli.py").write_text("raise RuntimeError('built for\\nanother NumPy')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "tomli", raising=False)
    with pytest.raises(MissingExtra, match=r"\(built for another NumPy\)"):
        lazy.load("reading", "tomli")


def test_what_is_there_comes_back():
    import numpy

    assert lazy.load("testing", "numpy", "numpy.linalg") is numpy
