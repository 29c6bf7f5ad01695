"""The wheel for aarch64 in dist/: `make wheel-aarch64` runs this, `make test` does not.

Its library must be loadable on a board with JetPack 4, and compute under QEMU what the core computes
here. auditwheel, which gave the wheel its tags, has already looked at the versions of the C library.
"""

import re
import subprocess
import zipfile

import pytest
from test_aarch64 import CLIPS, assert_same

from rigs import emulator
from rigs.paths import ROOT

LIBRARY = "edge_attp/native/libedge_attp.so"


@pytest.fixture(scope="module")
def wheel():
    found = sorted((ROOT / "dist").glob("edge_attp-*aarch64.whl"), key=lambda p: p.stat().st_mtime)
    assert found, "no wheel for aarch64 in dist/: make wheel-aarch64"
    return found[-1]


@pytest.fixture(scope="module")
def unpacked(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    zipfile.ZipFile(str(wheel)).extractall(str(folder))
    return folder


@pytest.fixture(scope="module")
def reader(unpacked):
    """stream_reader, linked to the wheel's library instead of the objects of the core."""
    program = unpacked / "stream_reader"
    source = ROOT / "tests" / "packaging" / "stream_reader.cpp"
    include = ROOT / "edge_attp" / "native" / "include"
    library = unpacked / LIBRARY
    command = [emulator.CXX, "-std=c++17", "-O1", "-I", str(include), str(source), str(library)]
    command += ["-Wl,-rpath," + str(library.parent), "-o", str(program)]
    subprocess.check_call(command)
    return program


def test_any_python_of_jetpack_4_and_newer_may_install_it(wheel):
    assert re.search(r"-py3-none-manylinux2014_aarch64\.manylinux_2_17_aarch64\.whl$", wheel.name)


def test_nothing_of_another_processor_is_in_it(unpacked):
    libraries = [path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*.so")]
    assert libraries == [LIBRARY]
    assert (unpacked / LIBRARY).read_bytes()[18:20] == b"\xb7\x00"  # e_machine: AArch64


def test_the_pack_is_in_it(unpacked):
    packs = list((unpacked / "edge_attp" / "packs").glob("*/model.json"))
    assert len(packs) == 1


@pytest.mark.parametrize("kernels", ["scalar", "neon"])
@pytest.mark.parametrize("name", ["H.264, CABAC, B pyramid, weights", "HEVC, 10 bits"])
def test_its_library_computes_what_this_machine_computes(reader, clips, name, kernels):
    path = clips.path(CLIPS[name])
    codec = "hevc" if path.suffix == ".265" else "h264"
    out, log = emulator.run([reader, "dump", codec, path], kernels)
    assert log.split()[0] == kernels
    assert_same(path, emulator.read_dump(out))
