"""Checks this machine, its software and its configuration, and says how to fix what is wrong.

Each file holds the checks of one subject, `findings` the record that they return, `examination` the table of
checks and how they run. What may be missing, or may kill the process that imports it, is imported only by modules
whose checks run in a process of their own.
"""

from edge_attp.doctor.examination import examine
from edge_attp.doctor.findings import FAIL, INFO, PASS, SKIP, STATUSES, WARN, Finding, Patient

__all__ = ["FAIL", "INFO", "PASS", "SKIP", "STATUSES", "WARN", "Finding", "Patient", "examine"]
