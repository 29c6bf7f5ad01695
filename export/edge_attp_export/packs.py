"""Model packs: a folder with `model.json`, one or two graphs and a card, written atomically."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Sequence

import onnx

from edge_attp.engine.pack import WHOLE
from edge_attp.errors import UsageError

from .attp import ATTP
from .checkpoints import Checkpoint
from .files import write_json, write_text
from .input_spec import as_json, map_positions
from .model_card import with_section

FORMAT_VERSION = 1
CARD = "README.md"
PACKABLE = "TTP, ATTP, I+MV+R, or networks among I, M and S"


def read_labels(path: Path) -> List[str]:
    """Read class labels, one per line; blank lines are skipped. Raises UsageError with file and line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot read the class labels: {error}") from error
    labels: List[str] = []
    for number, line in enumerate(lines, 1):
        label = line.strip()
        if label in labels:
            raise UsageError(f"{path}, line {number}: the label '{label}' occurs twice")
        if label:
            labels.append(label)
    if len(labels) < 2:
        raise UsageError(f"{path}: {len(labels)} labels; a model needs at least two classes")
    return labels


def describe(
    checkpoint: Checkpoint,
    model: ATTP,
    trained: bool,
    name: str,
    precision: str = "fp32",
    background: Sequence[str] = (),
) -> Dict[str, Any]:
    """The contents of `model.json`, without its graphs. background: labels that say that nothing of interest happens.

    Raises UsageError for a model that no pack holds, and for a background that it does not have or that leaves no
    label.
    """
    shape = model.architecture
    if not shape.fits_pack:
        raise UsageError(f"a pack holds {PACKABLE}, not {shape.modalities}")
    description: Dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "name": name,
        "trained": trained,
        "backbone": shape.backbone,
        "width": shape.width,
        "labels": list(checkpoint.labels),
        "input": as_json(checkpoint.input),
        **_fusion(checkpoint, model),
        "graphs": {},
        "training": checkpoint.training or None,
        "accuracy": checkpoint.accuracy or None,
    }
    if precision != "fp32":  # the default of model.json
        description["precision"] = precision
    if background:
        description["background"] = _background(checkpoint.labels, background)
    if checkpoint.view != WHOLE:
        description["view"] = checkpoint.view
    return description


def _fusion(checkpoint: Checkpoint, model: ATTP) -> Dict[str, Any]:
    """How the networks are put together."""
    shape = model.architecture
    if not shape.is_trilinear:
        return {"modalities": shape.modalities}
    sizes = {
        "factors": shape.factors,
        "projections": shape.projections,
        "channels": model.litenet_i.channels,
        "positions": map_positions(shape, checkpoint.input.crop)["I"],
    }
    return {"trilinear": sizes}


def _background(labels: Sequence[str], background: Sequence[str]) -> List[str]:
    for label in background:
        if label not in labels:
            raise UsageError(f"--background {label}: the labels are {', '.join(labels)}")
    if set(background) == set(labels):
        raise UsageError("--background names all labels, so that nothing could be recognised")
    return list(background)


def write_pack(
    out: Path,
    description: Dict[str, Any],
    graphs: Mapping[str, onnx.ModelProto],
    finish: Callable[[Path], None] = lambda folder: None,
    replace: bool = False,
) -> None:
    """Write the pack to folder `out`.

    finish: called with the pack's temporary folder before the pack appears; if it raises, `out` stays
    as it was. Raises UsageError if `out` exists and `replace` is false, or if it cannot be written.
    """
    out = Path(os.path.abspath(out))
    require_free(out, replace)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as scratch:
            fresh = Path(scratch) / "new"
            fresh.mkdir()
            _fill(fresh, description, graphs)
            finish(fresh)
            if out.exists():
                out.rename(Path(scratch) / "old")
            fresh.rename(out)
    except OSError as error:
        raise UsageError(f"{out}: cannot write the pack: {error.strerror}") from error


def set_thresholds(
    folder: Path, thresholds: Mapping[str, float], said: Mapping[str, Any], section: str
) -> None:
    """Write thresholds into model.json of a pack, and what is said of them into its accuracy and its card.

    section: Markdown below the card's heading. The graphs stay as they are. Raises UsageError if a file cannot be read
    or written.
    """
    path, card = folder / "model.json", folder / CARD
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        text = card.read_text(encoding="utf-8") if card.exists() else f"# {content['name']}\n"
        content["thresholds"] = dict(thresholds)
        content["accuracy"] = {**(content["accuracy"] or {}), "thresholds": dict(said)}
        write_text(card, with_section(text, "Thresholds of events", section))
        write_json(path, content)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written: {error.strerror}") from error


def require_free(out: Path, replace: bool) -> None:
    """Raise UsageError if `out` exists and may not be replaced."""
    if out.exists() and not replace:
        raise UsageError(f"{out} exists; --force replaces it")


def _fill(folder: Path, description: Dict[str, Any], graphs: Mapping[str, onnx.ModelProto]) -> None:
    entries = {name: _write_graph(folder / f"{name}.onnx", graph) for name, graph in graphs.items()}
    text = json.dumps(dict(description, graphs=entries), indent=2, ensure_ascii=False) + "\n"
    (folder / "model.json").write_text(text, encoding="utf-8")


def _write_graph(path: Path, graph: onnx.ModelProto) -> Dict[str, str]:
    data = graph.SerializeToString(deterministic=True)
    path.write_bytes(data)
    return {"file": path.name, "sha256": hashlib.sha256(data).hexdigest()}
