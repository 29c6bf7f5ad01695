"""Load the built plugin into the real libnvinfer 8.x, without a GPU: registration, look-up, serialisation, failures.

    cmake -S engines/plugin -B build/plugin -DTENSORRT_INCLUDE_DIR=... -DTENSORRT_LIBRARY=.../libnvinfer.so.8
    cmake --build build/plugin
    python tests/plugin/check_libnvinfer.py build/plugin/libedge_attp_plugin.so

Needs the Python module tensorrt 8.2 to 8.6 and numpy. Nothing is built or run: that takes a GPU. Exit code 1 if a
check fails, 2 if something is missing.
"""

import ctypes
import sys

NAMES = ("TrilinearScoring", "1", "edge_attp")
SAVED = b"\x01\0\0\0\x05\0\0\0"  # layout 1, five factors


def missing(path):
    """What keeps this check from running, or None."""
    try:
        import numpy  # noqa: F401
        import tensorrt
    except (ImportError, OSError) as error:
        return f"tensorrt and numpy must be importable: {error}"
    if not tensorrt.__version__.startswith("8."):
        return f"this is TensorRT {tensorrt.__version__}: the check is for 8.2 to 8.6"
    try:
        ctypes.CDLL(path, ctypes.RTLD_GLOBAL)
    except OSError as error:
        return f"the plugin does not load: {error}"
    return None


def create(creator, factors):
    import numpy as np
    import tensorrt as trt

    field = trt.PluginField("factors", np.array([factors], np.int32), trt.PluginFieldType.INT32)
    return creator.create_plugin("node", trt.PluginFieldCollection([field]))


def checks():
    """(what was checked, whether it holds)"""
    import tensorrt as trt

    registry = trt.get_plugin_registry()
    creator = registry.get_plugin_creator(*NAMES)
    yield "the creator is found under its namespace", creator is not None
    yield "and under no other", registry.get_plugin_creator(*NAMES[:2], "") is None
    yield (
        "the parser is told of the attribute",
        [f.name for f in creator.field_names] == ["factors"],
    )
    plugin = create(creator, 5)
    found = (plugin.plugin_type, plugin.plugin_version, plugin.plugin_namespace)
    yield "a plugin has the three names", found == NAMES
    yield "and one output", plugin.num_outputs == 1
    yield "it serialises", bytes(plugin.serialize()) == SAVED
    restored = creator.deserialize_plugin("node", SAVED)
    yield "it deserialises", bytes(restored.serialize()) == SAVED
    yield "it clones", bytes(restored.clone().serialize()) == SAVED
    yield "no plugin has 0 factors", create(creator, 0) is None
    yield "a short engine is refused", creator.deserialize_plugin("node", SAVED[:4]) is None
    another = b"\x02" + SAVED[1:]
    yield "another layout is refused", creator.deserialize_plugin("node", another) is None


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    lacking = missing(sys.argv[1])
    if lacking:
        print("not checked: " + lacking, file=sys.stderr)
        return 2
    results = list(checks())
    for what, holds in results:
        print("{!s:45} {}".format(what, "ok" if holds else "FAILED"))
    return 0 if all(holds for _, holds in results) else 1


if __name__ == "__main__":
    sys.exit(main())
