"""Package metadata and the build of the native core.

Metadata lives here and not in pyproject.toml because Python 3.6 ends at setuptools 59, which reads
no [project] table. The core is one shared library behind a C header, loaded with ctypes: a wheel
serves every Python 3, and its tag says so.
"""

import glob
import os
import re
import shutil
import subprocess

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # setuptools before 70.1
    from wheel.bdist_wheel import bdist_wheel

ROOT = os.path.dirname(os.path.abspath(__file__))
NATIVE = os.path.join(ROOT, "edge_attp", "native")
DEFAULT_PACK = "fight"


def read(*parts):
    with open(os.path.join(ROOT, *parts), encoding="utf-8") as file:
        return file.read()


def version():
    """The version in edge_attp/__init__.py, read as text: importing it would need NumPy."""
    return re.search(r'^__version__ = "([^"]+)"', read("edge_attp", "__init__.py"), re.M).group(1)


class BuildCore(build_ext):
    """Builds edge_attp/native/CMakeLists.txt in place of a C extension.

    EDGE_ATTP_BUILD_DIR keeps the build tree between runs, so that only what changed is compiled.
    """

    def get_ext_filename(self, fullname):
        return os.path.join(*fullname.split(".")) + ".so"

    def build_extension(self, ext):
        cmake = shutil.which("cmake")
        if cmake is None:
            raise SystemExit("building edge-attp needs CMake 3.10 or newer: pip install cmake")
        output = os.path.abspath(os.path.join(self.build_lib, "edge_attp", "native"))
        tree = os.environ.get("EDGE_ATTP_BUILD_DIR") or os.path.join(self.build_temp, "native")
        tree = os.path.abspath(tree)
        for directory in (output, tree):
            if not os.path.isdir(directory):
                os.makedirs(directory)
        configure = [
            cmake,
            NATIVE,
            "-DCMAKE_BUILD_TYPE=Release",
            "-DCMAKE_LIBRARY_OUTPUT_DIRECTORY=" + output,
        ]
        subprocess.check_call(configure, cwd=tree)
        jobs = f"-j{os.cpu_count() or 1}"
        subprocess.check_call([cmake, "--build", tree, "--", jobs])


class BuildPython(build_py):
    """Adds the default model pack to a wheel; an editable install reads it from engines/packs."""

    def run(self):
        build_py.run(self)
        if not getattr(self, "editable_mode", False):
            pack = os.path.join(ROOT, "engines", "packs", DEFAULT_PACK)
            self.copy_tree(pack, os.path.join(self.build_lib, "edge_attp", "packs", DEFAULT_PACK))


class PlatformWheel(bdist_wheel):
    """Tags the wheel py3-none-<platform>: native code, but none that knows a Python version."""

    def get_tag(self):
        return ("py3", "none") + bdist_wheel.get_tag(self)[2:]


ONNX = ["onnxruntime>=1.10"]
OVERLAY = [
    # Unpinned, pip on Python 3.6 takes a newer source archive and compiles for hours.
    "opencv-python-headless==4.6.0.66; python_version < '3.7'",
    "opencv-python-headless>=4.5; python_version >= '3.7'",
]
SERVICE = [
    "paho-mqtt>=1.6",
    "prometheus_client>=0.14",
    "tomli>=1.2; python_version < '3.11'",
]
DEVELOPMENT = [
    "argparse-manpage==4.8",
    "clang-format==23.1.5",
    "mypy==2.4.1",
    "onnx>=1.11",
    "pdoc==16.0.0",
    "pytest>=7.0",
    "pytest-timeout>=2.1",
    "pytest-xdist>=3.0",
    "ruff==0.17.6",
    "setuptools>=59",
    "shtab==1.13.0",
]
# Where man, bash and zsh look below the prefix of an installation; packaging/manual.py writes them.
MANUAL = {
    "share/man/man1": "packaging/man/*.1",
    "share/bash-completion/completions": "packaging/completion/edge-attp",
    "share/zsh/site-functions": "packaging/completion/_edge-attp",
}

setup(
    name="edge-attp",
    version=version(),
    description="Action recognition on H.264 and HEVC video without decoding it",
    long_description=read("README.md"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.6",
    packages=find_packages(include=["edge_attp", "edge_attp.*"]),
    package_data={
        "edge_attp": ["py.typed"],
        "edge_attp.doctor": ["streams/*"],
        "edge_attp.service": ["edge-attp@.service", "page/*"],
    },
    data_files=[(to, sorted(glob.glob(files))) for to, files in MANUAL.items()],
    ext_modules=[Extension("edge_attp.native.libedge_attp", sources=[])],
    cmdclass={"build_ext": BuildCore, "build_py": BuildPython, "bdist_wheel": PlatformWheel},
    entry_points={"console_scripts": ["edge-attp = edge_attp.cli:main"]},
    # pip reads this list before an isolated build; a CMake on the PATH is good enough.
    setup_requires=[] if shutil.which("cmake") else ["cmake"],
    install_requires=[
        # NumPy 1.19.5 dies with an illegal instruction on the Jetson's Cortex-A57.
        "numpy>=1.17,!=1.19.5; platform_machine == 'aarch64' and python_version < '3.7'",
        "numpy>=1.17; platform_machine != 'aarch64' or python_version >= '3.7'",
        # PyAV has no wheel for 3.6. Raw .264 files are read without it; containers and cameras
        # need it: "pip install av==10.0.0" builds it there against FFmpeg 4.3 to 5.1.
        "av>=10; python_version >= '3.7'",
    ],
    extras_require={
        "onnx": ONNX,
        "overlay": OVERLAY,
        "service": SERVICE,
        # TensorRT itself comes with JetPack or NVIDIA's own packages.
        "tensorrt": ["pycuda>=2022.1"],
        "dev": DEVELOPMENT + ONNX + OVERLAY + SERVICE,
    },
    classifiers=[
        "Operating System :: POSIX :: Linux",
        "Programming Language :: C++",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.6",
        "Topic :: Multimedia :: Video",
        "Topic :: Scientific/Engineering :: Image Recognition",
    ],
    zip_safe=False,
)
