"""The service under a real systemd, booted in a container: start, reload, watchdog, restart, stop.

Slow, and only as root with systemd-nspawn; tests/conftest.py says so where it is left out.
"""

import json
from fractions import Fraction

import av
import pytest
from machine import CHECKOUT, MEDIA, Machine

from rigs.paths import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs_av,
    pytest.mark.needs_root,
    pytest.mark.needs_nspawn,
]

LOOPS = 100  # ten minutes
CONFIG = """
[[stream]]
name = "door"
source = "%s/camera.mp4"
realtime = true
[[sink]]
type = "jsonl"
[engine]
threads = 1
[health]
listen = ""
"""
# Shorter times, so that the tests need not wait long.
DROP_IN = "[Service]\nWatchdogSec=4\nRestartSec=1\nTimeoutStopSec=20\n"


def write_camera(path):
    """The example's clip, over and over: a camera that is always there."""
    with av.open(str(ROOT / "examples/demo.mp4")) as clip, av.open(str(path), "w") as out:
        stream = clip.streams.video[0]
        packets = [packet for packet in clip.demux(stream) if packet.dts is not None]
        copy = out.add_stream_from_template(stream)
        length = int(Fraction(6) / stream.time_base)
        for _ in range(LOOPS):
            for packet in packets:
                packet.stream = copy
                out.mux(packet)
                packet.dts += length
                packet.pts += length


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    media = tmp_path_factory.mktemp("media")
    write_camera(media / "camera.mp4")
    media.chmod(0o755)
    with Machine(tmp_path_factory.mktemp("machine") / "", media) as booted:
        booted.run("mkdir", "-p", "/etc/systemd/system/edge-attp@.service.d")
        booted.write("/etc/systemd/system/edge-attp@.service.d/test.conf", DROP_IN)
        yield booted


class Service:
    """An instance, installed and running."""

    def __init__(self, machine, name):
        self.machine = machine
        self.unit = "edge-attp@" + name
        self.config = f"/etc/edge-attp/{name}.toml"
        self.results = f"/var/lib/edge-attp/{name}/door.jsonl"
        machine.write("/root/camera.toml", CONFIG % MEDIA)
        self.command("install", "--config", "/root/camera.toml")

    def command(self, action, *more, check=True):
        name = self.unit.split("@")[1]
        return self.machine.run("edge-attp", "service", action, "--name", name, *more, check=check)

    def show(self, name):
        return self.machine.show(self.unit, name)

    def journal(self):
        return self.machine.run("journalctl", "--no-pager", "-o", "cat", "-u", self.unit)

    def records(self):
        return [json.loads(line) for line in self.machine.read(self.results).splitlines()]

    def wait_for(self, what, is_true):
        self.machine.wait_for(what, is_true)

    def wait_for_scores(self):
        self.wait_for("a score", lambda: "scoring " in self.show("StatusText"))


@pytest.fixture
def service(machine, request):
    installed = Service(machine, request.node.name.replace("test_", "").replace("_", "-"))
    yield installed
    machine.run("systemctl", "stop", installed.unit, check=False)


def test_installed_and_ready(service, machine):
    """`install` comes back when the first source is open."""
    assert service.show("ActiveState") == "active"
    assert service.show("StatusText") == "1 of 1 streams running"
    assert "ready: 1 of 1 streams running" in service.journal()
    assert "is active (running)" in service.command("status")
    assert machine.run("systemctl", "is-enabled", service.unit) == "enabled\n"
    process = machine.read("/proc/{}/status".format(service.show("MainPID")))
    fields = dict(line.split(":\t", 1) for line in process.splitlines() if ":\t" in line)
    uid = machine.run("id", "-u", "edge-attp").strip()
    video = machine.run("getent", "group", "video").split(":")[2]
    assert fields["Uid"].split() == [uid] * 4
    assert video in fields["Groups"].split()
    assert fields["CapBnd"].strip("0 ") == "" and fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"
    assert machine.run("stat", "-c", "%a %U:%G", service.config) == "640 root:edge-attp\n"


def test_reload_takes_another_stream_in_without_a_restart(service, machine):
    pid = service.show("MainPID")
    second = f'[[stream]]\nname = "hall"\nsource = "{CHECKOUT}/examples/demo.mp4"\n'
    machine.write(service.config, CONFIG % MEDIA + second)
    machine.run("systemctl", "reload", service.unit)
    service.wait_for("the new stream", lambda: "hall: done: 150 pictures" in service.journal())
    assert "door: done" not in service.journal()
    assert service.show("MainPID") == pid and service.show("ActiveState") == "active"


