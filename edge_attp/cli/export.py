"""`edge-attp export`: passes its arguments to the workstation package edge_attp_export.

PyTorch lives in that package alone, so it runs as a process of its own.
"""

import argparse
import importlib.util
import subprocess
import sys

from edge_attp.errors import UsageError

HELP = """usage: edge-attp export [CHECKPOINT] -o PACK [OPTIONS]

Writes a model pack with the package edge-attp-export, which needs PyTorch and is not
installed here. On a workstation, in the repository: pip install ./export
"""


def main(args: argparse.Namespace) -> int:
    """Runs the other program; returns its exit code. args.rest holds its arguments."""
    if importlib.util.find_spec("edge_attp_export") is None:
        if {"-h", "--help"} & set(args.rest):
            print(HELP, end="")
            return 0
        raise UsageError(
            "export needs the package edge-attp-export, which is not installed: "
            "in the repository, pip install ./export"
        )
    command = [sys.executable, "-m", "edge_attp_export", "export"]
    return subprocess.call(command + args.rest)
