"""The one record that every check returns. Knows nothing of what is checked."""

from typing import NamedTuple, Optional

__all__ = ["FAIL", "Finding", "INFO", "PASS", "Patient", "SKIP", "STATUSES", "WARN"]
__all__ += ["failed", "noted", "passed", "skipped", "warned"]

PASS, INFO, SKIP, WARN, FAIL = "PASS", "INFO", "SKIP", "WARN", "FAIL"
STATUSES = (PASS, INFO, SKIP, WARN, FAIL)


class Patient(NamedTuple):
    """What to examine. root: the folder that holds /proc, /sys, /etc and /dev. config: a configuration file of the
    service, or None."""

    root: str = "/"
    config: Optional[str] = None


class Finding(NamedTuple):
    """id: what was checked, as in "core.avx2". status: PASS; INFO, a fact without a judgement; SKIP, absent by
    design; WARN, works but not as well as it could; FAIL, keeps edge-attp from working. value: what was
    found, in one line. fix: what to do about it, "" if there is nothing to do."""

    id: str
    status: str
    value: str
    fix: str = ""


def passed(subject: str, value: str) -> Finding:
    return Finding(subject, PASS, value)


def noted(subject: str, value: str) -> Finding:
    return Finding(subject, INFO, value)


def skipped(subject: str, value: str) -> Finding:
    return Finding(subject, SKIP, value)


def warned(subject: str, value: str, fix: str) -> Finding:
    return Finding(subject, WARN, value, fix)


def failed(subject: str, value: str, fix: str) -> Finding:
    return Finding(subject, FAIL, value, fix)
