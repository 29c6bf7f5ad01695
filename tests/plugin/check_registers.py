"""Compile the scoring kernels for GPUs and hold them to what a block may have: no spills, registers, shared memory.

    python tests/plugin/check_registers.py [62 72 87 90]

Needs no GPU and no nvcc but the runtime compiler NVRTC: version 12 (for example the package nvidia-cuda-nvrtc-cu12),
the last that knows the TX2, sm_62. Exit code 1 if a limit is broken, 2 if there is no NVRTC.
"""

import ctypes
import ctypes.util
import re
import site
import sys
from pathlib import Path

PLUGIN = Path(__file__).resolve().parents[2] / "engines" / "plugin"
REGISTERS = 32768  # a block of the TX2; newer GPUs have 65536
SHARED_BYTES = 48 * 1024
HEADERS = ("score_block.h", "half.h")


def nvrtc():
    """The library, from a Python package or the system."""
    for folder in site.getsitepackages():
        for path in sorted(Path(folder).glob("nvidia/cuda_nvrtc/lib/libnvrtc.so.*")):
            return ctypes.CDLL(str(path))
    found = ctypes.util.find_library("nvrtc")
    return ctypes.CDLL(found) if found else None


def compiled(library, architecture):
    """What the assembler reports on the kernels for one architecture, such as "62"."""
    program = ctypes.c_void_p()
    texts = [(PLUGIN / name).read_bytes() for name in HEADERS]
    library.nvrtcCreateProgram(
        ctypes.byref(program),
        (PLUGIN / "scoring.cu").read_bytes(),
        b"scoring.cu",
        len(HEADERS),
        (ctypes.c_char_p * len(HEADERS))(*texts),
        (ctypes.c_char_p * len(HEADERS))(*[name.encode() for name in HEADERS]),
    )
    wanted = "--gpu-architecture=sm_" + architecture
    options = [wanted.encode(), b"--std=c++14", b"--ptxas-options=-v"]
    failed = library.nvrtcCompileProgram(
        program, len(options), (ctypes.c_char_p * len(options))(*options)
    )
    size = ctypes.c_size_t()
    library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    library.nvrtcGetProgramLog(program, log)
    library.nvrtcDestroyProgram(ctypes.byref(program))
    if failed:
        raise SystemExit(f"sm_{architecture}: not compiled\n{log.value.decode()}")
    return log.value.decode()


def constant(file, name):
    text = (PLUGIN / file).read_text(encoding="utf-8")
    return int(re.search(rf"constexpr int {name} = (\d+);", text).group(1))


def check(architecture, log):
    """Print one line for each kernel; return how many break a limit."""
    threads = constant("score_block.h", "kThreads")
    shared = 4 * (constant("scoring.h", "kMaxProjections") + 1 + threads)
    report = r"Compiling entry function '(\w+)'.*?(\d+) bytes spill stores, (\d+) bytes spill loads.*?Used (\d+) regis"
    kernels = re.findall(report, log, re.S)
    if len(kernels) != 2:
        raise SystemExit(f"sm_{architecture}: no report on two kernels in\n{log}")
    broken = 0
    for name, stores, loads, registers in kernels:
        is_fine = stores == loads == "0" and int(registers) * threads <= REGISTERS
        is_fine = is_fine and shared <= SHARED_BYTES
        broken += not is_fine
        row = "sm_%s  %-22s %3s registers x %d threads = %5d of %d, spills %s/%s bytes, shared at most %d bytes: %s"
        verdict = "ok" if is_fine else "TOO MUCH"
        total = int(registers) * threads
        print(
            row
            % (
                architecture,
                name,
                registers,
                threads,
                total,
                REGISTERS,
                stores,
                loads,
                shared,
                verdict,
            )
        )
    return broken


def main():
    library = nvrtc()
    if library is None:
        print("NVRTC was not found: pip install nvidia-cuda-nvrtc-cu12", file=sys.stderr)
        return 2
    architectures = sys.argv[1:] or ["62", "72", "87", "90"]
    return 1 if sum([check(each, compiled(library, each)) for each in architectures]) else 0


if __name__ == "__main__":
    sys.exit(main())
