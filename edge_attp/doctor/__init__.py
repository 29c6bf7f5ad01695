"""What is right and wrong with this machine, its software and its set-up, each with the way to mend it.

One file per subject holds the checks, `findings` the record that all of them give, `examination` the
table of checks and the way they are run. Only the standard library is imported at the top of these
files: what is to be checked may be missing, or end the process that imports it.
"""

from edge_attp.doctor.examination import examine
from edge_attp.doctor.findings import FAIL, INFO, PASS, SKIP, STATUSES, WARN, Finding, Patient

__all__ = ["FAIL", "INFO", "PASS", "SKIP", "STATUSES", "WARN", "Finding", "Patient", "examine"]
