"""`edge-attp-export train`, `evaluate`, `crossvalidate` and `compare`: arguments and printing.

PyTorch is imported late.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from ..picture_answers import beside, write_answers
from ..protocol import add_plan_arguments, plan_of
from ..results import compared, read_row, table, write_results


def add_arguments(commands: Any) -> None:
    """Declare the commands."""
    train = commands.add_parser(
        "train",
        help="train a model",
        description="Train the model that a configuration describes. torchrun starts several "
        "processes.",
    )
    train.add_argument("config", type=Path, metavar="CONFIG.toml")
    train.add_argument("-o", "--out", type=Path, required=True, metavar="DIR", help="run folder")
    _add_overrides(train)
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
    evaluate.add_argument(
        "--class",
        dest="classes",
        action="append",
        default=[],
        metavar="CLASS",
        help="a class of PREPARED, such as fight=push+kick; may be repeated; other clips are left out",
    )
    _add_device(evaluate)
    evaluate.set_defaults(run=run_evaluate)
    _add_crossvalidate(commands)
    compare = commands.add_parser(
        "compare",
        help="compare two results of crossvalidate or baselines",
        description="Second minus first on the same clips: difference in accuracy with its 95 % interval over "
        "groups, and McNemar's exact test. Each result answers with its mean over the seeds.",
    )
    for which in ("first", "second"):
        compare.add_argument(which, metavar=f"{which.upper()}.json[:ROW]")
    compare.set_defaults(run=run_compare)


def _add_crossvalidate(commands: Any) -> None:
    parser = commands.add_parser(
        "crossvalidate",
        help="train in folds, and test every clip",
        description="Train a recipe for each fold and seed, and pool the answers for the test clips. What was done "
        "before an interruption is kept. Nothing is chosen on test clips: the last epoch counts, or the best on "
        "held-out training groups (data.validation).",
    )
    parser.add_argument(
        "recipes",
        type=Path,
        nargs="+",
        metavar="RECIPE.toml",
        help="trained in this order in each fold; {run}/NAME/best.pt in a recipe is what NAME.toml gave",
    )
    parser.add_argument(
        "--runs", type=Path, required=True, metavar="DIR", help="folder for the run folders"
    )
    parser.add_argument("--name", help="of the row (default: that of the last recipe)")
    parser.add_argument("--nice", type=_whole, default=10, help="lower priority (default 10)")
    parser.add_argument("--keep", action="store_true", help="keep the checkpoints")
    add_plan_arguments(parser)
    _add_overrides(parser)
    _add_device(parser)
    parser.set_defaults(run=run_crossvalidate)


def _add_overrides(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="TABLE.KEY=VALUE",
        help="override a value of the configuration; may be repeated",
    )


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
        options.classes,
    ):
        print(line)
    print(f"wrote {options.out}", file=sys.stderr)


def run_crossvalidate(options: argparse.Namespace) -> None:
    from ..config import load_config
    from ..data.classes import with_classes
    from ..data.prepared import load_prepared
    from .crossvalidation import CrossValidation

    recipes = [load_config(path, options.set) for path in options.recipes]
    data = recipes[-1].data
    prepared = with_classes(load_prepared(data.prepared), data.classes)
    plan = plan_of(options, prepared)
    os.nice(options.nice)
    trained = CrossValidation(recipes, prepared, options.runs, options.device, options.keep)
    results = plan.results([trained.row(plan, options.name)])
    for line in table(results):
        print(line)
    if not options.out:
        return
    write_results(options.out, results)
    pictures = trained.pictures(plan)
    if pictures is None:
        print("these runs were made before answers for single pictures were kept", file=sys.stderr)
    else:
        write_answers(beside(options.out), pictures)


def run_compare(options: argparse.Namespace) -> None:
    (first, ours), (second, theirs) = (read_row(text) for text in (options.first, options.second))
    found = compared(first, ours, second, theirs)
    print(
        f"{theirs.name} - {ours.name}: {found.difference:+.3f} ({found.low:+.3f} to {found.high:+.3f}) on "
        f"{len(first.clips)} clips; only the first right {found.first_only}, only the second "
        f"{found.second_only}, McNemar p = {found.p:.3g}"
    )


def _add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", help="cpu or cuda (default: cuda if available)")


def _whole(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text} is not a whole number")
    return int(text)
