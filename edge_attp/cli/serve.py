"""`edge-attp serve`: watches cameras and files until it is told to stop."""

import argparse

from edge_attp import log
from edge_attp.service.config import load_config
from edge_attp.service.config_text import describe_config, write_example
from edge_attp.service.serve import serve


def main(args: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    log.configure()
    if args.example:
        print(write_example(), end="")
    elif args.check_config:
        print(describe_config(load_config(args.config)))
    else:
        return serve(args.config)
    return 0
