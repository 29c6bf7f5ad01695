"""What this machine can do with systemd, for tests that need it."""

import os
import shutil


def can_boot():
    """Whether a container with systemd can be booted here, on a layer above this machine's root."""
    programs = ("systemd-nspawn", "nsenter", "unshare")
    return os.geteuid() == 0 and all(map(shutil.which, programs)) and _has_overlay()


def can_analyse():
    """Whether systemd's own tools can look at a unit, and make users in another root."""
    return os.geteuid() == 0 and all(map(shutil.which, ("systemd-analyze", "systemd-sysusers")))


def _has_overlay():
    with open("/proc/filesystems") as file:
        return "\toverlay\n" in file.read()
