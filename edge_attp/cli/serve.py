"""`edge-attp serve`: watches cameras and files without end, as a configuration file says."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of this command."""
    parser.description = (
        "Watches cameras, files and folders as a configuration file says, and reports events to its "
        "sinks. SIGHUP reads the file again; SIGTERM and Ctrl-C end it when what was read is written."
    )
    parser.epilog = "begin with: edge-attp serve --example > camera.toml"
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--config", metavar="FILE", help="configuration, TOML")
    what.add_argument(
        "--example", action="store_true", help="print a configuration with comments, and end"
    )
    parser.add_argument(
        "--check-config",
        action="store_true",
        help="say what would run, and end; exit code 2 if the configuration is wrong",
    )


def main(args: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    from edge_attp import log

    log.configure()
    if args.example:
        from edge_attp.service.config_text import write_example

        print(write_example(), end="")
    elif args.check_config:
        from edge_attp.service.config import load_config
        from edge_attp.service.config_text import describe_config

        print(describe_config(load_config(args.config)))
    else:
        from edge_attp.service.serve import serve

        return serve(args.config)
    return 0
