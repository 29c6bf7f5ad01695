"""The machine: its board, software, settings, temperature, memory and time, and the groups of this user.

Everything is read from files below the root of the patient, except time and user, which the kernel tells.
"""

import glob
import grp
import os
import pwd
import time
from typing import List

from edge_attp.doctor.findings import Finding, Patient, failed, noted, passed, skipped, warned
from edge_attp.platforms import Board, detect, tx2
from edge_attp.platforms.board import jetpack, read_memory, release_numbers
from edge_attp.platforms.kernel_clock import is_synchronised
from edge_attp.platforms.sensors import read_sensors

__all__ = ["board", "clock", "groups", "memory", "release", "settings", "temperature"]
__all__ += ["group_name", "how_to_join", "user_name"]

VIDEO_GROUP = "video"  # owns cameras and the devices of a Jetson's GPU
# JetPack 4.6.1, the first with TensorRT 8.2, which is the oldest that has an adapter.
OLDEST_RELEASE = (32, 7, 1)
NOT_A_JETSON = "this machine is not a Jetson"
# Jetsons throttle from about 95 degrees Celsius on; a processor of a PC does at about 100.
WARM_C, HOT_C = 80.0, 95.0
SCARCE_BYTES, TOO_LITTLE_BYTES = 1 << 30, 256 << 20
OLDEST_TIME_S = 1767225600  # 2026-01-01: a clock before this has lost its battery


def board(patient: Patient) -> List[Finding]:
    """Its name, cores and GPU."""
    found = detect(patient.root)
    cores = "" if found.soc is None else f", {found.cores} cores on"
    gpu = "" if found.gpu is None else f", GPU {found.gpu}"
    arch = "" if found.gpu_arch is None else f" ({found.gpu_arch})"
    return [noted("board", found.name + cores + gpu + arch)]


def release(patient: Patient) -> List[Finding]:
    """The L4T release and the JetPack that it belongs to."""
    found = detect(patient.root)
    if found.soc is None:
        return [skipped("release", NOT_A_JETSON)]
    if found.release is None:
        fix = "in a container, mount the host's /etc/nv_tegra_release read-only"
        return [warned("release", "the L4T release cannot be read", fix)]
    version = jetpack(found.release)
    name = f"{found.release} (JetPack {version})" if version else found.release
    numbers = release_numbers(found.release)
    if numbers is not None and numbers < OLDEST_RELEASE:
        fix = "flash JetPack 4.6.1 or newer with NVIDIA's SDK Manager"
        return [
            warned("release", name + " is too old for TensorRT 8.2, which edge-attp needs", fix)
        ]
    return [passed("release", name)]


def settings(patient: Patient) -> List[Finding]:
    """Power mode and clocks. Only for a TX2 is it known which are best."""
    found = detect(patient.root)
    if found.soc is None:
        return [skipped("power", NOT_A_JETSON), noted("clocks", _clocks(found))]
    values = (("power", "power mode", found.power_mode), ("clocks", "clocks", _clocks(found)))
    if not tx2.is_tx2(found):
        return [noted(subject, value or "cannot be read") for subject, _, value in values]
    faults = {fault.setting: fault for fault in tx2.faults(found)}
    findings = []
    for subject, setting, value in values:
        fault = faults.get(setting)
        findings.append(
            warned(subject, fault.what, fault.fix) if fault else passed(subject, value or "held")
        )
    return findings


def _clocks(found: Board) -> str:
    texts = (
        f"{clock.name} {clock.now_hz / 1e6:.0f} of {clock.limit_hz / 1e6:.0f} MHz"
        for clock in found.clocks
    )
    return ", ".join(texts) or "this machine does not tell"


def temperature(patient: Patient) -> List[Finding]:
    """The warmest zone."""
    zones = read_sensors(patient.root).temperatures_c
    if not zones:
        return [skipped("temperature", "this machine does not tell")]
    name = max(zones, key=lambda zone: zones[zone])
    value = f"{name} {zones[name]:.0f} degrees C, the warmest of {len(zones)} zones"
    fix = "check the fan and the airflow (on a Jetson: `sudo jetson_clocks --fan`)"
    if zones[name] >= HOT_C:
        return [failed("temperature", value + ", at which clocks may be throttled", fix)]
    if zones[name] >= WARM_C:
        return [warned("temperature", value, fix)]
    return [passed("temperature", value)]


def memory(patient: Patient) -> List[Finding]:
    """Free memory, which on a Jetson the GPU shares."""
    found = read_memory(patient.root)
    if not found.total:
        return [skipped("memory", "this machine does not tell")]
    value = f"{found.available / 1e9:.1f} of {found.total / 1e9:.1f} GB free"
    fix = "stop other programs; on a Jetson, stop the desktop: `sudo systemctl isolate multi-user.target`"
    if found.available < TOO_LITTLE_BYTES:
        return [failed("memory", value, fix)]
    if found.available < SCARCE_BYTES:
        return [warned("memory", value, fix)]
    return [passed("memory", value)]


def clock(patient: Patient) -> List[Finding]:
    """A wrong clock gives events wrong times and makes certificates look invalid."""
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    fix = "`sudo timedatectl set-ntp true`, with a time server that this machine can reach"
    if time.time() < OLDEST_TIME_S:
        return [failed("time", now + " is impossible: secure connections will be refused", fix)]
    synchronised = is_synchronised()
    if synchronised is None:
        return [skipped("time", now + "; the kernel does not say whether it is synchronised")]
    if not synchronised:
        return [warned("time", now + ", not synchronised", fix)]
    return [passed("time", now + ", synchronised")]


def groups(patient: Patient) -> List[Finding]:
    """Membership of the group that may use cameras and, on a Jetson, the GPU."""
    if os.geteuid() == 0:
        return [passed("groups", "root needs none")]
    is_needed = detect(patient.root).soc or glob.glob(os.path.join(patient.root, "dev/video*"))
    if VIDEO_GROUP in [group_name(number) for number in os.getgroups()]:
        return [passed("groups", f"{user_name()} is in the group {VIDEO_GROUP}")]
    value = f"{user_name()} is not in the group {VIDEO_GROUP}"
    if not is_needed:
        return [skipped("groups", value + ", and no device here needs it")]
    return [warned("groups", value, how_to_join(VIDEO_GROUP))]


def how_to_join(group: str) -> str:
    """The fix for a user who is not in a group."""
    return f"sudo usermod -aG {group} {user_name()}, then log in again"


def user_name() -> str:
    """The user's name, or number: a container need not know the name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"user {os.geteuid()}"


def group_name(number: int) -> str:
    """The name of a group, or its number."""
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
