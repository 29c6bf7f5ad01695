"""`edge-attp doctor`: checks this machine and says what is wrong and how to fix it."""

import argparse
import json
import sys
from typing import List

from edge_attp import __version__, doctor
from edge_attp.cli import CHECK_FAILED
from edge_attp.doctor import FAIL, STATUSES, WARN, Finding, Patient
from edge_attp.log import paint

FORMAT = "edge-attp-doctor"
VERSION = 1
COLOURS = {"PASS": "green", "INFO": "blue", "SKIP": "dim", "WARN": "yellow", "FAIL": "red"}


def main(args: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    findings = doctor.examine(Patient(config=args.config))
    if args.json:
        print(_json(findings))
    else:
        _print(findings)
    return CHECK_FAILED if _worst(findings) == FAIL else 0


def _worst(findings: List[Finding]) -> str:
    return max((finding.status for finding in findings), key=STATUSES.index)


def _json(findings: List[Finding]) -> str:
    report = {
        "format": FORMAT,
        "version": VERSION,
        "edge_attp": __version__,
        "worst": _worst(findings),
        "checks": [dict(finding._asdict()) for finding in findings],
    }
    return json.dumps(report, indent=1)


def _print(findings: List[Finding]) -> None:
    width = max(len(finding.id) for finding in findings)
    for finding in findings:
        status = paint(finding.status, COLOURS[finding.status], sys.stdout)
        print(f"{status}  {finding.id:<{width}}  {finding.value}")
        if finding.fix:
            print(f"      {'':<{width}}  fix: {finding.fix}")
    print(_summary([finding.status for finding in findings]))


def _summary(statuses: List[str]) -> str:
    failures, warnings = statuses.count(FAIL), statuses.count(WARN)
    if not failures and not warnings:
        return "all is well"
    return f"{_counted(failures, 'failure')}, {_counted(warnings, 'warning')}"


def _counted(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"
