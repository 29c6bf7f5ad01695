"""What systemd itself says of the unit and of the user: systemd-analyze and systemd-sysusers."""

import re
import subprocess

import pytest

from edge_attp.service import units
from edge_attp.service.units import unit_text

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_systemd]

LARGEST_EXPOSURE = 2.5  # of 10, in the words of `systemd-analyze security`


def run(*command):
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True
    )
    return done.returncode, done.stdout


def test_verify_finds_nothing(tmp_path):
    (tmp_path / "edge-attp@.service").write_text(unit_text(["/usr/bin/env"], units.TX2_NODES))
    assert run("systemd-analyze", "verify", str(tmp_path / "edge-attp@door.service")) == (0, "")


def test_verify_would_find_something(tmp_path):
    text = unit_text(["/usr/bin/env"], []).replace("ProtectHome=", "ProtectHouse=")
    (tmp_path / "edge-attp@.service").write_text(text)
    _, told = run("systemd-analyze", "verify", str(tmp_path / "edge-attp@door.service"))
    assert "ProtectHouse" in told


def test_exposure_has_not_grown(tmp_path):
    path = tmp_path / "edge-attp@door.service"
    path.write_text(unit_text(["/usr/bin/env"], units.TX2_NODES))
    _, told = run("systemd-analyze", "security", "--offline=true", "--no-pager", str(path))
    exposure = re.search(r"Overall exposure level for .*: ([\d.]+) ", told)
    assert exposure is not None, told
    assert float(exposure.group(1)) <= LARGEST_EXPOSURE


def test_the_user_is_made(tmp_path):
    folder = tmp_path / "etc/sysusers.d"
    folder.mkdir(parents=True)
    (folder / "edge-attp.conf").write_text(units.USERS_TEXT)
    code, told = run("systemd-sysusers", "--root=" + str(tmp_path), "edge-attp.conf")
    assert code == 0, told
    assert re.search(
        r"^edge-attp:.*:/usr/sbin/nologin$", (tmp_path / "etc/passwd").read_text(), re.M
    )
    assert re.search(r"^video:", (tmp_path / "etc/group").read_text(), re.M)
