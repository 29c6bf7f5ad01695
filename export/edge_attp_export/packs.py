"""Model packs: a folder with `model.json` and the two graphs, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Sequence

import onnx

from edge_attp.errors import UsageError

from .attp import ATTP, POSITIONS, SIDE
from .onnx_graphs import appearance_graph, motion_graph

FORMAT_VERSION = 1

# How pictures become network inputs. Sizes are (width, height): the paper resizes to 340 x 256
# (section 4.1) and the networks see the centre. RGB: the ImageNet statistics that backbone
# checkpoints expect. Flow: 20 pixels a picture interval is full scale, the bound that two-stream
# networks use. Residual: mostly within a few sample values.
INPUT: Dict[str, Any] = {
    "resize": [340, 256],
    "crop": [SIDE, SIDE],
    "rgb": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
    "flow": {"scale": 0.05},
    "residual": {"mean": [0.0, 0.0, 0.0], "std": [0.05, 0.05, 0.05]},
}


def read_labels(path: Path) -> List[str]:
    """Read class labels, one a line, blank lines left out. Raises UsageError with file and line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot read the class labels: {error}") from error
    labels: List[str] = []
    for number, line in enumerate(lines, 1):
        label = line.strip()
        if label in labels:
            raise UsageError(f"{path}, line {number}: the label '{label}' is there twice")
        if label:
            labels.append(label)
    if len(labels) < 2:
        raise UsageError(f"{path}: {len(labels)} labels; a model needs two classes or more")
    return labels


def write_pack(
    model: ATTP, labels: Sequence[str], out: Path, trained: bool, replace: bool = False
) -> None:
    """Write the pack to folder `out`, whose name becomes the pack's.

    Raises UsageError if `out` exists and `replace` is false, or cannot be written, and for a model
    that is no temporal trilinear pooling, which is all that a pack can hold.
    """
    if not model.architecture.is_temporal:
        raise UsageError(f"a pack holds TTP or ATTP, not {model.architecture.modalities}")
    out = Path(os.path.abspath(out))
    if out.exists() and not replace:
        raise UsageError(f"{out} exists; give --force to replace it")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as scratch:
            fresh = Path(scratch) / "new"
            fresh.mkdir()
            _fill(fresh, model, labels, out.name, trained)
            if out.exists():
                out.rename(Path(scratch) / "old")
            fresh.rename(out)
    except OSError as error:
        raise UsageError(f"{out}: cannot write the pack: {error.strerror}") from error


def _fill(folder: Path, model: ATTP, labels: Sequence[str], name: str, trained: bool) -> None:
    description = describe(model, labels, name, trained)
    for graph_name, graph in (
        ("appearance", appearance_graph(model)),
        ("motion", motion_graph(model)),
    ):
        description["graphs"][graph_name] = _write_graph(folder / f"{graph_name}.onnx", graph)
    text = json.dumps(description, indent=2, ensure_ascii=False) + "\n"
    (folder / "model.json").write_text(text, encoding="utf-8")


def describe(model: ATTP, labels: Sequence[str], name: str, trained: bool) -> Dict[str, Any]:
    """Return the contents of `model.json`, its graphs still to be filled in."""
    shape = model.architecture
    return {
        "format_version": FORMAT_VERSION,
        "name": name,
        "trained": trained,
        "backbone": shape.backbone,
        "width": shape.width,
        "labels": list(labels),
        "input": INPUT,
        "trilinear": {
            "factors": shape.factors,
            "projections": shape.projections,
            "channels": model.litenet_i.channels,
            "positions": POSITIONS,
        },
        "graphs": {},
        "training": None,
        "accuracy": None,
    }


def _write_graph(path: Path, graph: onnx.ModelProto) -> Dict[str, str]:
    data = graph.SerializeToString(deterministic=True)
    path.write_bytes(data)
    return {"file": path.name, "sha256": hashlib.sha256(data).hexdigest()}
