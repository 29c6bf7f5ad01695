"""The core cross-compiled for aarch64 and run under QEMU: building it, running it, reading its output.

Knows the tools and the format of stream_reader.cpp; compares nothing.
"""

import os
import shutil
import subprocess
from typing import NamedTuple, Tuple

import numpy as np

from rigs.paths import ROOT

CXX = os.environ.get("EDGE_ATTP_AARCH64_CXX", "aarch64-linux-gnu-g++").split()[0]
QEMU = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
HAS_TOOLS = bool(shutil.which(CXX) and QEMU and shutil.which("cmake"))
TOOLS = "a compiler for aarch64 and QEMU (g++-aarch64-linux-gnu, qemu-user)"
TOOLCHAIN = ROOT / "edge_attp" / "native" / "cmake" / "aarch64-linux-gnu.cmake"
EMULATOR = [str(QEMU), "-cpu", "cortex-a57", "-L", "/usr/aarch64-linux-gnu"]
BUILD = ROOT / "build" / "aarch64"
GRID = (170, 128)
CROP = 112


class Dumped(NamedTuple):
    """One picture as stream_reader wrote it: (kind, decode_index, poc, is_damaged), and its arrays."""

    header: Tuple[str, int, int, bool]
    arrays: dict


def build():
    """Builds stream_reader and the native checks. Returns the build folder."""
    BUILD.mkdir(parents=True, exist_ok=True)
    source = ROOT / "tests" / "packaging"
    configure = ["cmake", str(source), f"-DCMAKE_TOOLCHAIN_FILE={TOOLCHAIN}"]
    for command in (configure, ["cmake", "--build", ".", "--", f"-j{os.cpu_count()}"]):
        done = subprocess.run(
            command, cwd=str(BUILD), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert done.returncode == 0, done.stdout.decode()
    return BUILD


def run(command, kernels, options=()):
    """Runs a command with these kernels under QEMU. options: of QEMU. Returns (stdout, stderr)."""
    environment = dict(os.environ, EDGE_ATTP_CPU=kernels)
    done = subprocess.run(
        EMULATOR + list(options) + [str(part) for part in command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout, done.stderr.decode()


def compiler_version():
    """The first line of the compiler's --version."""
    return subprocess.check_output([CXX, "--version"]).decode().splitlines()[0]


def version():
    """The first line of QEMU's --version."""
    return subprocess.check_output([QEMU, "--version"]).decode().splitlines()[0]


def _shapes(width, height, is_weighted):
    width4, height4 = -(-width // 4), -(-height // 4)
    half = (-(-height // 2), -(-width // 2))
    yield "mv", np.int16, (2, height4, width4, 2)
    yield "reference", np.int32, (2, height4, width4)
    yield "mode", np.uint8, (height4, width4)
    yield "y", np.int16, (height, width)
    yield "u", np.int16, half
    yield "v", np.int16, half
    yield "flow", np.float32, (2, height4, width4)
    yield "flow tensor", np.float32, (2, CROP, CROP)
    yield "residual tensor", np.float32, (3, CROP, CROP)
    yield "energy tensor", np.float32, (1, CROP, CROP)
    if is_weighted:
        yield "weights", np.int16, (6, 2, height4, width4)


def read_dump(data):
    """All pictures of the output of `stream_reader dump`."""
    pictures, at = [], 0
    while at < len(data):
        header = np.frombuffer(data, np.int32, 7, at)
        at += header.nbytes
        kind, index, poc, is_damaged, width, height, is_weighted = header.tolist()
        arrays = {}
        for name, dtype, shape in _shapes(width, height, is_weighted):
            array = np.frombuffer(data, dtype, int(np.prod(shape)), at)
            at += array.nbytes
            arrays[name] = array.reshape(shape)
        pictures.append(Dumped((chr(kind), index, poc, bool(is_damaged)), arrays))
    return pictures
