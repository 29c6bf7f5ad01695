"""What is said of boards, by recorded trees."""

import time

import pytest
from platforms import machine_trees as trees

from edge_attp.doctor import Patient, machine

CHECKS = (machine.board, machine.release, machine.settings, machine.temperature, machine.memory)


def findings(tmp_path, tree):
    """By id."""
    patient = Patient(trees.write(tmp_path, tree))
    return {finding.id: finding for look in CHECKS for finding in look(patient)}


@pytest.mark.parametrize(
    "tree, statuses",
    [
        (trees.TX2, "INFO PASS PASS PASS PASS PASS"),
        (trees.TX2_IDLE, "INFO PASS WARN WARN PASS PASS"),
        (trees.TX2_MAXQ, "INFO PASS WARN PASS PASS PASS"),
        (trees.NANO, "INFO WARN INFO INFO WARN WARN"),
        (trees.XAVIER_NX, "INFO PASS INFO INFO PASS PASS"),
        (trees.ORIN_JETPACK_5, "INFO PASS INFO INFO SKIP PASS"),
        (trees.PC, "INFO SKIP SKIP INFO SKIP PASS"),
        ({}, "INFO SKIP SKIP INFO SKIP SKIP"),
    ],
    ids="tx2 tx2_idle tx2_maxq nano xavier orin pc nothing".split(),
)
def test_boards(tmp_path, tree, statuses):
    found = findings(tmp_path, tree)
    assert list(found) == ["board", "release", "power", "clocks", "temperature", "memory"]
    assert " ".join(finding.status for finding in found.values()) == statuses
    for finding in found.values():
        assert finding.value and bool(finding.fix) == (finding.status in ("WARN", "FAIL"))


def test_a_tx2_is_described(tmp_path):
    found = findings(tmp_path, trees.TX2)
    assert found["board"].value == "Jetson TX2 (quill), 6 cores on, GPU GP10B (sm_62)"
    assert found["release"].value == "L4T R32.7.6 (JetPack 4.6.6)"
    assert found["power"].value == "MAXN"
    assert found["clocks"].value == "gpu 1300 of 1300 MHz, cpu0 2035 of 2035 MHz"
    assert found["temperature"].value == "BCPU-therm 36 degrees C, the warmest of 2 zones"
    assert found["memory"].value == "6.4 of 8.2 GB free"


def test_settings_name_their_commands(tmp_path):
    found = findings(tmp_path, trees.TX2_IDLE)
    assert found["power"].value == "the power mode is MAXP_CORE_ARM, not MAXN"
    assert found["power"].fix == "sudo nvpmodel -m 0"
    assert found["clocks"].fix == "sudo jetson_clocks"


def test_old_software(tmp_path):
    found = findings(tmp_path, trees.NANO)["release"]
    assert (
        found.value
        == "L4T R32.6.1 (JetPack 4.6) is too old for TensorRT 8.2, which edge-attp needs"
    )


def test_a_container_hides_the_release(tmp_path):
    tree = dict(trees.TX2, **{"etc/nv_tegra_release": ""})
    found = findings(tmp_path, tree)["release"]
    assert found.status == "WARN" and "mount" in found.fix


@pytest.mark.parametrize(
    "celsius, status", [(79, "PASS"), (80, "WARN"), (94.5, "WARN"), (95, "FAIL")]
)
def test_heat(tmp_path, celsius, status):
    tree = dict(trees.TX2, **{"sys/class/thermal/thermal_zone2/temp": f"{1000 * celsius:.0f}\n"})
    found = findings(tmp_path, tree)["temperature"]
    assert found.status == status and found.value.startswith("GPU-therm")


@pytest.mark.parametrize("free, status", [(262143, "FAIL"), (1048575, "WARN"), (1048576, "PASS")])
def test_memory(tmp_path, free, status):
    meminfo = f"MemTotal: 8048484 kB\nMemAvailable: {free} kB\n"
    found = findings(tmp_path, dict(trees.TX2, **{"proc/meminfo": meminfo}))["memory"]
    assert found.status == status


@pytest.mark.parametrize(
    "now, synchronised, status",
    [
        (2e9, True, "PASS"),
        (2e9, False, "WARN"),
        (2e9, None, "SKIP"),
        (1500000000, True, "FAIL"),
    ],
)
def test_time(monkeypatch, now, synchronised, status):
    monkeypatch.setattr(machine, "is_synchronised", lambda: synchronised)
    monkeypatch.setattr(time, "time", lambda: now)
    (found,) = machine.clock(Patient())
    assert found.status == status and bool(found.fix) == (status in ("WARN", "FAIL"))
