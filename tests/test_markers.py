"""A test that imports an optional package, or uses a helper that does, carries the marker that says so."""

import ast
from pathlib import Path

from rigs.requirements import REQUIREMENTS, module_markers

TESTS = Path(__file__).resolve().parent
# Packages whose marker is not called after them. Without torch edge_attp_export has little to offer.
MARKERS = {"edge_attp_export": "needs_torch", "paho": "needs_mosquitto"}
MARKERS.update((r.name, r.marker) for r in REQUIREMENTS if r.how.startswith("pip install"))
# Helpers by their name without .py, as modules import them.
HELPERS = {path.stem: path for path in TESTS.rglob("*.py") if path.parent != TESTS}
MODULES = sorted(TESTS.rglob("test_*.py"))


def imported(nodes):
    """Top-level packages, and modules of the tests, that these statements import."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = node.module.split(".")[0]
            yield package
            if (TESTS / package).is_dir():
                yield from (alias.name for alias in node.names)
                yield node.module.split(".")[-1]


def needed(path, seen):
    """Markers of what must be here for the module to be imported, by itself or by the helpers that it imports."""
    if path in seen:
        return set()
    seen.add(path)
    found = set()
    for name in imported(ast.parse(path.read_text(encoding="utf-8")).body):
        if name in MARKERS:
            found.add(MARKERS[name])
        elif name in HELPERS:
            found |= needed(HELPERS[name], seen)
    return found


def test_modules_carry_the_marker_of_what_they_import():
    lacking = {
        path.stem: needed(path, set()) - module_markers(path.read_text(encoding="utf-8"))
        for path in MODULES
    }
    assert {name: markers for name, markers in lacking.items() if markers} == {}


def test_nothing_is_skipped_for_a_package_in_another_way():
    function = "pytest.importor" + "skip"
    assert [path.stem for path in MODULES if function in path.read_text(encoding="utf-8")] == []


def test_functions_carry_the_marker_of_what_they_import():
    lacking = []
    for path in MODULES:
        source = path.read_text(encoding="utf-8")
        markers = {
            MARKERS[name] for name in imported(ast.walk(ast.parse(source))) if name in MARKERS
        }
        lacking += [(path.stem, name) for name in markers if f"pytest.mark.{name}" not in source]
    assert lacking == []
