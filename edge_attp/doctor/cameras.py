"""Cameras: their names, whether this user may use them, and what they deliver."""

import glob
import os
import re
from typing import List

from edge_attp.doctor.findings import Finding, Patient, noted, passed, warned
from edge_attp.doctor.machine import group_name, how_to_join, user_name
from edge_attp.errors import SourceError
from edge_attp.sources import v4l2

__all__ = ["cameras"]


def cameras(patient: Patient) -> List[Finding]:
    """One finding for each /dev/videoN."""
    devices = glob.glob(os.path.join(glob.escape(patient.root), "dev/video[0-9]*"))
    if not devices:
        return [noted("cameras", "no /dev/video*; network cameras and files need none")]
    return [_camera(patient.root, path) for path in sorted(devices, key=_number)]


def _camera(root: str, path: str) -> Finding:
    device = os.path.basename(path)
    subject = "cameras." + device
    try:
        with open(os.path.join(root, "sys/class/video4linux", device, "name")) as file:
            name = file.read().strip()
    except OSError:
        name = "unnamed"
    if os.access(path, os.R_OK | os.W_OK):
        return _formats(subject, name, path)
    group = group_name(os.stat(path).st_gid)
    value = f"{name}: {user_name()} may not use it; it belongs to the group {group}"
    return warned(subject, value, how_to_join(group))


def _formats(subject: str, name: str, path: str) -> Finding:
    """What it delivers. A USB camera has two devices, one of which delivers no video."""
    try:
        formats = v4l2.pixel_formats(path)
    except SourceError as error:
        return noted(subject, f"{name}, which delivers no video ({error})")
    names = ", ".join(code.decode("ascii", "replace") for code in formats)
    how = "parsed as it is" if v4l2.input_format(formats) else "encoded to H.264 on the fly"
    return passed(subject, f"{name}: {names}; {how}")


def _number(path: str) -> int:
    return int(re.sub(r"\D", "", os.path.basename(path)))
