"""Holds the rules of the layout: who may import whom, what stays late, which names are public.

The tables below are the rules. Everything is read from the sources; the program itself runs in one
test only, in an interpreter that sees no installed package.
"""

import ast
import importlib
import os
import re
import subprocess
import sys
import types

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PACKAGE = os.path.join(ROOT, "edge_attp")
NATIVE = os.path.join(PACKAGE, "native", "src")
PLUGIN = os.path.join(ROOT, "engines", "plugin")

BASE = {"types", "errors", "choices", "lazy", "log", "protocols", "timing", "backoff"}
STAGES = {
    "bitstream",
    "sources",
    "tensors",
    "engine",
    "recognition",
    "sinks",
    "platforms",
    "regions",
    "survey",
}
# What each part of edge_attp may import from edge_attp, besides itself.
MAY_IMPORT = {
    "types": set(),
    "errors": set(),
    "choices": set(),
    "protocols": set(),
    "lazy": {"errors"},
    "log": set(),
    "timing": set(),
    "backoff": set(),
    "strict": {"errors", "lazy", "protocols"},
    "bitstream": {"types", "errors", "lazy", "log", "protocols"},
    "sources": BASE | {"bitstream"},
    "engine": BASE | {"strict"},
    "platforms": BASE,
    "survey": BASE | {"bitstream"},
    "regions": BASE | {"bitstream"},
    "tensors": BASE | {"bitstream"},
    "recognition": BASE | {"bitstream", "tensors", "engine"},
    "sinks": BASE | {"strict", "bitstream", "sources", "recognition"},
    "pipeline": BASE | STAGES,
    "service": BASE | STAGES | {"strict", "pipeline"},
    "bench": BASE | STAGES | {"pipeline"},
    "doctor": BASE | STAGES | {"service"},
    "cli": BASE | STAGES | {"pipeline", "service", "bench", "doctor"},
    "__main__": {"cli"},
    "__init__": set(),
}
# Optional packages: the files that may load them, through edge_attp.lazy.
OPTIONAL = {
    "av": r"bitstream/.*|sinks/overlay[^/]*\.py|doctor/software\.py",
    "cv2": r"sinks/draw\.py|sinks/overlay[^/]*\.py",
    "onnxruntime": r"engine/onnxruntime[^/]*\.py",
    "onnx": r"platforms/layers\.py|engine/onnx_graph\.py",
    "paho": r"sinks/mqtt_client\.py",
    "tensorrt": r"engine/tensorrt_platform\.py",
    "pycuda": r"engine/cuda_device\.py",
    "prometheus_client": r"service/metrics\.py",
    "tomli": r"strict/formats\.py",
    "torch": r"(?!)",
    "edge_attp_export": r"(?!)",
}
# The core: what each folder of edge_attp/native/src may include, besides itself.
MAY_INCLUDE = {
    "bits": set(),
    "kernels": {"bits"},
    "fields": {"kernels", "bits"},
    "tensors": set(),
    "h26x": {"fields", "kernels", "bits"},
    "h264": {"h26x", "fields", "kernels", "bits"},
    "hevc": {"h26x", "fields", "kernels", "bits"},
    "regions": {"h26x", "fields", "bits"},
    "capi": {"h264", "hevc", "regions", "h26x", "fields", "tensors", "kernels", "bits"},
}
# The public headers, and the folders that know each of them.
PUBLIC_HEADERS = {
    "edge_attp.h": set(MAY_INCLUDE),
    "edge_attp_regions.h": {"capi"},
    "edge_attp_tensors.h": {"tensors", "capi"},
}

# The TensorRT plugin: what each file of engines/plugin may include, of ours and of TensorRT. The kernel
# knows no TensorRT.
PLUGIN_MAY_INCLUDE = {
    "half.h": set(),
    "score_block.h": {"half.h"},
    "scoring.h": set(),
    "problem.h": {"score_block.h", "scoring.h"},
    "scoring.cu": {"score_block.h", "problem.h"},
    "checks.cpp": {"scoring.h"},
    "glue.h": {"scoring.h", "NvInferRuntime.h"},
    "glue.cpp": {"glue.h"},
    "entry.cpp": {"glue.h"},
    "plugin_v2.cpp": {"glue.h"},
    "plugin_v3.cpp": {"glue.h"},
}


def files(folder, *extensions):
    found = []
    for where, _, names in os.walk(folder):
        found += [os.path.join(where, name) for name in names if name.endswith(extensions)]
    return sorted(found)


def name_of(path, folder):
    return os.path.relpath(path, folder).replace(os.sep, "/")


def source(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def part(path_or_module):
    """The part of edge_attp that a file or a dotted name belongs to, its first path element."""
    return re.split(r"[/.]", path_or_module)[0]


def imports(path):
    """(dotted name, is inside a function, line) for everything that a file imports when it runs."""
    found = []

    def visit(node, late):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                found.extend((alias.name, late, child.lineno) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{path}:{child.lineno}: relative import"
                found.append((child.module, late, child.lineno))
                found.extend(
                    (child.module + "." + alias.name, late, child.lineno) for alias in child.names
                )
            if isinstance(child, ast.If) and getattr(child.test, "id", "") == "TYPE_CHECKING":
                continue
            visit(child, late or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)))

    visit(ast.parse(source(path), path), False)
    return found


