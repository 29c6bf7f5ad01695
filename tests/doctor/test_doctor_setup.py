"""Cameras and groups, the service, its configuration, room on the disk."""

import os
import shutil
import stat
import subprocess
from collections import namedtuple

import pytest
from platforms import machine_trees as trees

import edge_attp.engine
from edge_attp.doctor import FAIL, Patient, cameras, configuration, machine, units
from edge_attp.sources import v4l2

PATIENT = Patient()
USER = 54321


def only(findings):
    (found,) = findings
    return found


# Cameras and groups


@pytest.fixture
def as_user(monkeypatch):
    """A user who is not root, of no group that has a name."""
    monkeypatch.setattr(os, "geteuid", lambda: USER)
    monkeypatch.setattr(os, "getgroups", lambda: [USER])
    monkeypatch.setattr(os, "access", lambda path, mode: bool(os.stat(path).st_mode & stat.S_IWOTH))


def camera(folder, number, name=None):
    tree = {f"dev/video{number}": ""}
    if name:
        tree[f"sys/class/video4linux/video{number}/name"] = name + "\n"
    trees.write(folder, tree)
    path = folder / "dev" / (f"video{number}")
    path.chmod(0o660)
    return path


def test_no_camera(tmp_path):
    assert only(cameras.cameras(Patient(str(tmp_path)))).status == "INFO"


def test_cameras_and_who_may_use_them(tmp_path, monkeypatch, as_user):
    camera(tmp_path, 10)
    camera(tmp_path, 2, "HD Webcam").chmod(0o666)
    monkeypatch.setattr(v4l2, "pixel_formats", lambda path: [b"MJPG", b"H264"])
    may, may_not = cameras.cameras(Patient(str(tmp_path)))
    assert may == ("cameras.video2", "PASS", "HD Webcam: MJPG, H264; parsed as it is", "")
    assert (may_not.id, may_not.status) == ("cameras.video10", "WARN")
    assert f"user {USER} may not use it" in may_not.value and "usermod -aG" in may_not.fix


def test_a_camera_without_h264(tmp_path, monkeypatch):
    camera(tmp_path, 0)
    monkeypatch.setattr(v4l2, "pixel_formats", lambda path: [b"YUYV"])
    found = only(cameras.cameras(Patient(str(tmp_path))))
    assert found.value == "unnamed: YUYV; encoded to H.264 on the fly"


def test_a_device_that_is_no_camera(tmp_path):
    camera(tmp_path, 0, "HD Webcam")  # a file cannot be asked
    found = only(cameras.cameras(Patient(str(tmp_path))))
    assert found.status == "INFO" and "no video" in found.value


def test_the_group_of_devices(tmp_path, monkeypatch, as_user):
    patient = Patient(str(tmp_path))
    assert only(machine.groups(patient)).status == "SKIP"
    trees.write(tmp_path, trees.TX2)
    found = only(machine.groups(patient))
    assert found.status == "WARN" and "usermod -aG video" in found.fix
    monkeypatch.setattr(machine, "group_name", lambda number: "video")
    assert only(machine.groups(patient)).status == "PASS"


