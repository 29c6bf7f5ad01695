"""The public API explains itself: every public name has a docstring, and the examples in docstrings run.

Public are the names in `__all__` of the modules that docs/build.py documents. Examples run in the root of the
repository, so that they can read examples/demo.mp4.
"""

import ast
import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_onnxruntime]

ROOT = Path(__file__).resolve().parent.parent
_BUILDER = (ROOT / "docs" / "build.py").read_text(encoding="utf-8")
PUBLIC = ast.literal_eval(re.search(r"^PUBLIC = (\(.*?\))", _BUILDER, re.M).group(1))
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def public_objects(name):
    """(qualified name, object) of the module, and of each class and function in its __all__."""
    module = importlib.import_module(f"edge_attp.{name}")
    yield module.__name__, module
    for member in module.__all__:
        found = getattr(module, member)
        if inspect.isclass(found) or inspect.isfunction(found):
            yield f"{module.__name__}.{member}", found


def examples():
    found = {}
    for name in PUBLIC:
        for qualified, public in public_objects(name):
            for test in doctest.DocTestFinder().find(public, qualified):
                if test.examples and (test.filename, test.lineno) not in found:
                    found[test.filename, test.lineno] = test
    return list(found.values())


@pytest.mark.parametrize("example", examples(), ids=lambda test: test.name)
def test_examples(example, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    result = doctest.DocTestRunner(optionflags=OPTIONS).run(example)
    assert not result.failed, capsys.readouterr().out


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_a_docstring(name):
    missing = []
    for qualified, public in public_objects(name):
        assert inspect.getdoc(public), qualified
        for member, value in vars(public).items() if inspect.isclass(public) else ():
            is_method = isinstance(value, property) or inspect.isfunction(value)
            if is_method and member[0] != "_" and not inspect.getdoc(getattr(public, member)):
                missing.append(f"{qualified}.{member}")
    assert not missing
