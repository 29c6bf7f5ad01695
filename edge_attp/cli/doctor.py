"""`edge-attp doctor`: looks at this machine and says what is wrong and how to mend it."""

import argparse
import json
import sys
from typing import Any, List

FORMAT = "edge-attp-doctor"
VERSION = 1
CHECK_FAILED = 6
COLOURS = {"PASS": "green", "INFO": "blue", "SKIP": "dim", "WARN": "yellow", "FAIL": "red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of this command."""
    parser.description = (
        "Looks at the board, its settings, the native core, the inference engines, cameras and the "
        "service. Each line says PASS, INFO (a fact), SKIP (not there by design), WARN or FAIL, and "
        "what to do about it. Nothing is changed."
    )
    parser.epilog = "Exit code: 0, or 6 if anything FAILs."
    parser.add_argument("--json", action="store_true", help="for programs, and for bug reports")
    parser.add_argument(
        "--config", metavar="FILE", help="also check a configuration of the service"
    )


def main(args: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    from edge_attp import doctor

    findings = doctor.examine(doctor.Patient(config=args.config))
    if args.json:
        print(_json(findings))
    else:
        _print(findings)
    return CHECK_FAILED if _worst(findings) == doctor.FAIL else 0


def _worst(findings: List[Any]) -> str:
    from edge_attp.doctor import STATUSES

    return max((finding.status for finding in findings), key=STATUSES.index)


def _json(findings: List[Any]) -> str:
    from edge_attp import __version__

    report = {
        "format": FORMAT,
        "version": VERSION,
        "edge_attp": __version__,
        "worst": _worst(findings),
        "checks": [dict(finding._asdict()) for finding in findings],
    }
    return json.dumps(report, indent=1)


def _print(findings: List[Any]) -> None:
    from edge_attp.log import paint

    width = max(len(finding.id) for finding in findings)
    for finding in findings:
        status = paint(finding.status, COLOURS[finding.status], sys.stdout)
        print(f"{status}  {finding.id:<{width}}  {finding.value}")
        if finding.fix:
            print(f"      {'':<{width}}  fix: {finding.fix}")
    print(_summary([finding.status for finding in findings]))


def _summary(statuses: List[str]) -> str:
    failures, warnings = statuses.count("FAIL"), statuses.count("WARN")
    if not failures and not warnings:
        return "all is well"
    return "{}, {}".format(_counted(failures, "failure"), _counted(warnings, "warning"))


def _counted(count: int, what: str) -> str:
    return "{} {}{}".format(count or "no", what, "" if count == 1 else "s")
