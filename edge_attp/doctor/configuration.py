"""The configuration of the service, read as the service reads it, and the folders that are written to."""

import os
import shutil
from typing import List

from edge_attp.doctor.findings import Finding, Patient, failed, passed, skipped, warned
from edge_attp.engine import load_pack
from edge_attp.engine.engine_cache import default_folder
from edge_attp.errors import EdgeAttpError, UsageError
from edge_attp.service.config import Config, StreamTable, load_config

__all__ = ["check_folder", "configuration", "storage"]

SETTINGS_FOLDER = "/etc/edge-attp"
SCARCE_BYTES, TOO_LITTLE_BYTES = 1 << 30, 64 << 20


def configuration(patient: Patient) -> List[Finding]:
    """The file, its model pack, the local sources of its streams, and its state folder."""
    if patient.config is None:
        return [skipped("config", "none given; --config FILE checks one")]
    _set_state_folder(patient.config)
    try:
        config = load_config(patient.config)
    except UsageError as error:
        return [failed("config", str(error), "correct that line, see `edge-attp serve --example`")]
    value = f"{config.path}: streams {len(config.streams)}, sinks {len(config.sinks)}"
    state = check_folder("config.state", config.state_dir, "[service] state_dir")
    sources = [_local_source(stream) for stream in config.streams if _is_local(stream.source)]
    return [passed("config", value), state] + _model(config) + sources


def _set_state_folder(path: str) -> None:
    """An installed configuration is read with the state folder that systemd sets for it."""
    folder, file = os.path.split(os.path.abspath(path))
    if folder == SETTINGS_FOLDER:
        name = os.path.splitext(file)[0]
        os.environ.setdefault("STATE_DIRECTORY", "/var/lib/edge-attp/" + name)


def _model(config: Config) -> List[Finding]:
    if config.engine.model is None:
        return []
    try:
        pack = load_pack(config.engine.model)
    except EdgeAttpError as error:
        return [failed("config.pack", str(error), "correct [engine] model")]
    return [passed("config.pack", f"{pack.name}, {pack.folder}")]


def _is_local(source: str) -> bool:
    return source != "-" and "://" not in source


def _local_source(stream: StreamTable) -> Finding:
    subject = "config." + stream.name
    if not os.path.exists(stream.source):
        fix = f"connect the camera, or correct source of [[stream]] {stream.name}"
        return warned(subject, f"{stream.source} does not exist", fix)
    if not os.access(stream.source, os.R_OK):
        fix = "let the user of the service read it (for a camera: the group video)"
        return warned(subject, f"{stream.source} cannot be read by this user", fix)
    return passed(subject, stream.source)


def storage(patient: Patient) -> List[Finding]:
    """The engine cache."""
    return [check_folder("cache", default_folder(), "$EDGE_ATTP_CACHE")]


def check_folder(subject: str, path: str, setting: str) -> Finding:
    """Whether a folder can be written to and has room. setting: what chooses another folder. If the folder does
    not exist yet, its nearest existing parent is checked."""
    existing = os.path.abspath(path)
    while not os.path.isdir(existing):
        existing = os.path.dirname(existing)
    free = shutil.disk_usage(existing).free
    value = f"{path}, {free / 1e9:.1f} GB free"
    if not os.access(existing, os.W_OK | os.X_OK):
        fix = f"sudo chown $USER {existing}, or choose another folder with {setting}"
        return warned(subject, value + ", but this user cannot write to it", fix)
    fix = f"remove files, or choose a folder on another disk with {setting}"
    if free < TOO_LITTLE_BYTES:
        return failed(subject, value, fix)
    if free < SCARCE_BYTES:
        return warned(subject, value, fix)
    return passed(subject, value)
