"""The service under systemd: whether it is installed and runs."""

import glob
import os
import shutil
import subprocess
from typing import Dict, List, Optional

from edge_attp.doctor.findings import Finding, Patient, failed, noted, passed, skipped, warned

__all__ = ["units"]

INSTALLED = "etc/systemd/system/*.wants/edge-attp@*.service"
FIELDS = "Id,ActiveState,SubState,Result,NRestarts,StatusText"
MOST_SECONDS = 10


def units(patient: Patient) -> List[Finding]:
    """One finding for each instance that starts with the machine."""
    paths = glob.glob(os.path.join(glob.escape(patient.root), INSTALLED))
    names = sorted({os.path.basename(path) for path in paths})
    if not names:
        return [noted("service", "not installed; `edge-attp service install` installs it")]
    shown = _show(names)
    if shown is None:
        value = "systemd is not running, as in a container, so nothing starts " + ", ".join(names)
        return [skipped("service", value)]
    return [_finding(_fields(block)) for block in shown.strip().split("\n\n")]


def _show(names: List[str]) -> Optional[str]:
    if shutil.which("systemctl") is None:
        return None
    command = ["systemctl", "show", "--property=" + FIELDS] + names
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=MOST_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def _fields(block: str) -> Dict[str, str]:
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _finding(unit: Dict[str, str]) -> Finding:
    name, state = unit.get("Id", ""), unit.get("ActiveState", "unknown")
    restarts = unit.get("NRestarts") or "0"  # systemd 237 does not count them
    subject = "service." + name.replace("edge-attp@", "").replace(".service", "")
    status = unit.get("StatusText", "")
    value = f"{state} ({unit.get('SubState', 'unknown')}), restarted {restarts} times"
    value += ": " + status if status else ""
    journal = f"`journalctl -u {name}` says why"
    if state == "failed":
        return failed(subject, f"{value}, because of {unit.get('Result')}", journal)
    if state not in ("active", "reloading"):
        return warned(subject, value, "sudo systemctl start " + name)
    if restarts != "0":
        return warned(subject, value, journal)
    return passed(subject, value)
