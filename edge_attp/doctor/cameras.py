"""Cameras, and the group that may use them and, on a Jetson, the GPU."""

import glob
import grp
import os
import pwd
import re
from typing import List

from edge_attp.doctor.findings import Finding, Patient, known, passed, skipped, warned
from edge_attp.errors import SourceError
from edge_attp.platforms import detect

__all__ = ["cameras", "groups"]

GROUP = "video"


def cameras(patient: Patient) -> List[Finding]:
    """Each /dev/videoN: its name, whether this user may use it, and what it delivers."""
    devices = glob.glob(os.path.join(glob.escape(patient.root), "dev/video[0-9]*"))
    if not devices:
        return [known("cameras", "no /dev/video*: network cameras and files need none")]
    return [_camera(patient.root, path) for path in sorted(devices, key=_number)]


def _camera(root: str, path: str) -> Finding:
    device = os.path.basename(path)
    subject = "cameras." + device
    try:
        with open(os.path.join(root, "sys/class/video4linux", device, "name")) as file:
            name = file.read().strip()
    except OSError:
        name = "without a name"
    if os.access(path, os.R_OK | os.W_OK):
        return _formats(subject, name, path)
    group = _group(os.stat(path).st_gid)
    value = f"{name}: {_user()} may not use it, its group is {group}"
    return warned(subject, value, _join(group))


def _formats(subject: str, name: str, path: str) -> Finding:
    """What it delivers. Of the two devices that a USB camera has, one gives no video."""
    from edge_attp.sources.v4l2 import input_format, pixel_formats

    try:
        formats = pixel_formats(path)
    except SourceError as error:
        return known(subject, f"{name}, which gives no video ({error})")
    names = ", ".join(code.decode("ascii", "replace") for code in formats)
    how = "read as it is" if input_format(formats) else "encoded to H.264 on the fly"
    return passed(subject, f"{name}: {names}; {how}")


def groups(patient: Patient) -> List[Finding]:
    """Membership of the group video, which the devices of a Jetson's GPU belong to as well."""
    if os.geteuid() == 0:
        return [passed("groups", "root needs none")]
    has_use = detect(patient.root).soc or glob.glob(os.path.join(patient.root, "dev/video*"))
    if GROUP in [_group(number) for number in os.getgroups()]:
        return [passed("groups", f"{_user()} is in the group {GROUP}")]
    value = f"{_user()} is not in the group {GROUP}"
    if not has_use:
        return [skipped("groups", value + ", and there is no device that needs it")]
    return [warned("groups", value, _join(GROUP))]


def _join(group: str) -> str:
    return f"sudo usermod -aG {group} {_user()}, then log in again"


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container's
        return f"user {os.geteuid()}"


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _number(path: str) -> int:
    return int(re.sub(r"\D", "", os.path.basename(path)))
