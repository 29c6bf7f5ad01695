"""`edge-attp-export train` and `evaluate`: arguments and printing. PyTorch is imported late."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any


def add_arguments(commands: Any) -> None:
    """Declare both commands."""
    train = commands.add_parser(
        "train",
        help="train a model",
        description="Train the model that a configuration describes. torchrun starts several "
        "processes.",
    )
    train.add_argument("config", type=Path, metavar="CONFIG.toml")
    train.add_argument("-o", "--out", type=Path, required=True, metavar="DIR", help="run folder")
    train.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="TABLE.KEY=VALUE",
        help="override a value of the configuration; may be repeated",
    )
    train.add_argument("--resume", action="store_true", help="continue the run in the folder")
    _add_device(train)
    train.set_defaults(run=run_train)

    evaluate = commands.add_parser(
        "evaluate",
        help="measure a trained model",
        description="Video-level top-1 of a trained model on a prepared set, by the paper's "
        "protocol: mean over the GOPs of a clip.",
    )
    evaluate.add_argument("checkpoint", type=Path, metavar="CHECKPOINT")
    evaluate.add_argument(
        "prepared", type=Path, metavar="PREPARED", help="folder that prepare wrote"
    )
    evaluate.add_argument("-o", "--out", type=Path, required=True, metavar="DIR")
    evaluate.add_argument("--split", help="(default: the split of the training)")
    evaluate.add_argument(
        "--part", choices=("train", "val", "test"), default="test", help="(default test)"
    )
    evaluate.add_argument(
        "--gops", type=_whole, help="GOPs of a clip, evenly spread; 0: all (default)"
    )
    evaluate.add_argument(
        "--pictures", type=_whole, help="P and B pictures of each GOP; 0: all (default 1)"
    )
    evaluate.add_argument("--frame-types", help="I, I+P, I+B or I+P+B (default: as trained)")
    evaluate.add_argument("--b-frames", help="correct, as-p or ignore (default: as trained)")
    evaluate.add_argument("--workers", type=_whole, default=2, help="reading processes (default 2)")
    evaluate.add_argument(
        "--deployed",
        metavar="PACK",
        help="also run edge-attp with this pack on the whole videos, and compare the scores",
    )
    _add_device(evaluate)
    evaluate.set_defaults(run=run_evaluate)


def run_train(options: argparse.Namespace) -> None:
    from ..config import load_config
    from .run import train

    reached = train(
        load_config(options.config, options.set), options.out, options.resume, options.device
    )
    if reached:
        print(reached)


def run_evaluate(options: argparse.Namespace) -> None:
    from .run import evaluate_checkpoint

    changes = {
        name: getattr(options, name)
        for name in ("split", "part", "gops", "pictures", "frame_types", "b_frames")
        if getattr(options, name) is not None
    }
    for line in evaluate_checkpoint(
        options.checkpoint,
        options.prepared,
        options.out,
        changes,
        options.deployed,
        options.device,
        options.workers,
    ):
        print(line)
    print(f"wrote {options.out}", file=sys.stderr)


def _add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", help="cpu or cuda (default: cuda if available)")


def _whole(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text} is not a whole number")
    return int(text)
