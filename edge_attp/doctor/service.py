"""Whether the service is installed and runs, as systemd tells it; its configuration, read as the service reads
it, with what that names on this machine; and room in the folders that are written to.
"""

import glob
import os
import shutil
import subprocess
from typing import Any, Dict, List, Optional

from edge_attp.doctor.findings import Finding, Patient, failed, known, passed, skipped, warned
from edge_attp.errors import EdgeAttpError, UsageError

__all__ = ["configuration", "folder", "storage", "units"]

SETTINGS_FOLDER = "/etc/edge-attp"
SCARCE_BYTES, TOO_LITTLE_BYTES = 1 << 30, 64 << 20
FREE = "remove files, or name a folder on another disk with %s"
INSTALLED = "etc/systemd/system/*.wants/edge-attp@*.service"
FIELDS = "Id,ActiveState,SubState,Result,NRestarts,StatusText"
MOST_SECONDS = 10


def units(patient: Patient) -> List[Finding]:
    """One finding for each instance that starts with the machine."""
    paths = glob.glob(os.path.join(glob.escape(patient.root), INSTALLED))
    names = sorted({os.path.basename(path) for path in paths})
    if not names:
        return [known("service", "not installed: `edge-attp service install` does that")]
    shown = _show(names)
    if shown is None:
        value = "systemd does not run here, as in a container, so nobody starts " + ", ".join(names)
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
    said = unit.get("StatusText", "")
    value = "{} ({}), restarted {} times".format(state, unit.get("SubState", "unknown"), restarts)
    value += ": " + said if said else ""
    reasons = f"`journalctl -u {name}` says why"
    if state == "failed":
        return failed(subject, "{}, because of {}".format(value, unit.get("Result")), reasons)
    if state not in ("active", "reloading"):
        return warned(subject, value, "sudo systemctl start " + name)
    if restarts != "0":
        return warned(subject, value, reasons)
    return passed(subject, value)


def configuration(patient: Patient) -> List[Finding]:
    """The file, its model pack, its streams' local sources and its state folder."""
    if patient.config is None:
        return [skipped("config", "none was given; --config FILE checks one")]
    from edge_attp.service.config import load_config

    _take_state_of_the_service(patient.config)
    try:
        config = load_config(patient.config)
    except UsageError as error:
        return [failed("config", str(error), "mend that line; `edge-attp serve --help` tells more")]
    value = f"{config.path}: streams {len(config.streams)}, sinks {len(config.sinks)}"
    state = folder("config.state", config.state_dir, "[service] state_dir")
    sources = [_local_source(stream) for stream in config.streams if _is_local(stream.source)]
    return [passed("config", value), state] + _pack(config) + sources


def _take_state_of_the_service(path: str) -> None:
    """An installed configuration is read with the state folder that systemd gives."""
    folder, file = os.path.split(os.path.abspath(path))
    if folder == SETTINGS_FOLDER:
        name = os.path.splitext(file)[0]
        os.environ.setdefault("STATE_DIRECTORY", "/var/lib/edge-attp/" + name)


def _pack(config: Any) -> List[Finding]:
    from edge_attp.engine import load_pack

    if config.engine.pack is None:
        return []
    try:
        pack = load_pack(config.engine.pack)
    except EdgeAttpError as error:
        return [failed("config.pack", str(error), "mend [engine] pack")]
    return [passed("config.pack", f"{pack.name}, {pack.folder}")]


def _is_local(source: str) -> bool:
    return source != "-" and "://" not in source


def _local_source(stream: Any) -> Finding:
    subject = "config." + stream.name
    if not os.path.exists(stream.source):
        fix = f"connect the camera, or mend source of [[stream]] {stream.name}"
        return warned(subject, f"{stream.source} is not there", fix)
    if not os.access(stream.source, os.R_OK):
        fix = "let the user of the service read it (of a camera: the group video)"
        return warned(subject, f"{stream.source} may not be read by this user", fix)
    return passed(subject, stream.source)


def storage(patient: Patient) -> List[Finding]:
    """The engine cache."""
    from edge_attp.engine.engine_cache import default_folder

    return [folder("cache", default_folder(), "$EDGE_ATTP_CACHE")]


def folder(subject: str, path: str, setting: str) -> Finding:
    """Whether a folder can be written to and has room. setting: what names another one. The folder
    need not be there yet: then its nearest parent that is there counts."""
    there = os.path.abspath(path)
    while not os.path.isdir(there):
        there = os.path.dirname(there)
    free = shutil.disk_usage(there).free
    value = f"{path}, {free / 1e9:.1f} GB free"
    if not os.access(there, os.W_OK | os.X_OK):
        fix = f"sudo chown $USER {there}, or name another folder with {setting}"
        return warned(subject, value + ", but it cannot be written", fix)
    if free < TOO_LITTLE_BYTES:
        return failed(subject, value, FREE % setting)
    if free < SCARCE_BYTES:
        return warned(subject, value, FREE % setting)
    return passed(subject, value)
