"""Room and rights in the folders that edge-attp writes to."""

import os
import shutil
from typing import List

from edge_attp.doctor.findings import Finding, Patient, failed, passed, warned

__all__ = ["folder", "storage"]

SCARCE_BYTES, TOO_LITTLE_BYTES = 1 << 30, 64 << 20
FREE = "remove files, or name a folder on another disk with %s"


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
    value = "%s, %.1f GB free" % (path, free / 1e9)
    if not os.access(there, os.W_OK | os.X_OK):
        fix = "sudo chown $USER %s, or name another folder with %s" % (there, setting)
        return warned(subject, value + ", but it cannot be written", fix)
    if free < TOO_LITTLE_BYTES:
        return failed(subject, value, FREE % setting)
    if free < SCARCE_BYTES:
        return warned(subject, value, FREE % setting)
    return passed(subject, value)
