"""Makes the workstation package importable from the checkout."""

import sys

from rigs.paths import ROOT

sys.path[:0] = [str(ROOT / "export"), str(ROOT)]
