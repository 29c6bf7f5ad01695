"""The model card of a pack, README.md: what the model was made from, how well it works, its limits.

It is written from model.json. SECTIONS lists the keys of "training" and "accuracy" that have a heading
of their own; all others are listed under "Training" or "Accuracy". An empty section says so.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

from edge_attp.errors import UsageError

from .checkpoints import Checkpoint
from .parity import Parity

NOTHING = "Not recorded."
# Heading, object of model.json, key.
SECTIONS: Tuple[Tuple[str, str, str], ...] = (
    ("Intended use", "training", "intended_use"),
    ("What it is not good for", "training", "limits"),
    ("Data", "training", "data"),
    ("Licences", "training", "licences"),
    ("Protocol", "training", "protocol"),
    ("Baselines", "accuracy", "baselines"),
    ("Calibration", "accuracy", "calibration"),
    ("Thresholds of events", "accuracy", "thresholds"),
)
# What each network of a late fusion sees.
NETWORKS = {
    "I": "key pictures",
    "MV": "motion",
    "R": "residual",
    "M": "motion and residual energy in one network",
    "S": "speed and residual energy in one network",
}
# Figures that belong to a section, by its key: a file beside the card.
PICTURES = {"calibration": ("Reliability of held-out answers", "reliability.png")}
HIDDEN = ("config",)  # every setting, for machines; stays in model.json
UNTRAINED = "**Untrained: the weights are random and the labels mean nothing.**"


def with_facts(checkpoint: Checkpoint, path: Path) -> Checkpoint:
    """The checkpoint with the additions of the JSON file `path`: {"training": {}, "accuracy": {}}.

    Raises UsageError with file and reason.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot read the facts: {error}") from error
    known = {"training": checkpoint.training, "accuracy": checkpoint.accuracy}
    if not isinstance(facts, dict) or not known.keys() >= facts.keys():
        raise UsageError(f"{path}: expected an object with 'training' and 'accuracy'")
    for part, values in facts.items():
        if not isinstance(values, dict):
            raise UsageError(f"{path}: '{part}' is not an object")
        known[part] = {**known[part], **values}
    return checkpoint._replace(training=known["training"], accuracy=known["accuracy"])


def card(
    description: Mapping[str, Any],
    sizes_bytes: Mapping[str, int],
    parity: Optional[Parity] = None,
    notes: str = "",
) -> str:
    """The text of the card in Markdown.

    description: contents of model.json. sizes_bytes: of each file. parity: None if not checked.
    notes: Markdown to insert after the first lines.
    """
    labels = ", ".join(description["labels"])
    state = "" if description["trained"] else UNTRAINED
    facts = _table(_facts(description, sizes_bytes))
    parts = [f"# {description['name']}", state, f"Labels: {labels}", notes.strip(), facts]
    parts += [_section(heading, description[part], key) for heading, part, key in SECTIONS[:5]]
    parts += [
        _rest("Training", description, "training"),
        _rest("Accuracy", description, "accuracy"),
    ]
    parts += [_section(heading, description[part], key) for heading, part, key in SECTIONS[5:]]
    parts.append("## Parity and speed\n\n" + _measured(parity))
    return "\n\n".join(part for part in parts if part) + "\n"


def with_section(text: str, heading: str, body: str) -> str:
    """A card with this section, in place of the one of that heading or, if it has none, at the end."""
    section = f"## {heading}\n\n{body.strip()}\n"
    before, found, rest = text.partition(f"## {heading}\n")
    if not found:
        return f"{text.rstrip()}\n\n{section}"
    _, others, rest = rest.partition("\n## ")
    return before + section + others + rest


def _facts(description: Mapping[str, Any], sizes_bytes: Mapping[str, int]) -> Dict[str, Any]:
    spec = description["input"]
    files = ", ".join(f"{name} {size / 1e6:.2f} MB" for name, size in sizes_bytes.items())
    return {
        **_networks(description),
        "input": "{}x{} out of {}x{}".format(*spec["crop"], *spec["resize"]),
        "precision": description.get("precision", "fp32"),
        "size": f"{sum(sizes_bytes.values()) / 1e6:.2f} MB ({files})",
    }


def _networks(description: Mapping[str, Any]) -> Dict[str, str]:
    of = f"{description['backbone']}, width {description['width']:g}"
    if "trilinear" in description:
        sizes = description["trilinear"]
        pooling = f"d = {sizes['factors']}, D = {sizes['projections']}"
        return {"networks": f"3 x {of}", "trilinear pooling": pooling}
    parts = description["modalities"].split("+")
    fusion = "sum of the scores of " + ", ".join(NETWORKS[part] for part in parts)
    if len(parts) == 1:
        fusion = f"none: {NETWORKS[parts[0]]}"
    return {"networks": f"{len(parts)} x {of}", "fusion": fusion}


def _section(heading: str, values: Optional[Mapping[str, Any]], key: str) -> str:
    value = (values or {}).get(key)
    text = f"## {heading}\n\n{block(value)}"
    if value and key in PICTURES:
        text += "\n\n![{}]({})".format(*PICTURES[key])
    return text


def _rest(heading: str, description: Mapping[str, Any], part: str) -> str:
    """Keys without a heading of their own."""
    named = [*HIDDEN, *(key for _, owner, key in SECTIONS if owner == part)]
    values = description[part] or {}
    return f"## {heading}\n\n" + block({k: v for k, v in values.items() if k not in named})


def block(value: Any) -> str:
    """Markdown: a string as it is, a list as bullets, an object as a table."""
    if value is None or value in ("", [], {}):
        return NOTHING
    if isinstance(value, dict):
        return _table(_flat(value))
    if isinstance(value, list):
        return "\n".join(f"- {_inline(item)}" for item in value)
    return str(value)


def _flat(values: Mapping[str, Any], prefix: str = "") -> Dict[str, Any]:
    """Nested objects become rows of their own, with joined names."""
    rows: Dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}".replace("_", " ")
        rows.update(_flat(value, f"{name}: ") if isinstance(value, dict) else {name: value})
    return rows


def _table(rows: Mapping[str, Any]) -> str:
    lines = ["| | |", "|---|---|"]
    return "\n".join(lines + [f"| {key} | {_inline(value)} |" for key, value in rows.items()])


def _inline(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(map(_inline, value))
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_inline(inner)}" for key, inner in value.items())
    return str(value).replace("|", "\\|").replace("\n", " ")


def _measured(parity: Optional[Parity]) -> str:
    if parity is None:
        return "Neither parity with PyTorch nor speed was measured when this card was written."
    speed: List[str] = [f"motion.onnx {parity.motion_ms:.1f} ms per P or B picture"]
    if parity.appearance_ms is not None:
        speed.insert(0, f"appearance.onnx {parity.appearance_ms:.1f} ms per key picture")
    return f"{parity}.\n\nOn the exporting machine ({parity.engine}): {', '.join(speed)}."
