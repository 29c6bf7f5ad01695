"""The binding matches the C headers: structures byte by byte, functions by name and arguments, constants."""

import os
import re
import subprocess

import pytest

from edge_attp import choices
from edge_attp.bitstream import arrays, binding

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INCLUDE = os.path.join(ROOT, "edge_attp", "native", "include")
HEADERS = ("edge_attp.h", "edge_attp_tensors.h", "edge_attp_regions.h")

STRUCTURES = {
    "attp_options": binding.Options,
    "attp_stream_info": binding.NativeStreamInfo,
    "attp_picture_info": binding.PictureInfo,
    "attp_weights": binding.WeightArrays,
    "attp_error": binding.ErrorInfo,
    "attp_block_counts": binding.BlockCounts,
    "attp_tensor_grid": binding.TensorGrid,
    "attp_finder_options": binding.FinderOptions,
    "attp_region": binding.NativeRegion,
    "attp_camera_motion": binding.NativeCameraMotion,
    "attp_finder_result": binding.FinderResult,
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
    "ATTP_CODEC_HEVC": binding.CODEC_HEVC,
    "ATTP_MODE_INTRA": arrays.MODE_INTRA,
    "ATTP_MODE_INTER": arrays.MODE_INTER,
    "ATTP_MODE_SKIP": arrays.MODE_SKIP,
    "ATTP_MODE_PCM": arrays.MODE_PCM,
    "ATTP_MODE_MISSING": arrays.MODE_MISSING,
    "ATTP_NO_PTS": binding.NO_PTS,
    "ATTP_MAX_REGIONS": binding.MAX_REGIONS,
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
        "#include <stdio.h>\n#include <edge_attp_regions.h>\n#include <edge_attp_tensors.h>\n"
        f"int main(void) {{\n{prints}return 0;\n}}\n"
    )
    program = str(tmp_path / "layout")
    subprocess.check_call(["cc", "-I", INCLUDE, str(source), "-o", program])
    found = [int(line) for line in subprocess.check_output([program]).split()]
    assert dict(zip(numbers, found)) == numbers


def declarations():
    """All headers without their comments."""
    text = ""
    for name in HEADERS:
        with open(os.path.join(INCLUDE, name)) as header:
            text += header.read()
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def test_every_structure_of_the_headers_is_checked():
    assert set(re.findall(r"^typedef struct (\w+) {", declarations(), re.M)) == set(STRUCTURES)


def test_every_function_of_the_headers_is_bound():
    """By name, and with as many arguments; whether it returns something."""
    declared = {
        name: (result != "void", 0 if arguments == "void" else arguments.count(",") + 1)
        for result, name, arguments in re.findall(
            r"^ATTP_API ([\w ]+\*?) (attp_\w+)\(([^)]*)\);", declarations(), re.M
        )
    }
    assert len(declared) == declarations().count("\nATTP_API ")
    assert declared == {
        name: (result is not None, len(arguments))
        for name, (result, arguments) in binding._PROTOTYPES.items()
    }


def test_the_command_line_knows_the_limits():
    """It may not import the binding: --help needs the standard library alone."""
    assert choices.MOST_PARSE_THREADS == binding.MAX_THREADS
    assert choices.MOST_REGIONS == binding.MAX_REGIONS


def test_names_follow_one_scheme():
    """attp_<object>_<verb>: the object is one that the headers speak of."""
    objects = {name.split("_")[1] for name in binding._PROTOTYPES}
    assert objects == {"decoder", "finder", "library", "options", "picture", "tensor"}
