"""`edge-attp service`: installs `edge-attp serve` under systemd, shows its state, removes it."""

import argparse
from typing import Dict

from edge_attp import log
from edge_attp.service.units import Installation


def main(args: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    log.configure()
    here = Installation(args.name, args.root)
    unit = "edge-attp@" + args.name
    if args.action == "install":
        here.install(args.config, not args.no_start)
        print(f"{unit} is installed; its configuration is {here.config}")
    elif args.action == "uninstall":
        here.uninstall()
        print(f"{unit} is removed; {here.config} and /var/lib/edge-attp are kept")
    else:
        return _print_status(unit, here.query_status())
    return 0


def _print_status(unit: str, status: Dict[str, str]) -> int:
    state = status.get("ActiveState", "unknown")
    print(f"{unit} is {state} ({status.get('SubState', 'unknown')})")
    if state == "active" and status.get("StatusText"):
        print("  " + status["StatusText"])
    print(f"  restarts: {status.get('NRestarts', 'unknown')}")
    if state != "active":
        print(f"  last result: {status['Result']}, exit code {status['ExecMainStatus']}")
        print(f"  `journalctl -u {unit}` has the details")
    return 0 if state == "active" else 1
