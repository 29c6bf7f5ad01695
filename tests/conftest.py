"""What all tests share: media drawn and encoded once per session, real streams where they are at hand, and the markers.

- `slow`: the large matrices; `-m "not slow"` leaves them out, as `make test` does.
- `gpu`: needs an NVIDIA device; left out where there is none, unless `--require-gpu` makes that a failure.
- Tests of real streams need `../shared/media` beside the checkout, or the folder that EDGE_ATTP_MEDIA names.
What is left out for want of something is said before and after the tests.
"""

import ctypes.util
import importlib.util
from pathlib import Path

import pytest

from rigs import broker, browser, camera, emulator, hostile, media, systemd
from rigs.paths import SHARED_MEDIA


def _is_installed(package):
    return importlib.util.find_spec(package) is not None


HAS_AV = _is_installed("av")
HAS_TORCH = _is_installed("torch")
HAS_GPU = ctypes.util.find_library("cuda") is not None

EXPORT_TESTS = Path(__file__).resolve().parent / "export"

# Without PyAV nothing can be encoded and FFmpeg cannot bear witness.
_NEED_AV = (
    "test_cases",
    "test_clips",
    "test_recorder",
    "test_truth_bites",
    "test_truth_check_media",
    "test_truth_encoded",
    "test_truth_hevc_",
    "test_truth_media",
    "test_truth_self_test",
    "test_truth_sequences_hevc",
    "test_truth_slice_end",
    "test_truth_witness",
    "test_truth_written",
    "test_vectors_",
    "test_pan_",
    "test_hostile_",
    "test_intake_packets",
    "test_live",
    "test_rtsp",
    "test_threads",
    "test_serve_demo",
    "test_under_systemd",
)
_NEED_MEDIA = ("test_truth_media", "test_hostile_media", "test_aarch64_media")
# Programs and packages that one subject needs: what, whether it is here, beginnings of test names.
_NEED_OTHERS = (
    ("root and systemd-nspawn", systemd.can_boot(), ("test_under_systemd",)),
    ("root and systemd-analyze", systemd.can_analyse(), ("test_units_analysed",)),
    ("Chromium", browser.PROGRAM is not None, ("test_page_browser",)),
    ("GStreamer's RTSP server", camera.has_gstreamer(), ("test_rtsp",)),
    ("mosquitto and paho-mqtt", broker.PROGRAM and _is_installed("paho"), ("test_mqtt",)),
    ("prometheus_client", _is_installed("prometheus_client"), ("test_metrics",)),
    (emulator.TOOLS, emulator.HAS_TOOLS, ("test_aarch64",)),
)


def _is_left_out(path):
    name = Path(str(path)).name
    lacks_media = not SHARED_MEDIA.is_dir() and name.startswith(_NEED_MEDIA)
    return (
        lacks_media
        or (not HAS_AV and name.startswith(_NEED_AV))
        or (not HAS_TORCH and _is_of_the_workstation(Path(str(path))))
        or any(name.startswith(names) for _, is_here, names in _NEED_OTHERS if not is_here)
    )


def _is_of_the_workstation(path):
    """edge_attp_export needs PyTorch; what runs under Python 3.6 tests what it left behind."""
    is_test = path.name.startswith("test_") and not path.name.startswith("test_py36_")
    return is_test and path.parent == EXPORT_TESTS


def _left_out():
    """One line for each thing that is missing and matters."""
    modules = sorted(
        path.stem for path in Path(__file__).parent.rglob("test_*.py") if _is_left_out(path)
    )
    if modules:
        missing = [] if HAS_AV else ["PyAV"]
        missing += [] if SHARED_MEDIA.is_dir() else [str(SHARED_MEDIA)]
        missing += [] if HAS_TORCH else ["PyTorch"]
        missing += [what for what, is_here, _ in _NEED_OTHERS if not is_here]
        yield "left out, for want of {}: {}".format(" and ".join(missing), ", ".join(modules))
    if not HAS_GPU:
        yield "left out, for want of an NVIDIA device: tests marked gpu (--require-gpu runs them)"


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
    return list(_left_out())


def pytest_terminal_summary(terminalreporter):
    for line in _left_out():
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """Encodes each drawn clip once: clips.path(media.Clip(...))."""
    return media.Cache(tmp_path_factory.mktemp("clips"))


@pytest.fixture(params=sorted(hostile.CLIPS))
def stream(request, clips, tmp_path):
    """Each of the streams that are damaged in tests, as a hostile.Stream."""
    return hostile.stream(clips, hostile.CLIPS[request.param], tmp_path)
