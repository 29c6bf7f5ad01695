"""Runs the command line: `python -m edge_attp`."""

import sys

from edge_attp.cli import main

if __name__ == "__main__":
    sys.exit(main())
