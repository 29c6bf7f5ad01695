"""The unit as text, and the installation into the root of another machine."""

import os
import re
import stat
import sys

import pytest

from edge_attp.cli import main
from edge_attp.service import serve, units
from edge_attp.service.units import Installation, unit_text

# Of each directive the version of systemd that brought it, from its NEWS; 0: before 183. The oldest
# board runs 237.
OLDEST = 237
SINCE = {
    "After": 0,
    "AmbientCapabilities": 229,
    "CacheDirectory": 235,
    "CapabilityBoundingSet": 0,
    "Description": 0,
    "DeviceAllow": 208,
    "DevicePolicy": 208,
    "Documentation": 0,
    "Environment": 0,
    "EnvironmentFile": 0,
    "ExecReload": 0,
    "ExecStart": 0,
    "Group": 0,
    "KeyringMode": 235,
    "KillMode": 0,
    "LockPersonality": 235,
    "NoNewPrivileges": 187,
    "NotifyAccess": 0,
    "PrivateTmp": 0,
    "ProtectControlGroups": 232,
    "ProtectHome": 214,
    "ProtectKernelModules": 232,
    "ProtectKernelTunables": 232,
    "ProtectSystem": 214,
    "RemoveIPC": 232,
    "Restart": 0,
    "RestartPreventExitStatus": 189,
    "RestartSec": 0,
    "RestrictAddressFamilies": 211,
    "RestrictNamespaces": 233,
    "RestrictRealtime": 231,
    "RuntimeDirectory": 211,
    "RuntimeDirectoryMode": 211,
    "StartLimitBurst": 229,
    "StartLimitIntervalSec": 230,
    "StateDirectory": 235,
    "StateDirectoryMode": 235,
    "SupplementaryGroups": 0,
    "SystemCallArchitectures": 209,
    "SystemCallErrorNumber": 209,
    "SystemCallFilter": 187,
    "TimeoutStartSec": 188,
    "TimeoutStopSec": 188,
    "Type": 0,
    "UMask": 0,
    "User": 0,
    "WantedBy": 0,
    "WatchdogSec": 0,
}
COMMAND = ["/opt/edge-attp/bin/edge-attp"]
CONFIG = '[[stream]]\nname = "door"\nsource = "rtsp://camera/1"\n'


def directives(text):
    """(name, value) of every line that is one."""
    lines = [line for line in text.splitlines() if line and line[0] not in "#["]
    return [tuple(line.split("=", 1)) for line in lines]


def test_every_directive_is_known_to_the_oldest_systemd():
    names = {name for name, _ in directives(unit_text(COMMAND, units.TX2_NODES))}
    assert names == set(SINCE)
    assert max(SINCE.values()) <= OLDEST


def test_comments_have_lines_of_their_own():
    """systemd knows no others."""
    for _, value in directives(unit_text(COMMAND, units.TX2_NODES)):
        assert "#" not in value


def test_everything_is_filled_in():
    text = unit_text(COMMAND, ["/dev/nvmap"])
    assert not re.search(r"@\w+@", text)
    found = directives(text)
    assert ("ExecStart", f"{COMMAND[0]} serve --config /etc/edge-attp/%i.toml") in found
    assert [value for name, value in found if name == "DeviceAllow"] == [
        "char-video4linux rw",
        "/dev/nvmap rw",
    ]


def test_times_of_unit_and_program_fit():
    found = dict(directives(unit_text(COMMAND, [])))
    assert serve.STOP_TIMEOUT_S < float(found["TimeoutStopSec"])
    assert serve.EXTENSION_S < float(found["TimeoutStartSec"])
    assert found["RestartPreventExitStatus"] == "2"


def test_paths_are_quoted_as_systemd_reads_them():
    text = unit_text(["/opt/100% ours/py thon", "-m", "$x"], [])
    assert 'ExecStart="/opt/100%% ours/py thon" -m $$x serve' in text


def test_the_program_is_found_from_the_root_on(monkeypatch, tmp_path):
    program = tmp_path / "edge-attp"
    program.write_text("")
    program.chmod(0o755)
    monkeypatch.chdir(str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["./edge-attp", "service", "install"])
    assert units._command() == [str(program)]
    monkeypatch.setattr(sys, "argv", ["/x/edge_attp/__main__.py", "service"])
    assert units._command() == [sys.executable, "-m", "edge_attp"]


@pytest.fixture
def image(tmp_path, monkeypatch):
    """The root of another machine. Its users are made by systemd-sysusers, which is not run here."""
    root = tmp_path / "image"
    (root / "etc").mkdir(parents=True)
    (root / "etc/group").write_text(f"root:x:0:\nedge-attp:x:{os.getgid()}:\n")
    ran = []
    monkeypatch.setattr(units, "_run", lambda *command: ran.append(command) or "")
    monkeypatch.setattr(sys, "argv", ["/opt/edge-attp/bin/edge-attp"])
    return root, ran


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "camera.toml"
    path.write_text(CONFIG)
    return str(path)


