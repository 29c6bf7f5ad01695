"""What all tests share: media drawn and encoded once per session, real streams where they are at hand, and the markers.

- `slow`: the large matrices; `-m "not slow"` leaves them out, as `make test` does.
- `gpu`: needs an NVIDIA device; left out where there is none, unless `--require-gpu` makes that a failure.
- Tests of real streams need `../shared/media` beside the checkout, or the folder that EDGE_ATTP_MEDIA names.
What is left out is said in the header of the test run.
"""

import ctypes.util
import importlib.util
import os
from pathlib import Path

import pytest

from support import media

ROOT = Path(__file__).resolve().parent.parent
SHARED_MEDIA = Path(os.environ.get("EDGE_ATTP_MEDIA", str(ROOT.parent / "shared" / "media")))
HAS_AV = importlib.util.find_spec("av") is not None
HAS_GPU = ctypes.util.find_library("cuda") is not None

# Without PyAV nothing can be encoded and FFmpeg cannot bear witness.
_NEED_AV = (
    "test_truth_bites",
    "test_truth_check_media",
    "test_truth_encoded",
    "test_truth_media",
    "test_truth_slice_end",
    "test_truth_written",
    "test_vectors_",
    "test_pan_",
    "test_hostile_",
    "test_threads",
)
_NEED_MEDIA = ("test_truth_media", "test_hostile_media")


def _is_left_out(path):
    name = Path(str(path)).name
    return (not HAS_AV and name.startswith(_NEED_AV)) or (
        not SHARED_MEDIA.is_dir() and name.startswith(_NEED_MEDIA)
    )


def pytest_addoption(parser):
    parser.addoption(
        "--require-gpu", action="store_true", help="run gpu tests without a device too"
    )


def pytest_configure(config):
    config.addinivalue_line("markers", "gpu: needs an NVIDIA device")


def pytest_ignore_collect(collection_path):
    return True if _is_left_out(collection_path) else None


def pytest_collection_modifyitems(config, items):
    if HAS_GPU or config.getoption("--require-gpu"):
        return
    left_out = [item for item in items if item.get_closest_marker("gpu")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_report_header(config):
    left_out = sorted(
        path.stem for path in Path(__file__).parent.rglob("test_*.py") if _is_left_out(path)
    )
    lines = [
        "real streams: {}".format(
            SHARED_MEDIA if SHARED_MEDIA.is_dir() else "absent: {}".format(SHARED_MEDIA)
        ),
        "PyAV: {}; NVIDIA device: {}".format(
            *("found" if has else "absent" for has in (HAS_AV, HAS_GPU))
        ),
    ]
    return lines + (
        ["not collected for want of these: {}".format(", ".join(left_out))] if left_out else []
    )


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """Encodes each drawn clip once: clips.path(media.Clip(...))."""
    return media.Cache(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="session")
def shared_media():
    """The folder of real streams. Modules that use it are not collected where it is absent."""
    return SHARED_MEDIA
