"""The command line `edge-attp-export`: arguments and printing only; PyTorch is imported late."""

from __future__ import annotations

import argparse
import sys
from typing import List, Optional

from edge_attp.errors import EdgeAttpError

from . import __version__, baselines, error_sheet
from . import calibration_command as calibration
from . import export_command as export
from . import thresholds_command as thresholds
from .data import prepare
from .quiet import command as quiet
from .synth import command as synth
from .training import command as training


def main(arguments: Optional[List[str]] = None) -> int:
    """Run one command; return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except EdgeAttpError as error:
        print(f"edge-attp-export: {error}", file=sys.stderr)
        return int(error.exit_code)
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edge-attp-export",
        description="Train models in PyTorch and write model packs for edge-attp.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    export.add_arguments(commands)
    summary = commands.add_parser("summary", help="print parameters and multiply-accumulates")
    _add_shape(summary)
    summary.add_argument(
        "--modalities",
        default="ATTP",
        help="a row of the paper's table 3: I, MV, R, I+MV+R, BP, TP, TTP or ATTP (default); or M or I+M",
    )
    summary.add_argument(
        "--classes", type=_positive, metavar="N", default=51, help="number of classes (default 51)"
    )
    summary.set_defaults(run=_summary)
    synth.add_arguments(commands)
    quiet.add_arguments(commands)
    prepare.add_arguments(commands)
    baselines.add_arguments(commands)
    training.add_arguments(commands)
    calibration.add_arguments(commands)
    thresholds.add_arguments(commands)
    error_sheet.add_arguments(commands)
    return parser


def _add_shape(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--backbone", metavar="NAME", default="efficientnet_b1", help=export.BACKBONES
    )
    parser.add_argument("--width", type=float, default=1.0, help="of mobilenet_v2 (default 1)")
    parser.add_argument("--factors", type=_positive, default=5, help="d of eq. (4), default 5")
    parser.add_argument("--projections", type=_positive, default=200, help="D, default 200")
    for name in ("motion", "residual"):
        parser.add_argument(
            f"--{name}-input",
            choices=("full", "grid", "enlarged" if name == "motion" else "energy"),
            default="",
            help=export.INPUTS.format(name),
        )


def _summary(options: argparse.Namespace) -> None:
    from .architecture import Architecture
    from .summary import print_summary

    print_summary(
        Architecture(
            options.backbone,
            options.classes,
            options.width,
            options.factors,
            options.projections,
            options.modalities,
            motion_input=options.motion_input,
            residual_input=options.residual_input,
        )
    )


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value
