"""`edge-attp service`: installs `edge-attp serve` under systemd, looks at it, takes it away."""

import argparse
import re

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*$")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of this command."""
    parser.description = (
        "Runs `edge-attp serve` under systemd as edge-attp@NAME, with the configuration "
        "/etc/edge-attp/NAME.toml."
    )
    add = parser.add_argument
    add("action", choices=("install", "uninstall", "status"))
    add("--name", type=_name, default="main", help="of the instance (default main)")
    add("--config", metavar="FILE", help="install: copied to /etc/edge-attp/NAME.toml")
    add("--no-start", action="store_true", help="install: start at the next boot, not now")
    add(
        "--root",
        metavar="DIR",
        default="/",
        help="install, uninstall: below this folder, for an image of a machine",
    )


def main(args: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    from edge_attp import log
    from edge_attp.service.units import Installation

    log.configure()
    here = Installation(args.name, args.root)
    unit = "edge-attp@" + args.name
    if args.action == "install":
        here.install(args.config, not args.no_start)
        print(f"{unit} is installed; its configuration is {here.config}")
    elif args.action == "uninstall":
        here.uninstall()
        print(f"{unit} is gone; {here.config} and /var/lib/edge-attp stay")
    else:
        return _show(unit, here.query_status())
    return 0


def _show(unit: str, status: "dict[str, str]") -> int:
    state = status.get("ActiveState", "unknown")
    print("{} is {} ({})".format(unit, state, status.get("SubState", "unknown")))
    if state == "active" and status.get("StatusText"):
        print("  " + status["StatusText"])
    print("  restarts: {}".format(status.get("NRestarts", "unknown")))
    if state != "active":
        print("  last result: {}, exit code {}".format(status["Result"], status["ExecMainStatus"]))
        print(f"  journalctl -u {unit} says more")
    return 0 if state == "active" else 1


def _name(text: str) -> str:
    if NAME.match(text) is None:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected letters, digits and . _ - only")
    return text
