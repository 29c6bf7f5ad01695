"""What the program stands on: Python, NumPy, the native core, and PyAV with the FFmpeg inside it.

A process settles on its kernels once, so each set of the core is tested in a process of its own.
"""

import os
import platform
import sys
from typing import Any, Callable, List

from edge_attp import lazy
from edge_attp.doctor.findings import Finding, Patient, failed, passed, skipped, warned
from edge_attp.errors import EdgeAttpError, MissingTool, UsageError

__all__ = ["core", "ffmpeg", "interpreter", "kernel_sets", "numpy", "self_test"]

KERNELS = {"x86_64": ("scalar", "sse41", "avx2"), "aarch64": ("scalar", "neon")}
BUILD_AGAIN = "build it again on this machine: `pip install -e .` in the repository"
DECODERS = ("h264", "hevc", "mjpeg")
PROTOCOLS = ("tcp", "https")
DEMUXERS = ("rtsp", "mpegts", "mov", "video4linux2,v4l2")
INSTALL = (
    "pip install av (on Python 3.6: `pip install av==10.0.0` builds it against FFmpeg 4.3 to 5.1)"
)
REBUILD = "install a PyAV whose FFmpeg has it: the wheels of `pip install av` do"
OLDEST_PYTHON = (3, 6)
OLDEST_NUMPY = (1, 17)


def interpreter(patient: Patient) -> List[Finding]:
    """Its version and place."""
    value = f"{platform.python_version()}, {platform.machine()}, {sys.executable}"
    if sys.version_info[:2] < OLDEST_PYTHON:
        return [failed("python", value, "install Python 3.6 or newer")]
    return [passed("python", value)]


def numpy(patient: Patient) -> List[Finding]:
    """Whether it loads and computes."""
    try:
        import numpy
    except ImportError as error:
        return [failed("numpy", f"cannot be imported: {error}", "pip install numpy")]
    product = numpy.full((8, 8), 2.0).dot(numpy.full((8, 8), 0.5))  # through BLAS
    if not (product == 8.0).all():
        return [failed("numpy", numpy.__version__ + " computes wrongly", "install it again")]
    if tuple(int(part) for part in numpy.__version__.split(".")[:2]) < OLDEST_NUMPY:
        return [failed("numpy", numpy.__version__ + " is too old", "pip install 'numpy>=1.17'")]
    return [passed("numpy", numpy.__version__)]


def kernel_sets() -> List[str]:
    """Names of the sets that the core may have on this kind of processor."""
    return list(KERNELS.get(platform.machine(), ("scalar",)))


def core(patient: Patient) -> List[Finding]:
    """Whether it loads, and the kernels in use."""
    from edge_attp.bitstream import binding

    try:
        kernels = binding.cpu()
    except UsageError as error:
        return [failed("core", str(error), "unset EDGE_ATTP_CPU")]
    except EdgeAttpError as error:
        return [failed("core", str(error), BUILD_AGAIN)]
    path = binding.library_path()
    value = f"{kernels} kernels, interface {binding.ABI_VERSION}, {path}"
    if os.environ.get("EDGE_ATTP_CPU"):
        return [warned("core", value + ", forced by EDGE_ATTP_CPU", "unset EDGE_ATTP_CPU")]
    return [passed("core", value)]


def self_test(kernels: str) -> Callable[[Patient], List[Finding]]:
    """The check of one set of kernels. It sets EDGE_ATTP_CPU: for a process of its own."""

    def look(patient: Patient) -> List[Finding]:
        os.environ["EDGE_ATTP_CPU"] = kernels
        from edge_attp.bitstream import binding

        subject = "core." + kernels
        try:
            binding.native_core()
        except UsageError:
            return [skipped(subject, "this processor has no such kernels")]
        except EdgeAttpError:
            return [skipped(subject, "the core does not load")]
        return [_tested(subject)]

    return look


def _tested(subject: str) -> Finding:
    from edge_attp.doctor.self_test import STREAMS, difference

    for codec in STREAMS:
        wrong = difference(codec)
        if wrong:
            value = f"the {codec} self-test gives other motion or residual: {wrong}"
            return failed(subject, value, BUILD_AGAIN + "; if it stays so, report it")
    return passed(
        subject, "motion and residual of the self-test are right ({})".format(", ".join(STREAMS))
    )


def ffmpeg(patient: Patient) -> List[Finding]:
    """Versions, and what a camera or a file may need of them."""
    try:
        av = lazy.load("reading containers and cameras", "av", "av.error")
    except MissingTool as error:
        return [failed("ffmpeg", str(error), INSTALL)]
    value = "PyAV {}, libavcodec {}".format(
        av.__version__,
        ".".join(str(number) for number in av.library_versions["libavcodec"]),
    )
    missing = [f"decoder {name}" for name in DECODERS if not _has_decoder(av, name)]
    if missing:
        return [failed("ffmpeg", "{} lacks the {}".format(value, ", ".join(missing)), REBUILD)]
    missing = [f"format {name}" for name in DEMUXERS if name not in av.formats_available]
    missing += [f"protocol {name}" for name in PROTOCOLS if not _has_protocol(av, name)]
    if missing:
        return [warned("ffmpeg", "{} lacks the {}".format(value, ", ".join(missing)), REBUILD)]
    return [passed("ffmpeg", value + ", with RTSP, HTTPS and cameras")]


def _has_decoder(av: Any, name: str) -> bool:
    try:
        av.codec.Codec(name, "r")
    except ValueError:  # which the class of PyAV's error is, too
        return False
    return True


def _has_protocol(av: Any, name: str) -> bool:
    """FFmpeg's list of protocols is not in PyAV; a port that nobody listens at tells as much."""
    try:
        av.open(f"{name}://127.0.0.1:1", options={"timeout": "100000"}).close()
    except av.error.ProtocolNotFoundError:
        return False
    except (av.error.FFmpegError, OSError, ValueError):
        pass
    return True
