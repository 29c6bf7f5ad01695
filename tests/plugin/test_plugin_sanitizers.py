"""The checks of kernel and glue once more, built with AddressSanitizer and UndefinedBehaviorSanitizer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
CHECKS = ["test_plugin_kernel.py", "test_plugin_glue.py"]


def runtime(name):
    """The path of a sanitizer's library; the bare name if the compiler has none."""
    done = subprocess.run(["c++", "-print-file-name=" + name], stdout=subprocess.PIPE, check=True)
    return done.stdout.decode().strip()


@pytest.mark.slow
def test_no_sanitizer_complains():
    libraries = [runtime(name) for name in ("libasan.so", "libubsan.so")]
    assert all(os.path.isabs(path) for path in libraries), "the C++ compiler has no sanitizers"
    environment = dict(
        os.environ,
        EDGE_ATTP_PLUGIN_SANITIZE="1",
        LD_PRELOAD=" ".join(libraries),
        ASAN_OPTIONS="detect_leaks=0",  # the interpreter's own
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command += [str(HERE / name) for name in CHECKS] + ["-m", "not gpu"]
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert done.returncode == 0, done.stdout.decode()
