"""`edge-attp doctor`: text, JSON and the exit code. What it finds is tested in tests/doctor."""

import json

import pytest

from edge_attp import __version__, cli, doctor
from edge_attp.doctor.findings import failed, noted, passed, warned

WELL = [passed("core", "avx2 kernels"), noted("cameras.video0", "none")]
WARNED = WELL + [warned("power", "MAXQ", "sudo nvpmodel -m 0")]
ILL = WARNED + [failed("numpy", "missing", "pip install numpy")]


@pytest.fixture
def call(monkeypatch, capsys):
    """Runs the command on given findings; returns exit code, output and the patient."""

    def run(findings, *arguments):
        patients = []
        monkeypatch.setattr(doctor, "examine", lambda patient: patients.append(patient) or findings)
        code = cli.main(["doctor"] + list(arguments))
        return code, capsys.readouterr().out, patients[0]

    return run


def test_text_is_aligned_and_ends_with_a_summary(call):
    code, shown, _ = call(ILL)
    assert code == 6
    assert shown.splitlines() == [
        "PASS  core            avx2 kernels",
        "INFO  cameras.video0  none",
        "WARN  power           MAXQ",
        "                      fix: sudo nvpmodel -m 0",
        "FAIL  numpy           missing",
        "                      fix: pip install numpy",
        "1 failure, 1 warning",
    ]


@pytest.mark.parametrize(
    "findings, summary", [(WELL, "all is well"), (WARNED, "no failures, 1 warning")]
)
def test_without_a_failure_the_code_is_0(call, findings, summary):
    code, shown, _ = call(findings)
    assert code == 0 and shown.splitlines()[-1] == summary


def test_json(call):
    code, shown, patient = call(ILL, "--json", "--config", "a.toml")
    report = json.loads(shown)
    assert code == 6 and patient.config == "a.toml" and patient.root == "/"
    assert (report["format"], report["version"]) == ("edge-attp-doctor", 1)
    assert report["edge_attp"] == __version__ and report["worst"] == "FAIL"
    assert report["checks"][2] == {
        "id": "power",
        "status": "WARN",
        "value": "MAXQ",
        "fix": "sudo nvpmodel -m 0",
    }


def test_colour_only_where_it_is_wanted(call, monkeypatch):
    monkeypatch.setattr("edge_attp.log.wants_colour", lambda stream: True)
    assert "\033[31mFAIL\033[0m  numpy" in call(ILL)[1]
    assert "\033" not in call(ILL, "--json")[1]
