"""The table of checks, and how they run: none of them can end the examination.

A check that loads native libraries runs in a process of its own, because such a library may kill its process
(NumPy 1.19.5 does on a Jetson) or never return.
"""

import importlib
import json
import os
import platform
import signal
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Dict, List, NamedTuple, Optional, Tuple

from edge_attp.doctor.findings import Finding, Patient, failed

__all__ = ["CHECKS", "Check", "examine", "main", "run_check"]

MOST_SECONDS = 120
REPORT = "report this as a bug, with the output of `edge-attp doctor --json`"
# Modules must not come from the current folder, which may hold anything.
PROGRAM = (
    "import sys; sys.path = [path for path in sys.path if path]; "
    "from edge_attp.doctor.examination import main; main()"
)
PACKAGE_PARENT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Check(NamedTuple):
    """name: id of its finding if the check itself fails. function: in the module edge_attp.doctor.`module`; it takes
    the Patient, then `arguments`, and returns a list of findings. is_apart: runs in a process of its own."""

    name: str
    module: str
    function: str
    is_apart: bool = False
    arguments: Tuple[str, ...] = ()


# Of the native core, by machine; each is tested in a process of its own, which chooses its kernels once.
KERNELS = {"x86_64": ("scalar", "sse41", "avx2"), "aarch64": ("scalar", "neon")}
CHECKS = (
    Check("board", "machine", "board"),
    Check("release", "machine", "release"),
    Check("power", "machine", "settings"),
    Check("temperature", "machine", "temperature"),
    Check("memory", "machine", "memory"),
    Check("time", "machine", "clock"),
    Check("python", "software", "interpreter"),
    Check("numpy", "software", "numpy", True),
    Check("core", "core", "core", True),
    *(
        Check("core." + name, "core", "kernels", True, (name,))
        for name in KERNELS.get(platform.machine(), ("scalar",))
    ),
    Check("ffmpeg", "software", "ffmpeg", True),
    Check("pack", "engines", "pack", True),
    Check("onnxruntime", "engines", "onnxruntime", True),
    Check("tensorrt", "engines", "tensorrt", True),
    Check("cameras", "cameras", "cameras", True),
    Check("groups", "machine", "groups"),
    Check("service", "units", "units"),
    Check("config", "configuration", "configuration", True),
    Check("cache", "configuration", "storage", True),
)


def examine(patient: Optional[Patient] = None) -> List[Finding]:
    """Runs every check; findings in the order of the table. Raises nothing."""
    patient = patient or Patient()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        apart = {
            check.name: pool.submit(_apart, check, patient) for check in CHECKS if check.is_apart
        }
        findings: Dict[str, List[Finding]] = {
            check.name: run_check(check, patient) for check in CHECKS if not check.is_apart
        }
        findings.update((name, future.result()) for name, future in apart.items())
    return [finding for check in CHECKS for finding in findings[check.name]]


def run_check(check: Check, patient: Patient) -> List[Finding]:
    """Runs one check in this process. Whatever it raises becomes a finding."""
    try:
        module = importlib.import_module("edge_attp.doctor." + check.module)
        return list(getattr(module, check.function)(patient, *check.arguments))
    except Exception as error:
        at = traceback.extract_tb(sys.exc_info()[2])[-1]
        place = f"{os.path.basename(at.filename)} line {at.lineno}"
        message = " ".join(f"{type(error).__name__}: {error}".split())
        return [failed(check.name, f"the check itself failed: {message} ({place})", REPORT)]


def main() -> None:
    """The program of a process that runs one check and prints its findings as JSON. Arguments: the name of the
    check, and the patient as JSON."""
    name, patient = sys.argv[1:]
    check = next(check for check in CHECKS if check.name == name)
    print("\n" + json.dumps(run_check(check, Patient(*json.loads(patient)))))


def _apart(check: Check, patient: Patient) -> List[Finding]:
    command = [sys.executable, "-c", PROGRAM, check.name, json.dumps(patient)]
    paths = [PACKAGE_PARENT] + os.environ.get("PYTHONPATH", "").split(os.pathsep)
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, paths)))
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=MOST_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return [failed(check.name, f"no answer within {MOST_SECONDS} s", REPORT)]
    except OSError as error:
        return [failed(check.name, f"cannot be checked: {error}", REPORT)]
    try:
        return [Finding(*values) for values in json.loads(_last_line(done.stdout))]
    except (ValueError, TypeError):
        return [failed(check.name, _ending(done), _fix(done.returncode))]


def _last_line(output: bytes) -> str:
    """Libraries may have printed before it."""
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""


def _ending(done: "subprocess.CompletedProcess[bytes]") -> str:
    if done.returncode >= 0:
        return f"the process that checks it ended with {done.returncode}: {_last_line(done.stderr)}"
    try:
        name = signal.Signals(-done.returncode).name
    except ValueError:
        name = f"signal {-done.returncode}"
    return f"the process that checks it was killed by {name}"


def _fix(returncode: int) -> str:
    if returncode == -signal.SIGILL:
        return (
            "a library uses instructions that this processor lacks, as NumPy 1.19.5 does on a Jetson: "
            "`pip install numpy==1.19.4`, or set OPENBLAS_CORETYPE=ARMV8"
        )
    return REPORT
