"""Nothing ends an examination: not a check that raises, nor one whose process dies, prints or hangs."""

import os
import stat
import sys

import pytest
from platforms import machine_trees as trees

from edge_attp.doctor import FAIL, STATUSES, Patient, examination, machine
from edge_attp.doctor.examination import CHECKS, Check, examine, run_check
from edge_attp.doctor.findings import passed

PATIENT = Patient()


def test_a_check_that_raises_is_a_failure_with_its_line(monkeypatch):
    def look(patient):
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setattr(machine, "board", look)
    (found,) = run_check(Check("sums", "machine", "board"), PATIENT)
    assert (found.id, found.status) == ("sums", FAIL)
    line = look.__code__.co_firstlineno + 1
    assert f"ZeroDivisionError: by zero (test_doctor_examination.py line {line})" in found.value
    assert "report" in found.fix


@pytest.fixture
def process(monkeypatch, tmp_path):
    """Makes a shell script what runs a check apart."""

    def make(script):
        path = tmp_path / "python"
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(sys, "executable", str(path))
        return examination._apart(Check("core", "core", "core", True), PATIENT)

    return make


@pytest.mark.parametrize(
    "script, value",
    [
        ("kill -ILL $$", "killed by SIGILL"),
        ("kill -SEGV $$", "killed by SIGSEGV"),
        ("echo no such module >&2; exit 3", "ended with 3: no such module"),
        ("true", "ended with 0"),
        ("echo '[[1, 2, 3, 4, 5]]'", "ended with 0"),
    ],
)
def test_a_process_that_dies_is_a_failure(process, script, value):
    (found,) = process(script)
    assert (found.id, found.status) == ("core", FAIL) and value in found.value and found.fix


def test_an_illegal_instruction_has_a_cure(process):
    (found,) = process("kill -ILL $$")
    assert "numpy==1.19.4" in found.fix


def test_what_libraries_print_is_passed_over(process):
    assert process('echo hello; echo \'[["core", "PASS", "well"]]\'') == [passed("core", "well")]


def test_a_process_that_hangs_is_a_failure(monkeypatch, process):
    monkeypatch.setattr(examination, "MOST_SECONDS", 0.2)
    (found,) = process("exec sleep 60")
    assert found.status == FAIL and "no answer" in found.value


def test_a_program_that_is_not_there_is_a_failure(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    (found,) = examination._apart(Check("core", "core", "core", True), PATIENT)
    assert found.status == FAIL and "cannot be checked" in found.value


def test_this_machine():
    found = examine()
    assert [finding.id for finding in found][:3] == ["board", "release", "power"]
    assert all(finding.status in STATUSES and finding.value for finding in found)
    assert all(finding.fix for finding in found if finding.status in ("WARN", "FAIL"))
    names = {finding.id.split(".")[0] for finding in found}
    assert {check.name.split(".")[0] for check in CHECKS} <= names
    core = [finding for finding in found if finding.id.startswith("core")]
    assert [finding for finding in core if finding.status == FAIL] == []


def test_a_recorded_tx2(tmp_path):
    """The root reaches the processes of their own too: a Jetson without TensorRT is remarked on."""
    patient = Patient(trees.write(tmp_path, trees.TX2_IDLE))
    found = {finding.id: finding.status for finding in examine(patient)}
    assert (found["release"], found["power"], found["clocks"]) == ("PASS", "WARN", "WARN")
    assert found["tensorrt"] != "SKIP"


def test_a_numpy_that_kills_python_is_found(monkeypatch, tmp_path):
    package = tmp_path / "numpy"
    package.mkdir()
    (package / "__init__.py").write_text("import os\nos.kill(os.getpid(), 4)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = {finding.id: finding for finding in examine()}
    assert found["numpy"].status == found["core"].status == FAIL
    assert "SIGILL" in found["numpy"].value and "numpy==1.19.4" in found["numpy"].fix
    assert found["python"].status == "PASS" and "board" in found


def test_the_current_folder_is_not_searched_for_modules(monkeypatch, tmp_path):
    (tmp_path / "json.py").write_text("raise SystemExit(9)\n")
    monkeypatch.chdir(tmp_path)
    check = next(check for check in CHECKS if check.name == "numpy")
    assert [finding.status for finding in examination._apart(check, PATIENT)] == ["PASS"]


def test_checks_have_different_names():
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)


def test_only_checks_apart_import_what_may_kill():
    """What runs in the doctor's own process must not load NumPy: python -X importtime would show it."""
    program = (
        "import sys; from edge_attp.doctor.examination import CHECKS, run_check\n"
        "from edge_attp.doctor.findings import Patient\n"
        "[run_check(check, Patient()) for check in CHECKS if not check.is_apart]\n"
        "sys.exit('numpy' in sys.modules)"
    )
    environment = dict(os.environ, PYTHONPATH=examination.PACKAGE_PARENT)
    assert examination.subprocess.call([sys.executable, "-c", program], env=environment) == 0
