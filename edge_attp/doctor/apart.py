"""One check in a process of its own, which prints its findings as JSON. Started by examination.py."""

import json
import sys

from edge_attp.doctor.examination import CHECKS, alone
from edge_attp.doctor.findings import Patient

__all__ = ["main"]


def main() -> None:
    """Arguments: the name of the check, and the patient as JSON."""
    name, patient = sys.argv[1:]
    check = next(check for check in CHECKS if check.name == name)
    print("\n" + json.dumps(alone(check, Patient(*json.loads(patient)))))
