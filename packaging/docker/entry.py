"""Entry point of the image: builds missing engines, then replaces itself with the command.

Without a GPU or TensorRT the service runs on ONNX Runtime, unless its configuration demands TensorRT.
"""

import os
import subprocess
import sys


def build_command(command):
    """The command that builds the engines this one needs; None if it needs none."""
    if command[:2] != ["edge-attp", "serve"] or "--config" not in command[:-1]:
        return None
    if "--check-config" in command:
        return None
    engine = _engine(command[command.index("--config") + 1])
    if engine is None or engine.backend == "onnxruntime":
        return None
    model = ["--model", engine.model] if engine.model else []
    return ["edge-attp", "build"] + model + ["--batch", str(engine.batch)]


def _engine(path):
    """The table [engine]; None for a wrong configuration, which the service itself will report."""
    from edge_attp.errors import EdgeAttpError
    from edge_attp.service.config import load_config

    try:
        return load_config(path).engine
    except EdgeAttpError:
        return None


def main(command):
    build = build_command(command)
    if build is not None and subprocess.call(build) != 0:
        print("continuing without TensorRT engines", file=sys.stderr)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
