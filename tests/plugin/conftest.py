"""Builds the plugin's kernel and glue for the host, and the kernel for a GPU, and finds the reference.

EDGE_ATTP_PLUGIN_SANITIZE=1 builds for the host with sanitizers; test_sanitizers.py sets it.
"""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest
from kernel_library import KernelLibrary

HERE = Path(__file__).resolve().parent
PLUGIN = HERE.parents[1] / "engines" / "plugin"
sys.path.insert(0, str(HERE.parent / "export"))  # the NumPy reference of eq. (4)-(7)


def run(folder, *command):
    done = subprocess.run(
        command, cwd=str(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert done.returncode == 0, done.stdout.decode()


@pytest.fixture(scope="session")
def host_builds(tmp_path_factory):
    """build(target) compiles a library of CMakeLists.txt and returns its path."""
    folder = str(tmp_path_factory.mktemp("plugin"))
    sanitize = "ON" if os.environ.get("EDGE_ATTP_PLUGIN_SANITIZE") else "OFF"
    run(folder, "cmake", str(HERE), "-DEDGE_ATTP_SANITIZE=" + sanitize)

    def build(target):
        run(folder, "cmake", "--build", ".", "--target", target)
        return os.path.join(folder, f"lib{target}.so")

    return build


def compute_capability():
    """Of the first GPU, as in 62."""
    driver = ctypes.CDLL("libcuda.so.1")
    values = [ctypes.c_int(), ctypes.c_int()]
    assert driver.cuInit(0) == 0, "no NVIDIA device can be used"
    for value, attribute in zip(values, (75, 76)):  # the major and the minor part
        assert driver.cuDeviceGetAttribute(ctypes.byref(value), attribute, 0) == 0
    return 10 * values[0].value + values[1].value


def gpu_library(folder):
    path = str(folder / "libscoring_gpu.so")
    flags = ["-O2", "-std=c++14", "-shared", "-Xcompiler", "-fPIC", "-I" + str(PLUGIN), "-x", "cu"]
    sources = [HERE / "kernel_entry.cpp", PLUGIN / "checks.cpp", PLUGIN / "scoring.cu"]
    run(folder, "nvcc", *flags, f"-arch=sm_{compute_capability()}", *map(str, sources), "-o", path)
    return path


@pytest.fixture(scope="session", params=["host", pytest.param("gpu", marks=pytest.mark.needs_gpu)])
def kernel(request, tmp_path_factory):
    """The kernel on the host and, where there is one, on the GPU."""
    if request.param == "gpu":
        return KernelLibrary(gpu_library(tmp_path_factory.mktemp("gpu")))
    return KernelLibrary(request.getfixturevalue("host_builds")("scoring_host"))