def test_root_needs_no_group(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert only(machine.groups(PATIENT)).status == "PASS"


# The service

WANTS = "etc/systemd/system/multi-user.target.wants/edge-attp@%s.service"


def unit(name, active="active", sub="running", result="success", restarts=0, status=""):
    fields = dict(Id=f"edge-attp@{name}.service", ActiveState=active, SubState=sub)
    fields.update(Result=result, NRestarts=restarts, StatusText=status)
    return "".join("{}={}\n".format(*field) for field in fields.items())


@pytest.fixture
def systemd(monkeypatch, tmp_path):
    """The findings where these instances are installed and `systemctl show` says this."""

    def say(names, text, code=0):
        answer = subprocess.CompletedProcess([], code, text.encode(), b"")
        monkeypatch.setattr(shutil, "which", lambda name: "/bin/" + name)
        monkeypatch.setattr(subprocess, "run", lambda command, **options: answer)
        root = trees.write(tmp_path, {WANTS % name: "" for name in names})
        return units.units(Patient(root))

    return say


def test_a_service_that_is_not_installed(systemd):
    found = only(systemd([], ""))
    assert found.status == "INFO" and "service install" in found.value


def test_without_systemd(systemd, monkeypatch, tmp_path):
    assert only(systemd(["door"], "", code=1)).status == "SKIP"
    monkeypatch.setattr(shutil, "which", lambda name: None)
    found = only(units.units(Patient(str(tmp_path))))
    assert found.status == "SKIP" and "edge-attp@door.service" in found.value


@pytest.mark.parametrize(
    "fields, status, text",
    [
        (dict(status="2 of 2 streams"), "PASS", "active (running), restarted 0 times: 2 of 2"),
        (dict(restarts=""), "PASS", "restarted 0 times"),
        (dict(restarts=3), "WARN", "restarted 3 times"),
        (dict(active="inactive", sub="dead"), "WARN", "inactive (dead)"),
        (dict(active="failed", sub="failed", result="watchdog"), FAIL, "because of watchdog"),
    ],
)
def test_states_of_a_unit(systemd, fields, status, text):
    found = only(systemd(["door"], unit("door", **fields)))
    assert (found.id, found.status) == ("service.door", status)
    assert text in found.value and bool(found.fix) == (status != "PASS")


def test_two_units(systemd):
    shown = unit("door") + "\n" + unit("yard")
    findings = systemd(["door", "yard"], shown)
    assert [found.id for found in findings] == ["service.door", "service.yard"]


# Configuration and storage

Usage = namedtuple("Usage", "total used free")
CONFIG = """
[service]
state_dir = "{0}/state"
{1}
[[stream]]
name = "door"
source = "{0}/door.mp4"
[[stream]]
name = "yard"
source = "rtsp://camera/1"
[[sink]]
type = "jsonl"
path = "{0}/{{stream}}.jsonl"
"""


def configured(folder, extra=""):
    path = folder / "service.toml"
    path.write_text(CONFIG.format(folder, extra))
    return configuration.configuration(Patient(config=str(path)))


def test_no_configuration():
    assert only(configuration.configuration(PATIENT)).status == "SKIP"


def test_a_configuration_and_what_it_names(tmp_path):
    config, state, source = configured(tmp_path)
    assert config.status == "PASS" and "streams 2, sinks 1" in config.value
    assert state.id == "config.state" and state.value.startswith(f"{tmp_path}/state")
    assert (source.id, source.status) == ("config.door", "WARN") and "door.mp4" in source.value
    (tmp_path / "door.mp4").write_bytes(b"")
    assert configured(tmp_path)[2].status == "PASS"


def test_an_installed_configuration_has_the_state_of_the_service(monkeypatch, tmp_path):
    monkeypatch.setattr(configuration, "SETTINGS_FOLDER", str(tmp_path))
    monkeypatch.setenv("STATE_DIRECTORY", "")  # so that it is put back
    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.setattr("test_doctor_setup.CONFIG", CONFIG.replace('state_dir = "{0}/state"', ""))
    assert configured(tmp_path)[1].value.startswith("/var/lib/edge-attp/service, ")


def test_a_fault_in_a_configuration(tmp_path):
    found = only(configured(tmp_path, "colour = 1"))
    assert found.status == FAIL and "service.toml:4: " in found.value and "colour" in found.value


def test_the_pack_of_a_configuration(tmp_path):
    pack = edge_attp.engine.default_pack()
    assert configured(tmp_path, f'[engine]\nmodel = "{pack}"')[2].status == "PASS"
    assert configured(tmp_path, f'[engine]\nmodel = "{tmp_path}"')[2].status == FAIL


@pytest.mark.parametrize("free, status", [(2 << 30, "PASS"), (512 << 20, "WARN"), (1 << 20, FAIL)])
def test_room_on_the_disk(monkeypatch, tmp_path, free, status):
    monkeypatch.setenv("EDGE_ATTP_CACHE", str(tmp_path / "not" / "yet" / "there"))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, free))
    found = only(configuration.storage(PATIENT))
    assert (found.id, found.status) == ("cache", status)
    assert ("EDGE_ATTP_CACHE" in found.fix) == (status != "PASS")


def test_a_folder_that_cannot_be_written(monkeypatch, tmp_path):
    monkeypatch.setenv("EDGE_ATTP_CACHE", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    found = only(configuration.storage(PATIENT))
    assert found.status == "WARN" and "cannot write to it" in found.value and "chown" in found.fix
