"""What the image starts: builds the engines that the service needs and the volume lacks, then becomes the command.

Without a GPU or TensorRT the service still runs, on ONNX Runtime, unless its configuration asks for TensorRT.
"""

import os
import subprocess
import sys


def build_command(command):
    """The command that builds what this one needs; None if it needs no engines."""
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
    """The table [engine]; None for a wrong configuration, of which the service itself will speak."""
    from edge_attp.errors import EdgeAttpError
    from edge_attp.service.config import load_config

    try:
        return load_config(path).engine
    except EdgeAttpError:
        return None


def main(command):
    build = build_command(command)
    if build is not None and subprocess.call(build) != 0:
        print("going on without TensorRT engines", file=sys.stderr)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
