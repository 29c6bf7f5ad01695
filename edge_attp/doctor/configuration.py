"""The configuration of the service, read as the service reads it, and what it names on this machine."""

import os
from typing import Any, List

from edge_attp.doctor.findings import Finding, Patient, failed, passed, skipped, warned
from edge_attp.doctor.storage import folder
from edge_attp.errors import EdgeAttpError, UsageError

__all__ = ["configuration"]

INSTALLED = "/etc/edge-attp"


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
    value = "%s: streams %d, sinks %d" % (config.path, len(config.streams), len(config.sinks))
    state = folder("config.state", config.state_dir, "[service] state_dir")
    sources = [_source(stream) for stream in config.streams if _is_local(stream.source)]
    return [passed("config", value), state] + _pack(config) + sources


def _take_state_of_the_service(path: str) -> None:
    """An installed configuration is read with the state folder that systemd gives."""
    folder, file = os.path.split(os.path.abspath(path))
    if folder == INSTALLED:
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
    return [passed("config.pack", "%s, %s" % (pack.name, pack.folder))]


def _is_local(source: str) -> bool:
    return source != "-" and "://" not in source


def _source(stream: Any) -> Finding:
    subject = "config." + stream.name
    if not os.path.exists(stream.source):
        fix = "connect the camera, or mend source of [[stream]] %s" % stream.name
        return warned(subject, "%s is not there" % stream.source, fix)
    if not os.access(stream.source, os.R_OK):
        fix = "let the user of the service read it (of a camera: the group video)"
        return warned(subject, "%s may not be read by this user" % stream.source, fix)
    return passed(subject, stream.source)
