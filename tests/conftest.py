"""What all tests share: media drawn and encoded once per session, and the markers.

- `slow`: the large matrices; `-m "not slow"` leaves them out, as `make test` does.
- `needs_...` and `not_pyav10`: see rigs/requirements.py. A module that carries one in its `pytestmark` is not even
  imported where that is missing; a test is skipped. Either way the run says so, unless `--require=av,media,...` names
  what is missing: then nothing runs.
"""

import functools
from pathlib import Path

import pytest

from rigs import hostile, media
from rigs.requirements import REQUIREMENTS, module_markers


def pytest_addoption(parser):
    parser.addoption(
        "--require",
        metavar="NAME,...",
        default="",
        help="fail at once if one of these is missing: " + ", ".join(r.name for r in REQUIREMENTS),
    )


def pytest_configure(config):
    for requirement in REQUIREMENTS:
        config.addinivalue_line("markers", f"{requirement.marker}: needs {requirement.what}")
    known = {requirement.name: requirement for requirement in REQUIREMENTS}
    errors = []
    for name in filter(None, config.getoption("--require").split(",")):
        if name not in known:
            errors.append(f"--require={name}: not one of {', '.join(known)}")
        elif not known[name].is_met():
            errors.append(f"--require={name}: {known[name].what} not found ({known[name].how})")
    if errors:
        raise pytest.UsageError(*errors)


@functools.lru_cache(maxsize=None)
def _unmet():
    return [requirement for requirement in REQUIREMENTS if not requirement.is_met()]


def _module_markers(path):
    return module_markers(path.read_text(encoding="utf-8"))


class LeftOut(pytest.File):
    """A module that cannot be imported here."""

    def collect(self):
        return []


def pytest_pycollect_makemodule(module_path, parent):
    markers = _module_markers(module_path)
    if any(requirement.marker in markers for requirement in _unmet()):
        return LeftOut.from_parent(parent, path=module_path)
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    # Skipped here, not by a mark, the tests make one line of the summary.
    for requirement in _unmet():
        if item.get_closest_marker(requirement.marker):
            pytest.skip(f"{requirement.what} not found ({requirement.how})")


def _modules_left_out():
    """One line for each thing that is missing, with the modules that need it."""
    modules = {
        path.stem: _module_markers(path) for path in Path(__file__).parent.rglob("test_*.py")
    }
    for requirement in _unmet():
        names = sorted(name for name in modules if requirement.marker in modules[name])
        if names:
            what = f"{requirement.what} not found ({requirement.how})"
            yield f"{what}; left out: {', '.join(names)}"


def pytest_report_header():
    return list(_modules_left_out())


def pytest_terminal_summary(terminalreporter):
    for line in _modules_left_out():
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """Encodes each drawn clip once: clips.path(media.Clip(...))."""
    return media.Cache(tmp_path_factory.mktemp("clips"))


@pytest.fixture(params=sorted(hostile.CLIPS))
def stream(request, clips, tmp_path):
    """Each of the streams that are damaged in tests, as a hostile.Stream."""
    return hostile.stream(clips, hostile.CLIPS[request.param], tmp_path)