def test_install_into_an_image(image, config, capsys):
    root, ran = image
    arguments = ["service", "install", "--name", "door", "--config", config, "--root", str(root)]
    umask = os.umask(0o077)
    try:
        assert main(arguments) == 0
    finally:
        os.umask(umask)
    assert "edge-attp@door is installed" in capsys.readouterr().out
    copied = root / "etc/edge-attp/door.toml"
    assert copied.read_text() == CONFIG
    assert stat.S_IMODE(copied.stat().st_mode) == 0o640
    unit = (root / "etc/systemd/system/edge-attp@.service").read_text()
    assert "DeviceAllow=/dev/nvhost-gpu rw" in unit
    link = root / "etc/systemd/system/multi-user.target.wants/edge-attp@door.service"
    assert os.readlink(str(link)) == "/etc/systemd/system/edge-attp@.service"
    assert "u edge-attp " in (root / "etc/sysusers.d/edge-attp.conf").read_text()
    assert ran == [("systemd-sysusers", "--root=" + str(root), "edge-attp.conf")]


def test_install_twice_is_install_once(image, config):
    root, _ = image
    for _ in range(2):
        Installation("door", str(root)).install(config)
    Installation("door", str(root)).install(None)
    assert (root / "etc/edge-attp/door.toml").read_text() == CONFIG
    assert not list(root.glob("**/*.new"))


def test_uninstall_leaves_the_configuration_and_other_instances(image, config):
    root, _ = image
    unit = root / "etc/systemd/system/edge-attp@.service"
    for name in ("door", "hall"):
        Installation(name, str(root)).install(config)
    Installation("door", str(root)).uninstall()
    assert unit.exists()
    assert not (root / "etc/systemd/system/multi-user.target.wants/edge-attp@door.service").exists()
    Installation("hall", str(root)).uninstall()
    assert not unit.exists() and not (root / "etc/sysusers.d/edge-attp.conf").exists()
    assert (root / "etc/edge-attp/door.toml").exists()


SHOWN = (
    "ActiveState=%s\nSubState=running\nStatusText=2 of 2 streams running\nNRestarts=3\nResult=x\n"
)


@pytest.mark.parametrize(
    "state, code, told",
    [
        (
            "active",
            0,
            "edge-attp@main is active (running)\n  2 of 2 streams running\n  restarts: 3\n",
        ),
        (
            "failed",
            1,
            "edge-attp@main is failed (running)\n  restarts: 3\n  last result: x, exit code 2\n"
            "  `journalctl -u edge-attp@main` has the details\n",
        ),
    ],
)
def test_status(monkeypatch, capsys, state, code, told):
    shown = SHOWN % state + "ExecMainStatus=2\n"
    monkeypatch.setattr(units, "_run", lambda *command: shown)
    monkeypatch.setattr(units, "_require_systemd", lambda: None)
    assert main(["service", "status"]) == code
    assert capsys.readouterr().out == told


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a b"])
def test_names_that_are_no_file_names_are_refused(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["service", "status", "--name", name])
    assert ended.value.code == 2


@pytest.fixture
def here(monkeypatch):
    """This machine, which runs systemd, called as root; nothing is run or written."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os.path, "isdir", lambda path: True)
    monkeypatch.setattr(units, "_run", lambda *command: pytest.fail(f"ran {command!r}"))
    monkeypatch.setattr(Installation, "_write", lambda self, *_: pytest.fail("wrote"))
    monkeypatch.setattr(units, "CLOSED", ())


def test_install_needs_root(here, monkeypatch, capsys, config):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert main(["service", "install", "--config", config]) == 2
    assert "run it with sudo" in capsys.readouterr().err


def test_install_needs_systemd(here, monkeypatch, capsys, config):
    monkeypatch.setattr(os.path, "isdir", lambda path: path != "/run/systemd/system")
    assert main(["service", "install", "--config", config]) == 2
    assert "--root DIR" in capsys.readouterr().err


def test_a_program_in_a_home_is_refused(here, monkeypatch, capsys, config):
    monkeypatch.setattr(units, "CLOSED", (os.path.realpath(sys.prefix) + "/",))
    monkeypatch.setattr(sys, "argv", [sys.executable])
    assert main(["service", "install", "--config", config]) == 2
    assert "/opt/edge-attp" in capsys.readouterr().err


def test_a_configuration_that_is_not_there_is_asked_for(here, tmp_path, capsys):
    missing = str(tmp_path / "none.toml")
    assert main(["service", "install", "--config", missing]) == 2
    assert "edge-attp serve --example > FILE" in capsys.readouterr().err


def test_what_a_configuration_names_must_be_where_it_goes(here, tmp_path, capsys):
    (tmp_path / "health.token").write_text("x")
    path = tmp_path / "camera.toml"
    path.write_text(CONFIG + '[health]\ntoken_file = "health.token"\n')
    assert main(["service", "install", "--config", str(path)]) == 2
    assert "/etc/edge-attp/health.token: cannot be read" in capsys.readouterr().err
