"""Make the workstation package importable from the checkout, and find the untrained pack."""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "export"), str(REPOSITORY)]
