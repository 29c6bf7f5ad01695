"""The board: what it is, its software, its settings, how warm it is, its memory and its time.

All is read from files below the patient's root, but for the time, which the kernel is asked for.
"""

import time
from typing import List

from edge_attp.doctor.findings import Finding, Patient, failed, known, passed, skipped, warned
from edge_attp.platforms import Board, detect, tx2
from edge_attp.platforms.jetpack import jetpack, release_numbers
from edge_attp.platforms.kernel_clock import is_synchronised
from edge_attp.platforms.memory import read_memory
from edge_attp.platforms.sensors import read_sensors

__all__ = ["board", "clock", "memory", "release", "settings", "temperature"]

# JetPack 4.6.1, the first with TensorRT 8.2, the oldest that there is an adapter for.
OLDEST_RELEASE = (32, 7, 1)
NOT_A_JETSON = "this machine is no Jetson"
# Jetsons throttle from about 95 degrees Celsius on; a processor of a PC does at about 100.
WARM_C, HOT_C = 80.0, 95.0
SCARCE_BYTES, TOO_LITTLE_BYTES = 1 << 30, 256 << 20
OLDEST_TIME_S = 1767225600  # 2026-01-01: a clock before this has lost its battery


def board(patient: Patient) -> List[Finding]:
    found = detect(patient.root)
    cores = "" if found.soc is None else f", {found.cores} cores on"
    gpu = "" if found.gpu is None else f", GPU {found.gpu}"
    arch = "" if found.gpu_arch is None else f" ({found.gpu_arch})"
    return [known("board", found.name + cores + gpu + arch)]


def release(patient: Patient) -> List[Finding]:
    """L4T and its JetPack."""
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
        return [warned("release", name + " is older than what TensorRT needs here", fix)]
    return [passed("release", name)]


def settings(patient: Patient) -> List[Finding]:
    """Power mode and clocks. Only for a TX2 is it known which are best."""
    found = detect(patient.root)
    if found.soc is None:
        return [skipped("power", NOT_A_JETSON), known("clocks", _clocks(found))]
    values = (("power", "power mode", found.power_mode), ("clocks", "clocks", _clocks(found)))
    if not tx2.is_tx2(found):
        return [known(subject, value or "cannot be read") for subject, _, value in values]
    faults = {fault.setting: fault for fault in tx2.faults(found)}
    findings = []
    for subject, setting, value in values:
        fault = faults.get(setting)
        findings.append(
            warned(subject, fault.what, fault.cure) if fault else passed(subject, value or "held")
        )
    return findings


def _clocks(found: Board) -> str:
    texts = (
        f"{clock.name} {clock.now_hz / 1e6:.0f} of {clock.limit_hz / 1e6:.0f} MHz"
        for clock in found.clocks
    )
    return ", ".join(texts) or "not told by this machine"


def temperature(patient: Patient) -> List[Finding]:
    """The warmest zone."""
    zones = read_sensors(patient.root).temperatures_c
    if not zones:
        return [skipped("temperature", "not told by this machine")]
    name = max(zones, key=lambda zone: zones[zone])
    value = f"{name} {zones[name]:.0f} degrees C, the warmest of {len(zones)} zones"
    fix = "see that the fan turns and air can pass (on a Jetson: `sudo jetson_clocks --fan`)"
    if zones[name] >= HOT_C:
        return [failed("temperature", value + ": clocks may be lowered", fix)]
    if zones[name] >= WARM_C:
        return [warned("temperature", value, fix)]
    return [passed("temperature", value)]


def memory(patient: Patient) -> List[Finding]:
    """What is free, which on a Jetson the GPU shares."""
    found = read_memory(patient.root)
    if not found.total:
        return [skipped("memory", "not told by this machine")]
    value = f"{found.available / 1e9:.1f} of {found.total / 1e9:.1f} GB free"
    fix = "end other programs, on a Jetson the desktop: `sudo systemctl isolate multi-user.target`"
    if found.available < TOO_LITTLE_BYTES:
        return [failed("memory", value, fix)]
    if found.available < SCARCE_BYTES:
        return [warned("memory", value, fix)]
    return [passed("memory", value)]


def clock(patient: Patient) -> List[Finding]:
    """Wrong times end in wrong event times and in certificates that are not valid yet."""
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    fix = "`sudo timedatectl set-ntp true`, with a time server that this machine can reach"
    if time.time() < OLDEST_TIME_S:
        return [failed("time", now + " cannot be: secure connections will be refused", fix)]
    synchronised = is_synchronised()
    if synchronised is None:
        return [skipped("time", now + "; the kernel does not tell whether it is synchronised")]
    if not synchronised:
        return [warned("time", now + ", not synchronised", fix)]
    return [passed("time", now + ", synchronised")]
