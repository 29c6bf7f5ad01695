"""What this machine can do with systemd, for tests that need it."""

import shutil


def can_boot():
    """Whether root can boot a container with systemd here, on a layer above this machine's root."""
    return all(map(shutil.which, ("systemd-nspawn", "nsenter", "unshare"))) and _has_overlay()


def can_analyse():
    """Whether systemd's own tools can check a unit, and create users in another root."""
    return all(map(shutil.which, ("systemd-analyze", "systemd-sysusers")))


def _has_overlay():
    with open("/proc/filesystems") as file:
        return "\toverlay\n" in file.read()
