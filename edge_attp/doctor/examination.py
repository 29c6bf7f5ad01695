"""The table of checks, and how they are run: none of them can end the examination.

What loads native libraries runs in a process of its own, because such a library may end its
process (NumPy 1.19.5 on a Jetson) or never return.
"""

import json
import os
import signal
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Dict, List, NamedTuple, Optional

from edge_attp.doctor import cameras, engines, machine, service, software
from edge_attp.doctor.findings import Finding, Patient, failed

__all__ = ["CHECKS", "Check", "alone", "examine", "main"]

MOST_SECONDS = 120
REPORT = "report this as a bug, with the output of `edge-attp doctor --json`"
# Modules are not to be taken from the current folder, which may hold anything.
PROGRAM = (
    "import sys; sys.path = [path for path in sys.path if path]; "
    "from edge_attp.doctor.examination import main; main()"
)
PACKAGE_PARENT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Check(NamedTuple):
    """name: what its findings are called if it fails itself. is_apart: in a process of its own."""

    name: str
    look: Callable[[Patient], List[Finding]]
    is_apart: bool = False


CHECKS = (
    Check("board", machine.board),
    Check("release", machine.release),
    Check("power", machine.settings),
    Check("temperature", machine.temperature),
    Check("memory", machine.memory),
    Check("time", machine.clock),
    Check("python", software.interpreter),
    Check("numpy", software.numpy, True),
    Check("core", software.core, True),
    *(Check("core." + name, software.self_test(name), True) for name in software.kernel_sets()),
    Check("ffmpeg", software.ffmpeg, True),
    Check("pack", engines.pack, True),
    Check("onnxruntime", engines.onnxruntime, True),
    Check("tensorrt", engines.tensorrt, True),
    Check("cameras", cameras.cameras, True),
    Check("groups", cameras.groups),
    Check("service", service.units),
    Check("config", service.configuration, True),
    Check("cache", service.storage, True),
)


def examine(patient: Optional[Patient] = None) -> List[Finding]:
    """Runs every check; findings in the order of the table. Raises nothing."""
    patient = patient or Patient()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        apart = {
            check.name: pool.submit(_apart, check, patient) for check in CHECKS if check.is_apart
        }
        findings: Dict[str, List[Finding]] = {
            check.name: alone(check, patient) for check in CHECKS if not check.is_apart
        }
        findings.update((name, future.result()) for name, future in apart.items())
    return [finding for check in CHECKS for finding in findings[check.name]]


def alone(check: Check, patient: Patient) -> List[Finding]:
    """Runs one check in this process. What it raises is a finding."""
    try:
        return check.look(patient)
    except Exception as error:
        at = traceback.extract_tb(sys.exc_info()[2])[-1]
        place = f"{os.path.basename(at.filename)} line {at.lineno}"
        said = " ".join((f"{type(error).__name__}: {error}").split())
        return [failed(check.name, f"the check itself failed: {said} ({place})", REPORT)]


def main() -> None:
    """In a process of its own: one check, whose findings are printed as JSON. Arguments: its name, and the
    patient as JSON."""
    name, patient = sys.argv[1:]
    check = next(check for check in CHECKS if check.name == name)
    print("\n" + json.dumps(alone(check, Patient(*json.loads(patient)))))


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
        return [failed(check.name, f"cannot be looked at: {error}", REPORT)]
    try:
        return [Finding(*values) for values in json.loads(_last_line(done.stdout))]
    except (ValueError, TypeError):
        return [failed(check.name, _ending(done), _cure(done.returncode))]


def _last_line(output: bytes) -> str:
    """Libraries may have written before it."""
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""


def _ending(done: "subprocess.CompletedProcess[bytes]") -> str:
    said = _last_line(done.stderr)
    if done.returncode >= 0:
        return f"the process that looks at it ended with {done.returncode}: {said}"
    try:
        name = signal.Signals(-done.returncode).name
    except ValueError:
        name = f"signal {-done.returncode}"
    return f"the process that looks at it died of {name}"


def _cure(returncode: int) -> str:
    if returncode == -signal.SIGILL:
        return (
            "a library uses instructions that this processor lacks; NumPy 1.19.5 does on a Jetson: "
            "`pip install numpy==1.19.4`, or set OPENBLAS_CORETYPE=ARMV8"
        )
    return REPORT
