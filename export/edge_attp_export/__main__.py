"""Run the command line: `python -m edge_attp_export`."""

import sys

from .cli import main

sys.exit(main())
