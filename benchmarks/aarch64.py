"""Counts the instructions that the core executes on aarch64 for each picture, with NEON and without.

They are counted under QEMU with a plugin of our own (instructions.c). These are counts, not times: they ignore
caches, branches and how long each instruction takes on a Cortex-A57. They show the share that NEON saves, and
how the sizes compare.

Needs g++-aarch64-linux-gnu, qemu-user and a C compiler. Each stream is parsed once and three times, so that the
start of the program is not counted.

    python benchmarks/aarch64.py --json benchmarks/results/aarch64-instructions-drawn.json
    python benchmarks/aarch64.py --source camera.mp4
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [ROOT, os.path.join(ROOT, "tests")]

from parse import ENCODERS, PARSERS, drawn_pictures, encode, source_pictures  # noqa: E402

from rigs import emulator  # noqa: E402

SIZES = ((340, 256), (1920, 1080))
SUFFIX = {"h264": ".264", "hevc": ".265"}
KERNELS = ("scalar", "neon")


def build_plugin(folder):
    """Returns the path of the counting plugin."""
    path = os.path.join(folder, "instructions.so")
    source = os.path.join(ROOT, "benchmarks", "instructions.c")
    subprocess.check_call(["cc", "-O2", "-shared", "-fPIC", "-o", path, source])
    return path


def count(plugin, command, kernels):
    """Instructions of one run of stream_reader, and the number of pictures that it found."""
    log = emulator.run(command, kernels, ["-plugin", plugin, "-d", "plugin"])[1]
    assert log.startswith(kernels + " "), log
    pictures = int(log.split()[1])
    return int(re.search(r"^instructions (\d+)$", log, re.M).group(1)), pictures


def per_picture(plugin, reader, codec, path, residual):
    """{"scalar": instructions, "neon": instructions, "neon_to_scalar": ratio}"""
    row = {}
    for kernels in KERNELS:
        command = [reader, "count", codec, path, str(int(residual))]
        once, pictures = count(plugin, command + ["1"], kernels)
        thrice, _ = count(plugin, command + ["3"], kernels)
        row[kernels] = round((thrice - once) / 2 / pictures)
    row["neon_to_scalar"] = round(row["neon"] / row["scalar"], 3)
    return row


def measure(folder, args):
    """The rows of all codecs and sizes."""
    reader, plugin = emulator.build() / "stream_reader", build_plugin(folder)
    rows = []
    for codec in sorted(ENCODERS):
        for width, height in SIZES:
            path = os.path.join(folder, f"{width}x{height}{SUFFIX[codec]}")
            frames = (
                source_pictures(args.source, width, height, args.pictures)
                if args.source
                else drawn_pictures(width, height, args.pictures)
            )
            pictures = encode(path, codec, frames, width, height)
            for name, residual in PARSERS.items():
                row = {"codec": codec, "size": f"{width}x{height}", "parse": name}
                row["bytes_per_picture"] = os.path.getsize(path) // pictures
                row["instructions_per_picture"] = per_picture(plugin, reader, codec, path, residual)
                rows.append(row)
                show(row)
    return rows


def show(row):
    counts = row["instructions_per_picture"]
    line = "{codec:5} {size:10} {parse:24}".format(**row)
    print(line + "{scalar:12d} scalar {neon:12d} NEON {neon_to_scalar:7.3f}".format(**counts))


def described(rows, args):
    """The rows, with what they mean and how they were measured."""
    return {
        "format_version": 1,
        "what": "instructions per picture, counted under QEMU; no times",
        "compiler": emulator.compiler_version(),
        "emulator": emulator.version(),
        "source": "real video" if args.source else "drawn",
        "pictures": args.pictures,
        "encoders": {
            codec: " ".join([encoder] + ["{}={}".format(*item) for item in options.items()])
            for codec, (encoder, options) in sorted(ENCODERS.items())
        },
        "rows": rows,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", help="take the pictures from this video (default: drawn ones)")
    parser.add_argument("--pictures", type=int, default=50)
    parser.add_argument("--json", help="also write the results here")
    args = parser.parse_args()
    if not emulator.HAS_TOOLS:
        parser.exit(1, f"needs {emulator.TOOLS}\n")
    with tempfile.TemporaryDirectory() as folder:
        results = described(measure(folder, args), args)
    if args.json:
        Path(args.json).write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
