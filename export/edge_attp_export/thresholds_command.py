"""`edge-attp-export thresholds`: from quiet video and held-out clips to the thresholds of a pack."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional

from edge_attp.engine import Pack, load_pack
from edge_attp.errors import ModelError, UsageError

from .false_events import GRID, Quiet, choose, quiet_of
from .picture_answers import beside, read_answers
from .recall import HeldOut
from .results import read_row, results_path
from .tracks import find_videos, score
from .workers import whole

SHOWN = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.999)


def add_arguments(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "thresholds",
        help="choose from which probability on a pack raises events",
        description="Run a pack over quiet video as the service does, count the false events at each threshold, and "
        "write the least thresholds into the pack that raise at most one an hour, with the recall that they leave on "
        "held-out clips.",
    )
    parser.add_argument("pack", type=Path, metavar="PACK")
    parser.add_argument(
        "--quiet",
        type=Path,
        nargs="+",
        required=True,
        metavar="VIDEO|DIR",
        help="video in which no event is right; a folder that `quiet` made",
    )
    parser.add_argument(
        "--clips",
        metavar="RESULTS.json[:ROW]",
        help="results of crossvalidate for the pack's recipe: what recall is left",
    )
    parser.add_argument(
        "--per-hour", type=_rate, default=1.0, metavar="N", help="false events allowed (default 1)"
    )
    parser.add_argument(
        "--certain",
        action="store_true",
        help="allow so many with a certainty of 95 %%; by default, so many were seen",
    )
    parser.add_argument(
        "--least", type=_share, default=0.5, metavar="P", help="lowest threshold (default 0.5)"
    )
    parser.add_argument(
        "--tracks", type=Path, metavar="DIR", help="keep what the pack said, to go on from there"
    )
    parser.add_argument("--threads", type=whole(1, 256), metavar="N", help="of the engine")
    parser.add_argument("--nice", type=whole(0, 19), default=10, help="lower priority (default 10)")
    parser.add_argument("--dry-run", action="store_true", help="print, and leave the pack as it is")
    parser.set_defaults(run=run)


class Chosen(NamedTuple):
    """quiet: what was counted. held_out: None if no clips were given. at: the thresholds."""

    quiet: Quiet
    held_out: Optional[HeldOut]
    numbers: Dict[str, int]  # of the labels
    at: Dict[str, float]


def run(options: argparse.Namespace) -> None:
    pack = load_pack(str(options.pack))
    numbers = {
        label: number for number, label in enumerate(pack.labels) if label not in pack.background
    }
    held_out = None if options.clips is None else held_out_clips(options.clips, pack)
    os.nice(options.nice)
    quiet = _counted(options, numbers)
    at = choose(quiet, options.per_hour, options.least, options.certain)
    for line in _table(quiet, held_out, numbers, at):
        print(line)
    if at is None:
        worst = ", ".join(quiet.rate(dict.fromkeys(numbers, GRID[-1])).worst)
        raise ModelError(
            f"{options.pack}: no threshold leaves {options.per_hour:g} false events an hour in {quiet.hours:.1f} "
            f"hours; most are in {worst or 'no video: more hours are needed'}"
        )
    chosen = Chosen(quiet, held_out, numbers, at)
    for line in _verdict(chosen):
        print(line)
    if not options.dry_run:
        from .model_card import block
        from .packs import set_thresholds

        said = as_json(chosen, options.per_hour)
        set_thresholds(options.pack, at, said, block(said))
        print(f"wrote {options.pack}", file=sys.stderr)


def held_out_clips(text: str, pack: Pack) -> HeldOut:
    """The clips of RESULTS.json[:ROW] as this pack would answer. Raises UsageError if the labels differ."""
    results, row = read_row(text)
    if results.labels != pack.labels:
        theirs, ours = (", ".join(labels) for labels in (results.labels, pack.labels))
        raise UsageError(f"{results.set}: results for {theirs}; the pack has {ours}")
    background = pack.labels.index(pack.background[0]) if pack.background else None
    answers = read_answers(beside(results_path(text)))
    return HeldOut(results, row, answers, temperature_of(pack), background)


def temperature_of(pack: Pack) -> float:
    """By what the scores of the pack were divided when it was exported; 1 if it was not calibrated."""
    calibration = (pack.accuracy or {}).get("calibration")
    value = calibration.get("temperature") if isinstance(calibration, dict) else None
    return float(value) if isinstance(value, (int, float)) else 1.0


def _counted(options: argparse.Namespace, numbers: Dict[str, int]) -> Quiet:
    videos = find_videos(options.quiet)
    if not videos:
        raise UsageError("--quiet: there are no videos")
    scored = list(score(str(options.pack), videos, options.threads, options.tracks))
    names = [one.video.path.name for one in scored]
    distinct = [one.video.distinct_share for one in scored]
    return quiet_of([one.track for one in scored], names, distinct, numbers)


def _table(
    quiet: Quiet,
    held_out: Optional[HeldOut],
    numbers: Dict[str, int],
    at: Optional[Dict[str, float]],
) -> List[str]:
    """False events, their bound and the recall at some thresholds, label by label; a star marks what was chosen."""
    lines = []
    for label, number in numbers.items():
        own = 0.0 if at is None else at[label]
        recall = "  recall (95 % interval)  in other clips" if held_out else ""
        lines.append(f"{label}: threshold, events an hour, at most (95 %){recall}")
        for threshold in sorted({*SHOWN, own} - {0.0}):
            rate = quiet.of(label).rate({label: threshold})
            line = f"{threshold:6.3f}{' *'[threshold == own]}"
            line += f"{rate.per_hour:9.2f}{rate.most_per_hour:9.2f}"
            if held_out:
                found = held_out.recall(number, threshold)
                line += f"   {found.found:.3f} ({found.low:.2f} to {found.high:.2f})   {found.others:.3f}"
            lines.append(line)
    return lines


def _verdict(chosen: Chosen) -> List[str]:
    rate, quiet = chosen.quiet.rate(chosen.at), chosen.quiet
    distinct = quiet.distinct_seconds.sum() / 3600
    lines = [
        f"{rate.events} false events in {quiet.hours:.2f} hours of quiet video, {distinct:.2f} of them distinct: "
        f"{rate.per_hour:.2f} an hour, with 95 % certainty at most {rate.most_per_hour:.2f}, or "
        f"{rate.most_distinct_per_hour:.2f} if repetitions count once"
    ]
    if rate.worst:
        lines.append("most are in " + ", ".join(rate.worst))
    if chosen.held_out is None:
        lines.append("what recall this leaves is not known without --clips")
    return lines


def as_json(chosen: Chosen, per_hour: float) -> Dict[str, Any]:
    """What model.json and the card say."""
    quiet, rate = chosen.quiet, chosen.quiet.rate(chosen.at)
    said: Dict[str, Any] = {
        "quiet_video": {
            "videos": len(quiet.names),
            "hours": round(quiet.hours, 3),
            "distinct_hours": round(float(quiet.distinct_seconds.sum()) / 3600, 3),
        },
        "false_events": {
            "allowed_per_hour": per_hour,
            "count": rate.events,
            "per_hour": round(rate.per_hour, 3),
            "at_most_per_hour_(95_%)": round(rate.most_per_hour, 3),
            "at_most_if_repetitions_count_once": round(rate.most_distinct_per_hour, 3),
        },
    }
    if chosen.held_out is not None:
        said["held_out"] = chosen.held_out.description
    for label, threshold in chosen.at.items():
        said[label] = {"threshold": threshold}
        if chosen.held_out is not None:
            found = chosen.held_out.recall(chosen.numbers[label], threshold)
            interval = [round(found.low, 3), round(found.high, 3)]
            said[label].update(recall=round(found.found, 3), recall_interval=interval)
            said[label]["events_in_other_clips"] = round(found.others, 3)
    return said


def _rate(text: str) -> float:
    return _number(text, 1e9)


def _share(text: str) -> float:
    return _number(text, GRID[-1])


def _number(text: str, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= most:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0 and at most {most:g}")
    return value
