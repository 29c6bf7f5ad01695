"""A whole training, from configuration to metrics, and a whole evaluation."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any, Dict, Iterator, Optional, Sequence

import torch

from edge_attp.engine import load_pack
from edge_attp.errors import UsageError

from .. import __version__, figures
from ..b_frames import B_FRAMES, FRAME_TYPES
from ..checkpoints import Checkpoint, read_checkpoint
from ..config import Config
from ..data.classes import with_classes
from ..data.prepared import load_prepared
from ..files import write_json
from ..picture_answers import write_answers
from . import deployed, setup
from .evaluation import (
    Protocol,
    evaluate,
    evaluated_samples,
    metrics,
    part_of,
    picture_answers,
    protocol_of,
)
from .processes import Processes, processes
from .run_folder import PICTURES, PREDICTIONS, RunFolder
from .scoring import ClipScores, confusion
from .trainer import Trainer, precision

TOLERANCE = 1e-3  # largest difference of the deployed path's logits, relative to their spread


def train(config: Config, out: Path, resume: bool, device: str = "auto") -> str:
    """Train, then test the best epoch; return a summary (the first process; others return "").

    Writes the files of RunFolder into `out`. Raises UsageError for mistakes in configuration or data.
    """
    with processes(device) as where:
        folder = RunFolder(out, config, resume, where.is_first)
        trainer = Trainer(config, folder, where)
        folder.create()
        sets = trainer.sets
        folder.template = Checkpoint(
            trainer.model.architecture,
            sets.prepared.labels,
            setup.input_spec(config),
            {},
            described(config, trainer),
            {},
        )
        trainer.run()
        scores = trainer.test(read_checkpoint(folder.best).state)
        if not where.is_first:
            return ""
        return _finish(folder, trainer, scores)


def described(config: Config, trainer: Trainer) -> Dict[str, Any]:
    """How the checkpoint was made, for `Protocol` and model.json."""
    data, sets = config.data, trainer.sets
    return {
        "program": f"edge-attp-export {__version__}, PyTorch {torch.__version__}",
        "data": sets.prepared.folder.name,
        "split": data.split,
        "validation": data.validation,
        "seed": config.train.seed,
        "frame_types": data.frame_types,
        "b_frames": data.b_frames,
        "flow": data.flow,
        "view": data.view,
        "gops": config.train.evaluate_gops,
        "pictures": config.train.evaluate_pictures,
        "processes": trainer.where.world,
        "clips": {name: len(getattr(sets.division, name)) for name in ("train", "val", "test")},
        "encoder": sets.prepared.encoder,
        "config": without_folders(config.to_dict()),
    }


def without_folders(value: Any) -> Any:
    """Shorten paths to names: a checkpoint should not reveal where it was made."""
    if isinstance(value, dict):
        return {key: without_folders(item) for key, item in value.items()}
    return Path(value).name if isinstance(value, str) and "/" in value else value


def _finish(folder: RunFolder, trainer: Trainer, scores: Optional[ClipScores]) -> str:
    rows = folder.read_log()
    if rows:
        figures.curves(folder.path / "curves.png", rows)
    result: Dict[str, Any] = {"machine": platform.processor() or platform.machine()}
    reached = [row["val_top1"] for row in rows if row["val_top1"] is not None]
    result["validation_top1"] = max(reached) if reached else None
    if scores is None or trainer.sets.test is None:
        folder.write_json("metrics.json", result)
        return f"{folder.best}: trained; the set has no test clips"
    labels = trainer.sets.prepared.labels
    result["test"] = metrics(scores, trainer.sets.test, labels)
    folder.write_json(PREDICTIONS, scores.by_name(trainer.sets.test.entries))
    write_answers(folder.path / PICTURES, picture_answers(scores, trainer.sets.test))
    folder.write_json("metrics.json", result)
    title = f"top-1 {scores.top1:.3f} on {len(scores.labels)} test clips"
    counts = confusion(scores, len(labels))
    figures.confusion_matrix(folder.path / "confusion.png", counts, labels, title)
    return f"{folder.best}: {title}"


def evaluate_checkpoint(
    path: Path,
    prepared_folder: Path,
    out: Path,
    changes: Dict[str, Any],
    pack: Optional[str],
    device: str,
    workers: int,
    classes: Sequence[str] = (),
) -> Iterator[str]:
    """Measure a checkpoint and, if given, a pack; yield lines to print. classes: of the set, see with_classes().

    Raises UsageError for a set with other labels, or an unknown protocol.
    """
    checkpoint = read_checkpoint(path)
    prepared = with_classes(load_prepared(prepared_folder), classes)
    if checkpoint.labels != prepared.labels:
        raise UsageError(f"{path}: its labels differ from those of {prepared_folder}")
    protocol = _checked(protocol_of(checkpoint)._replace(**changes))
    samples = evaluated_samples(checkpoint, prepared, part_of(prepared, protocol), protocol)
    with processes(device) as where:
        autocast, _ = precision("auto", where.device)
        scores = evaluate(checkpoint, samples, where, autocast, workers=workers)
        out.mkdir(parents=True, exist_ok=True)
        result = {"protocol": protocol._asdict(), **metrics(scores, samples, prepared.labels)}
        title = f"top-1 {scores.top1:.3f} on {len(scores.labels)} {protocol.part} clips"
        if "area_under_roc" in result:
            title += f", area under ROC {result['area_under_roc']:.3f}"
        counts = confusion(scores, len(prepared.labels))
        figures.confusion_matrix(out / "confusion.png", counts, prepared.labels, title)
        yield title
        if pack:
            result["deployed"] = _deployed(checkpoint, samples, protocol, pack, where)._asdict()
            yield _agreement_line(result["deployed"])
    write_json(out / "metrics.json", result)


def _deployed(
    checkpoint: Checkpoint,
    samples: Any,
    protocol: Protocol,
    pack_folder: str,
    where: Processes,
) -> deployed.Agreement:
    """Compare both on every picture of every file that a device scores, in 32 bits."""
    whole = protocol._replace(gops=0, pictures=0, frame_types="I+P+B", b_frames="correct")
    prepared, pack = samples.prepared, load_pack(pack_folder)
    all_of_it = evaluated_samples(checkpoint, prepared, samples.entries, whole, as_device=True)
    autocast, _ = precision("off", where.device)
    ours = evaluate(checkpoint, all_of_it, where, autocast, clips=1)
    theirs = deployed.deployed_scores(pack, prepared, all_of_it, ours.labels)
    return deployed.agreement(deployed.as_on_device(ours, all_of_it, pack), theirs)


def _agreement_line(found: Dict[str, Any]) -> str:
    relative = found["largest_difference"] / found["spread"]
    word = "agrees with" if relative <= TOLERANCE else "DIFFERS from"
    idle = f", nothing moves in {found['idle']} of them" if found["idle"] else ""
    return (
        f"deployed: top-1 {found['top1']:.3f}; {word} PyTorch: largest difference of a clip's "
        f"scores {found['largest_difference']:.2g}, {relative:.2g} of their spread "
        f"(tolerance {TOLERANCE:g}), the same answer for {found['same_answer']:.1%} of the clips{idle}"
    )


def _checked(protocol: Protocol) -> Protocol:
    for name, value, allowed in (
        ("frame types", protocol.frame_types, FRAME_TYPES),
        ("b-frames", protocol.b_frames, B_FRAMES),
    ):
        if value not in allowed:
            raise UsageError(f"{name} '{value}': choose one of {', '.join(allowed)}")
    return protocol