PYTHON_FILES = [name_of(path, PACKAGE) for path in files(PACKAGE, ".py")]
NATIVE_FILES = [name_of(path, NATIVE) for path in files(NATIVE, ".cpp", ".h", ".inc")]
PLUGIN_FILES = [name_of(path, PLUGIN) for path in files(PLUGIN, ".cpp", ".h", ".cu")]


def test_sources_are_found():
    assert len(PYTHON_FILES) > 10
    assert len(NATIVE_FILES) > 10


@pytest.mark.parametrize("name", PYTHON_FILES)
def test_python_imports_go_down(name):
    allowed = MAY_IMPORT[part(name)]
    for module, _, line in imports(os.path.join(PACKAGE, name)):
        if module.startswith("edge_attp."):
            other = part(module[len("edge_attp.") :])
            known = other in MAY_IMPORT  # else a name of edge_attp/__init__.py
            assert not known or other == part(name) or other in allowed, (
                f"edge_attp/{name}:{line} imports {module}; {part(name)} may import "
                f"{', '.join(sorted(allowed)) or 'nothing'}"
            )


def loaded(path):
    """(dotted name, line) for each text that a file gives to lazy.load() after the purpose."""
    for node in ast.walk(ast.parse(source(path), path)):
        function = getattr(node, "func", None)
        if isinstance(function, ast.Attribute) and function.attr == "load":
            if getattr(function.value, "id", "") == "lazy":
                for argument in node.args[1:]:
                    yield ast.literal_eval(argument), node.lineno


@pytest.mark.parametrize("name", PYTHON_FILES)
def test_optional_packages_are_loaded_lazily_and_in_their_place(name):
    path = os.path.join(PACKAGE, name)
    imported = [(module, line) for module, _, line in imports(path) if part(module) in OPTIONAL]
    assert not imported, f"edge_attp/{name} imports {imported}: use lazy.load()"
    for module, line in loaded(path):
        pattern = dict(OPTIONAL, numpy=r"doctor/software\.py")[part(module)]
        assert re.match(f"(?:{pattern})$", name), (
            f"edge_attp/{name}:{line} loads {module}: not its place"
        )


@pytest.mark.parametrize("name", PYTHON_FILES)
def test_imports_stand_at_the_top(name):
    late = [line for _, late, line in imports(os.path.join(PACKAGE, name)) if late]
    assert not late, f"edge_attp/{name} imports inside a function, lines {late}"


@pytest.mark.parametrize("name", NATIVE_FILES)
def test_native_includes_go_down(name):
    own = name.split("/")[0]
    allowed = MAY_INCLUDE[own] | {own}
    for include in re.findall(
        r'^\s*#\s*include\s+"([^"]+)"', source(os.path.join(NATIVE, name)), re.M
    ):
        other = include.split("/")[0]
        if include in PUBLIC_HEADERS:
            assert own in PUBLIC_HEADERS[include], f"{name} includes {include}"
            continue
        assert "/" in include, f"{name} includes {include}: write its folder too"
        assert other in allowed, f"{name} includes {include}, which is not below {own}"


@pytest.mark.parametrize("name", PLUGIN_FILES)
def test_plugin_includes_go_down(name):
    text = source(os.path.join(PLUGIN, name))
    included = set(re.findall(r'^\s*#\s*include\s+["<]([^">]+\.h)[">]', text, re.M))
    assert included <= PLUGIN_MAY_INCLUDE[name], name


@pytest.mark.parametrize("name", PYTHON_FILES)
def test_is_python_36(name):
    text = source(os.path.join(PACKAGE, name))
    if sys.version_info >= (3, 8):
        ast.parse(text, name, feature_version=(3, 6))
    else:
        ast.parse(text, name)
    assert "from __future__ import annotations" not in text


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["run"],
        ["inspect"],
        ["build"],
        ["bench"],
        ["doctor"],
        ["serve"],
        ["service"],
        ["export"],
    ],
)
def test_help_needs_the_standard_library_alone(arguments):
    program = (
        "import sys; sys.path.insert(0, %r); from edge_attp.cli import main; sys.exit(main(%r))"
    )
    command = [sys.executable, "-I", "-S", "-c", program % (ROOT, arguments + ["--help"])]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    assert b"usage: edge-attp" in done.stdout


@pytest.mark.parametrize("module", ["edge_attp.bitstream", "edge_attp.errors", "edge_attp.types"])
def test_public_names_are_exactly_all(module):
    loaded = importlib.import_module(module)
    public = {
        name
        for name, value in vars(loaded).items()
        if not name.startswith("_")
        and not isinstance(value, types.ModuleType)
        and getattr(value, "__module__", "edge_attp").startswith("edge_attp")
    }
    assert public == set(loaded.__all__)


def test_version_is_the_newest_of_the_changelog():
    import edge_attp

    released = re.search(
        r"^## \[(\d+\.\d+\.\d+)\]", source(os.path.join(ROOT, "CHANGELOG.md")), re.M
    )
    assert released is not None and edge_attp.__version__ == released.group(1)
