"""`edge-attp-export export`: arguments, and the steps from a checkpoint to a model pack."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional

from edge_attp.errors import ModelError, UsageError

from .calibration import lines
from .calibration_command import PLOT, Measured, calibrated, read_calibration
from .workers import whole

if TYPE_CHECKING:  # PyTorch and ONNX are imported late
    import onnx

    from .attp import ATTP
    from .checkpoints import Checkpoint
    from .parity import Parity

# Defaults of an untrained pack. With a checkpoint, none of these options may be given.
SHAPE: Dict[str, Any] = {
    "backbone": "efficientnet_b1",
    "width": 1.0,
    "factors": 5,
    "projections": 200,
    "motion_input": "full",
    "residual_input": "full",
    "seed": 0,
}
CHECKED, CALIBRATED = 32, 64  # pictures
BACKBONES = "efficientnet_b1 (default), efficientnet_b0, efficientnet_lite0, efficientnet_lite1 or mobilenet_v2"
INPUTS = "resolution of the {} input: full (default), or grid, that of the motion vectors"


class Source(NamedTuple):
    """The model to export."""

    checkpoint: Checkpoint
    model: ATTP
    is_trained: bool


def add_arguments(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "export",
        help="write a model pack",
        description="Write a model pack. A CHECKPOINT of edge-attp-export train describes the model "
        "completely; without one, the pack is untrained and its labels mean nothing.",
    )
    parser.add_argument("checkpoint", nargs="?", type=Path, metavar="CHECKPOINT")
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="PACK", help="folder to write"
    )
    parser.add_argument("--name", help="name of the pack (default: that of the folder)")
    parser.add_argument(
        "--background",
        nargs="+",
        default=[],
        metavar="LABEL",
        help="labels that say that nothing of interest happens; the first is that of idle pictures",
    )
    parser.add_argument(
        "--precision",
        choices=("fp32", "fp16", "fp16-typed", "int8"),
        default="fp32",
        help="fp32 (default); fp16: half the size, computed in 32 bits; fp16-typed: computed in 16 "
        "bits, for TensorRT 11; int8: for CPUs, needs --calibrate",
    )
    parser.add_argument(
        "--check",
        type=Path,
        nargs="+",
        default=[],
        metavar="VIDEO",
        help="compare the pack with PyTorch on pictures of these videos",
    )
    parser.add_argument(
        "--calibrate",
        type=Path,
        nargs="+",
        default=[],
        metavar="VIDEO",
        help="videos that set the ranges of int8: training videos, not those of --check",
    )
    parser.add_argument(
        "--card", type=Path, metavar="NOTES.md", help="text to include in the model card"
    )
    parser.add_argument(
        "--facts",
        type=Path,
        metavar="FACTS.json",
        help="additions to model.json and the card that the checkpoint cannot know: "
        '{"training": {"licences": ...}, "accuracy": {"baselines": ...}}',
    )
    parser.add_argument(
        "--calibration",
        metavar="RESULTS.json[:ROW]",
        help="divide the scores by the temperature of these results of crossvalidate, so that probabilities are "
        "right as often as they say",
    )
    parser.add_argument("--force", action="store_true", help="replace the folder if it exists")
    _add_untrained(parser.add_argument_group("for an untrained pack, without CHECKPOINT"))
    parser.set_defaults(run=run)


def _add_untrained(group: Any) -> None:
    group.add_argument("--classes", type=Path, metavar="FILE", help="labels, one per line")
    group.add_argument("--backbone", metavar="NAME", help=BACKBONES)
    group.add_argument("--width", type=float, help="width multiplier of mobilenet_v2 (default 1)")
    for name in ("motion", "residual"):
        group.add_argument(f"--{name}-input", choices=("full", "grid"), help=INPUTS.format(name))
    for option, default in (
        ("factors", "d of eq. (4), default 5"),
        ("projections", "D, default 200"),
    ):
        group.add_argument(f"--{option}", type=whole(1, 10**6), metavar="N", help=default)
    group.add_argument("--seed", type=whole(0, 2**32 - 1), help="seed of the weights (default 0)")
    group.add_argument(
        "--backbone-weights",
        metavar="imagenet|FILE|URL",
        help="checkpoint of the backbone, for all three networks; imagenet: the published one",
    )


def run(options: argparse.Namespace) -> None:
    """Write the pack."""
    from .model_card import card, with_facts
    from .packs import describe, require_free, write_pack

    require_free(options.out, options.force)
    notes = _notes(options.card)
    source = _trained(options) if options.checkpoint else _untrained(options)
    measured = _measured(options)
    if measured is not None:
        source = source._replace(checkpoint=calibrated(source.checkpoint, measured))
        source.model.divide_scores(measured.calibration.temperature)
    if options.facts is not None:
        source = source._replace(checkpoint=with_facts(source.checkpoint, options.facts))
    name = options.name or options.out.resolve().name
    description = describe(*source, name, options.precision, options.background)
    parities: List[Parity] = []

    def finish(folder: Path) -> None:
        parities.extend(_checked(options, source, folder))
        if measured is not None:
            measured.draw(folder / PLOT)
        sizes = {path.name: path.stat().st_size for path in sorted(folder.glob("*.onnx"))}
        text = card(description, sizes, parities[0] if parities else None, notes)
        (folder / "README.md").write_text(text, encoding="utf-8")

    write_pack(options.out, description, _graphs(options, source), finish, options.force)
    _report(options.out, source, parities)
    for line in lines(measured.calibration) if measured else ():
        print(line)


def _measured(options: argparse.Namespace) -> Optional[Measured]:
    if options.calibration is None:
        return None
    if options.checkpoint is None:
        raise UsageError("--calibration is for a CHECKPOINT: an untrained pack knows nothing")
    return read_calibration(options.calibration)


def _trained(options: argparse.Namespace) -> Source:
    from .checkpoints import build, read_checkpoint
    from .packs import PACKABLE

    for option in ("classes", "backbone_weights", *SHAPE):
        if getattr(options, option) is not None:
            flag = "--" + option.replace("_", "-")
            raise UsageError(f"{options.checkpoint} describes the model: omit {flag}")
    checkpoint = read_checkpoint(options.checkpoint)
    shape = checkpoint.architecture
    if not shape.fits_pack:
        raise ModelError(
            f"{options.checkpoint}: a {shape.modalities} model; a pack holds {PACKABLE}"
        )
    return Source(checkpoint, build(checkpoint), True)


def _untrained(options: argparse.Namespace) -> Source:
    from .architecture import Architecture
    from .attp import ATTP
    from .checkpoints import Checkpoint, load_backbones
    from .initialise import initialise
    from .input_spec import default_input
    from .packs import read_labels

    if options.classes is None:
        raise UsageError("expected a CHECKPOINT, or --classes FILE for an untrained pack")
    labels = tuple(read_labels(options.classes))
    given = {key: getattr(options, key) for key in SHAPE if getattr(options, key) is not None}
    fields = dict(SHAPE, **given)
    seed = fields.pop("seed")
    model = ATTP(Architecture(classes=len(labels), **fields))
    initialise(model, seed)
    if options.backbone_weights:
        load_backbones(model, options.backbone_weights)
    shape = model.architecture
    checkpoint = Checkpoint(shape, labels, default_input(shape), model.state_dict(), {}, {})
    return Source(checkpoint, model, False)


def _graphs(options: argparse.Namespace, source: Source) -> Dict[str, onnx.ModelProto]:
    from .onnx_graphs import graphs

    crop, precision = source.checkpoint.input.crop, options.precision
    if (precision == "int8") != bool(options.calibrate):
        raise UsageError("--precision int8 and --calibrate VIDEO... go together")
    made = graphs(source.model, crop, precision)
    if precision != "int8":
        return made
    from .quantise import quantised
    from .video_samples import read_samples

    spec, view, with_keys = source.checkpoint.input, source.checkpoint.view, "appearance" in made
    return quantised(made, read_samples(options.calibrate, spec, CALIBRATED, with_keys, view))


def _checked(options: argparse.Namespace, source: Source, folder: Path) -> List[Parity]:
    """The parity of the pack in `folder`, if --check names videos."""
    if not options.check:
        print("parity with PyTorch was not checked; --check VIDEO... checks it", file=sys.stderr)
        return []
    from .parity import check, measure
    from .video_samples import read_samples

    spec, view = source.checkpoint.input, source.checkpoint.view
    with_keys = "I" in source.model.architecture.networks
    samples = read_samples(options.check, spec, CHECKED, with_keys, view)
    parity = measure(source.model, folder, samples)
    check(parity, options.precision)
    return [parity]


def _notes(path: Optional[Path]) -> str:
    try:
        return "" if path is None else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot read the notes for the card: {error}") from error


def _report(out: Path, source: Source, parities: List[Parity]) -> None:
    """Files with sizes and sha256, and the parity, on stdout."""
    description = json.loads((out / "model.json").read_text(encoding="utf-8"))
    for entry in description["graphs"].values():
        size = (out / entry["file"]).stat().st_size / 1e6
        print(f"{entry['file']}  {size:.2f} MB  sha256 {entry['sha256']}")
    for parity in parities:
        print(parity)
    shape = source.model.architecture
    note = "" if source.is_trained else " (untrained: its labels mean nothing)"
    print(f"wrote {out}: {shape.backbone}, {shape.classes} classes{note}", file=sys.stderr)
