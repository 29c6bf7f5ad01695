"""Streams read with each instruction set of this machine, in processes of their own: a set is chosen once in each."""

import os
import subprocess
import sys

from truth.digest import digest

NAMES = ("scalar", "sse41", "avx2", "neon")
_PROGRAM = """
import sys
from edge_attp.bitstream import binding
from rigs.instruction_sets import digests
print(binding.cpu(), flush=True)
for line in sys.stdin:
    print(" ".join(digests(line[:-1])), flush=True)
"""


def digests(path):
    """The digest of every picture of a file, flow included."""
    from edge_attp.bitstream import CompressedVideo

    with CompressedVideo(path) as video:
        return [digest(picture) for picture in video]


class _Process:
    def __init__(self, name):
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            env=dict(os.environ, EDGE_ATTP_CPU=name, PYTHONPATH=os.pathsep.join(sys.path)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
        )
        self.is_here = self._process.stdout.readline() == name + "\n"
        if not self.is_here:
            _, errors = self._process.communicate()
            assert "this processor has no such kernels" in errors, errors

    def ask_digests(self, path):
        self._process.stdin.write(path + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().split()

    def close(self):
        """Its input may never end: a process that another test has forked holds the other end open too."""
        self._process.kill()
        self._process.communicate()


class InstructionSets:
    """One process for each instruction set that this processor has. `names`: of those."""

    def __init__(self):
        processes = {name: _Process(name) for name in NAMES}
        self._processes = {name: one for name, one in processes.items() if one.is_here}
        self.names = list(self._processes)

    def assert_equal(self, path):
        """All of them make the same bytes of a file."""
        expected = digests(str(path))
        assert expected
        for name, process in self._processes.items():
            assert process.ask_digests(str(path)) == expected, f"{name}: {path}"

    def close(self):
        for process in self._processes.values():
            process.close()
