"""The binding says the same as the C header: structures byte by byte, functions by name, constants."""

import os
import re
import subprocess

import pytest

from edge_attp.bitstream import binding, picture
from edge_attp.tensors import binding as tensor_binding

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INCLUDE = os.path.join(ROOT, "edge_attp", "native", "include")
HEADER = os.path.join(INCLUDE, "edge_attp.h")

STRUCTURES = {
    "attp_options": binding.Options,
    "attp_stream_info": binding.NativeStreamInfo,
    "attp_picture_info": binding.PictureInfo,
    "attp_weights": binding.WeightArrays,
    "attp_error": binding.ErrorInfo,
    "attp_block_counts": binding.BlockCounts,
    "attp_tensor_grid": tensor_binding.Grid,
}
CONSTANTS = {
    "ATTP_ABI_VERSION": binding.ABI_VERSION,
    "ATTP_OK": binding.OK,
    "ATTP_AGAIN": binding.AGAIN,
    "ATTP_END": binding.END,
    "ATTP_UNSUPPORTED": binding.UNSUPPORTED,
    "ATTP_CORRUPT": binding.CORRUPT,
    "ATTP_LIMIT": binding.LIMIT,
    "ATTP_NO_MEMORY": binding.NO_MEMORY,
    "ATTP_INVALID_ARGUMENT": binding.INVALID_ARGUMENT,
    "ATTP_CODEC_H264": binding.CODEC_H264,
    "ATTP_MODE_INTRA": picture.MODE_INTRA,
    "ATTP_MODE_INTER": picture.MODE_INTER,
    "ATTP_MODE_SKIP": picture.MODE_SKIP,
    "ATTP_MODE_PCM": picture.MODE_PCM,
    "ATTP_MODE_MISSING": picture.MODE_MISSING,
    "ATTP_NO_PTS": binding.NO_PTS,
}


def expected_numbers():
    """Name of each C expression, and what Python makes of it."""
    numbers = {"(long long)" + name: value for name, value in CONSTANTS.items()}
    for name, structure in STRUCTURES.items():
        numbers[f"sizeof({name})"] = binding.ctypes.sizeof(structure)
        for field in structure._fields_:
            offset = getattr(structure, field[0]).offset
            numbers[f"offsetof({name}, {field[0]})"] = offset
    return numbers


@pytest.mark.needs_cc
def test_structures_and_constants(tmp_path):
    numbers = expected_numbers()
    prints = "".join(f'printf("%lld\\n", (long long)({name}));\n' for name in numbers)
    source = tmp_path / "layout.c"
    source.write_text(
        f"#include <stdio.h>\n#include <edge_attp.h>\nint main(void) {{\n{prints}return 0;\n}}\n"
    )
    program = str(tmp_path / "layout")
    subprocess.check_call(["cc", "-I", INCLUDE, str(source), "-o", program])
    found = [int(line) for line in subprocess.check_output([program]).split()]
    assert dict(zip(numbers, found)) == numbers


def test_every_structure_of_the_header_is_checked():
    with open(HEADER) as header:
        assert set(re.findall(r"^typedef struct (\w+) {", header.read(), re.M)) == set(STRUCTURES)


def test_every_function_of_the_header_is_bound():
    with open(HEADER) as header:
        declared = set(re.findall(r"ATTP_API[^;]*?\b(attp_\w+)\(", header.read()))
    declared = {name for name in declared if not name.startswith("attp_tensor_")}
    assert declared == set(binding._PROTOTYPES)