def test_reload_of_a_wrong_configuration_changes_nothing(service, machine):
    machine.write(service.config, CONFIG % MEDIA + "stal_s = 1\n")
    machine.run("systemctl", "reload", service.unit)
    service.wait_for(
        "the refusal", lambda: "the old configuration stays in force" in service.journal()
    )
    assert service.show("ActiveState") == "active" and service.show("NRestarts") == "0"


def test_an_engine_that_hangs_is_killed_and_the_service_restarted(service, machine):
    """All other threads go on, so a watchdog that is fed by a timer would not notice."""
    machine.write("/run/hang", "")
    service.wait_for("the restart", lambda: service.show("NRestarts") == "1")
    machine.run("rm", "/run/hang")
    service.wait_for("the new start", lambda: service.show("ActiveState") == "active")
    journal = service.journal()
    assert "Watchdog timeout" in journal
    assert "Fatal Python error: Aborted" in journal and "in start_motion" in journal
    service.wait_for_scores()


def test_a_process_that_is_stopped_is_killed_and_restarted(service, machine):
    pid = service.show("MainPID")
    machine.run("kill", "-STOP", pid)
    service.wait_for("the restart", lambda: service.show("NRestarts") == "1")
    service.wait_for("the new start", lambda: service.show("ActiveState") == "active")
    assert service.show("MainPID") != pid


def test_a_process_that_is_killed_is_restarted_and_goes_on_writing(service, machine):
    machine.run("kill", "-KILL", service.show("MainPID"))
    service.wait_for("the restart", lambda: service.show("NRestarts") == "1")
    service.wait_for("the new start", lambda: service.show("ActiveState") == "active")
    service.wait_for_scores()
    machine.run("systemctl", "stop", service.unit)
    assert [record["type"] for record in service.records()].count("header") == 2


def test_stop_writes_what_was_read(service, machine):
    """The event that is open at the end is written, and the verdict."""
    service.wait_for_scores()
    assert "event" not in [record["type"] for record in service.records()]
    machine.run("systemctl", "stop", service.unit)
    assert service.show("Result") == "success" and service.show("ExecMainStatus") == "0"
    event, verdict = service.records()[-2:]
    assert event["type"] == "event" and event["stream"] == "door"
    assert event["end_s"] - event["start_s"] > 5
    assert verdict["type"] == "verdict" and verdict["scored"] > 100
    assert "is inactive" in service.command("status", check=False)


def test_a_wrong_configuration_is_not_started_again(service, machine):
    machine.write(service.config, "stal_s = 1\n")
    machine.run("systemctl", "restart", service.unit, check=False)
    machine.run("sleep", "3")
    assert service.show("ActiveState") == "failed"
    assert service.show("ExecMainStatus") == "2" and service.show("NRestarts") == "0"
    assert "stal_s: unknown key" in service.journal()


def test_a_wrong_configuration_is_not_installed(service, machine):
    machine.write("/root/camera.toml", "stal_s = 1\n")
    told = service.command("install", "--config", "/root/camera.toml", check=False)
    assert "/root/camera.toml:1: stal_s: unknown key" in told
    assert machine.read(service.config) == CONFIG % MEDIA
    assert service.show("ActiveState") == "active"


def test_uninstall_leaves_configuration_and_results(service, machine):
    service.wait_for_scores()
    service.command("uninstall")
    assert service.show("ActiveState") in ("inactive", "")
    assert machine.read(service.config) == CONFIG % MEDIA
    assert service.records()


def test_the_unit_goes_with_the_last_instance(service, machine):
    wants = "/etc/systemd/system/multi-user.target.wants"
    for link in machine.run("ls", wants).split():
        if link.startswith("edge-attp@"):
            name = link[len("edge-attp@") : -len(".service")]
            machine.run("test", "-e", "/etc/systemd/system/edge-attp@.service")
            machine.run("edge-attp", "service", "uninstall", "--name", name)
    machine.run("test", "!", "-e", "/etc/systemd/system/edge-attp@.service")
    machine.run("test", "!", "-e", "/etc/sysusers.d/edge-attp.conf")
