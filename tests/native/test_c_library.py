"""The library as a C program gets it: the example, the symbols it exports, and the instructions it may execute."""

import os
import re
import subprocess

import pytest

from edge_attp.bitstream import CompressedVideo, binding
from rigs.paths import ROOT

STREAMS = ROOT / "edge_attp" / "doctor" / "streams"
NATIVE = ROOT / "edge_attp" / "native"
LIBRARY = binding.library_path()
# Instructions that a processor without AVX2, BMI and MOVBE lacks. rep bsf is TZCNT, and harmless.
NEW_INSTRUCTION = re.compile(
    r"\t(?:v[a-z]\w+|andn|bextr|bls[ir]|blsmsk|bzhi|lzcnt|movbe|mulx|pdep|pext|rorx|sarx|shlx|shrx)\b"
)
FOR_AVX2 = re.compile(r"attp_avx2::|kAvx2|PairVector<.*Register(?:128|256)|idct\dx\d_x86")

pytestmark = pytest.mark.needs_cc


@pytest.fixture(scope="module")
def vectors(tmp_path_factory):
    """examples/vectors.c, compiled as strict C99."""
    program = tmp_path_factory.mktemp("c") / "vectors"
    command = ["cc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]
    command += ["-I", str(NATIVE / "include"), str(ROOT / "examples" / "vectors.c"), LIBRARY]
    subprocess.check_call(command + ["-Wl,-rpath," + os.path.dirname(LIBRARY), "-o", str(program)])
    return program


def run(program, *arguments, **environment):
    done = subprocess.Popen(
        [str(program)] + [str(argument) for argument in arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(os.environ, **environment),
    )
    out, errors = done.communicate(timeout=60)
    return done.returncode, out.decode().splitlines(), errors.decode()


def expected_lines(path):
    with CompressedVideo(str(path), residual=False) as video:
        for picture in video:
            motion = picture.motion
            used = motion.mv[motion.reference != -1].astype(int)
            height, width = picture.shape
            line = f"{picture.decode_index} {picture.kind} {width}x{height} {len(used)}"
            if len(used):
                line += " {:.3f} {:.3f}".format(*(used.sum(axis=0) / 4.0 / len(used)))
            yield line


@pytest.mark.parametrize("cpu", ["", "scalar"])
@pytest.mark.parametrize("codec, name", [("h264", "scene.264"), ("hevc", "scene.265")])
def test_the_example_prints_what_python_sees(vectors, codec, name, cpu):
    code, lines, errors = run(vectors, codec, STREAMS / name, EDGE_ATTP_CPU=cpu)
    assert (code, errors) == (0, "")
    assert lines == list(expected_lines(STREAMS / name)) and len(lines) > 3


def test_the_example_explains_its_errors(vectors, tmp_path):
    assert run(vectors)[0] == 2
    assert run(vectors, "h264", tmp_path / "none")[0] == 1
    code, _, errors = run(vectors, "h264", STREAMS / "scene.264", EDGE_ATTP_CPU="abacus")
    assert (code, errors) == (1, "vectors: no decoder could be opened\n")


def test_nothing_but_the_c_functions_is_exported():
    listed = subprocess.check_output(["nm", "-D", "--defined-only", LIBRARY]).decode()
    assert {line.split()[-1] for line in listed.splitlines()} == set(binding._PROTOTYPES)


def functions_with_new_instructions():
    """Demangled names, without the copies that GCC specialised for one object file."""
    command = ["objdump", "-d", "-C", "--no-show-raw-insn", LIBRARY]
    found, name = set(), ""
    for line in subprocess.check_output(command).decode().splitlines():
        if line.endswith(">:"):
            name = line.split("<", 1)[1][:-2]
        elif "[clone " not in name and NEW_INSTRUCTION.search(line):
            found.add(name)
    return found


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="only x86-64 has two cores")
def test_avx2_stays_where_it_was_asked_for():
    """The linker keeps one copy of the inline functions that both cores use: it must be the portable one. And
    nothing runs when the library is loaded."""
    found = functions_with_new_instructions()
    assert any("attp_avx2::" in name for name in found)
    assert [name for name in sorted(found) if not FOR_AVX2.search(name)] == []
