"""The paper's ablations (table 3, figure 4) on a prepared set: every row, over several seeds.

    python benchmarks/ablation.py PREPARED RUNS --weights BACKBONE.pth --seeds 3 -o results/NAME.json

Made for a few processor cores. LiteNet_I, LiteNet_MV and LiteNet_R are trained one by one, in each
variant that a row needs; what fuses them is trained on their frozen features, which takes seconds
(the paper trains all of it together). A run that is finished is not run again.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from statistics import mean, stdev
from typing import Any, Dict, List, NamedTuple, Optional

from edge_attp.errors import EdgeAttpError
from edge_attp_export.config import from_dict
from edge_attp_export.data.prepared import load_prepared
from edge_attp_export.training.run import train

PAPER = {  # top-1 %, means of the three splits: HMDB-51, UCF-101 (table 3)
    "I": (51.5, 83.8),
    "MV": (45.0, 71.3),
    "R": (47.4, 81.6),
    "I+MV+R": (58.5, 86.6),
    "BP": (59.0, 87.6),
    "TP": (59.8, 88.1),
    "TTP": (60.3, 88.7),
    "ATTP": (62.9, 91.1),
}


class Network(NamedTuple):
    """One network and its classifier. `name` is the run's."""

    name: str
    modality: str
    frame_types: str = "I+P+B"
    b_frames: str = "correct"
    alignment: str = "none"
    flow: str = "vectors"


class Row(NamedTuple):
    """A row of a table: networks by modality, and what joins them."""

    table: str
    name: str
    modalities: str
    networks: Dict[str, str]
    frame_types: str = "I+P+B"
    b_frames: str = "correct"


NETWORKS = [
    Network("I", "I", frame_types="I"),
    Network("MV", "MV"),
    Network("R", "R"),
    Network("OF", "MV", flow="optical"),
    Network("MV-ours", "MV", alignment="ours"),
    Network("MV-after-fc", "MV", alignment="after-fc"),
    Network("MV-distillation", "MV", alignment="distillation"),
    Network("MV-P", "MV", "I+P"),
    Network("R-P", "R", "I+P"),
    Network("MV-B", "MV", "I+B"),
    Network("R-B", "R", "I+B"),
    Network("MV-as-p", "MV", b_frames="as-p"),
]
ALL = {"I": "I", "MV": "MV", "R": "R"}
ROWS = [
    Row("modalities", "I", "I", {"I": "I"}, "I"),
    Row("modalities", "MV", "MV", {"MV": "MV"}),
    Row("modalities", "R", "R", {"R": "R"}),
    Row("modalities", "I+MV+R", "I+MV+R", ALL),
    Row("modalities", "BP", "BP", ALL),
    Row("modalities", "TP", "TP", ALL),
    Row("modalities", "TTP", "TTP", ALL),
    # ATTP is TTP with the aligned network.
    Row("modalities", "ATTP", "TTP", {**ALL, "MV": "MV-ours"}),
    Row("frame types", "I", "I", {"I": "I"}, "I"),
    Row("frame types", "I+P", "I+MV+R", {"I": "I", "MV": "MV-P", "R": "R-P"}, "I+P"),
    Row("frame types", "I+B", "I+MV+R", {"I": "I", "MV": "MV-B", "R": "R-B"}, "I+B"),
    Row("frame types", "I+P+B", "I+MV+R", ALL),
    Row("alignment", "none", "MV", {"MV": "MV"}),
    Row("alignment", "after FC", "MV", {"MV": "MV-after-fc"}),
    Row("alignment", "distillation", "MV", {"MV": "MV-distillation"}),
    Row("alignment", "ours", "MV", {"MV": "MV-ours"}),
    Row("alignment", "optical flow (the teacher)", "MV", {"MV": "OF"}),
    Row("B pictures, MV", "ignored", "MV", {"MV": "MV-P"}, "I+P"),
    Row("B pictures, MV", "read as P", "MV", {"MV": "MV-as-p"}, b_frames="as-p"),
    Row("B pictures, MV", "correct", "MV", {"MV": "MV"}),
]
FUSED = ("BP", "TP", "TTP")


class Ablation:
    """All runs of one seed, each in a folder of its own."""

    def __init__(self, options: argparse.Namespace, seed: int) -> None:
        self._options = options
        self._seed = seed
        self._folder = options.runs / f"seed{seed}"

    def top1(self, row: Row) -> float:
        """What a row reaches on the test clips; trains what it needs."""
        if len(row.networks) == 1:
            (name,) = row.networks.values()
            return self._network(name)
        networks = {
            modality: str(self._checkpoint(name)) for modality, name in row.networks.items()
        }
        changes = self._content(row.modalities, row.frame_types, row.b_frames)
        changes["model"]["networks"] = networks
        options = self._options
        trains = row.modalities in FUSED
        changes["train"].update(
            freeze=trains,
            epochs=options.fusion_epochs if trains else 0,
            learning_rate=options.fusion_rate,
            dropout=options.dropout if trains else 0.0,
            views=options.views,
        )
        return self._run(f"{row.table} {row.name}".replace(" ", "-"), changes)

    def _network(self, name: str) -> float:
        network = next(one for one in NETWORKS if one.name == name)
        content = self._content(network.modality, network.frame_types, network.b_frames)
        content["data"]["flow"] = network.flow
        content["model"].update(
            alignment=network.alignment,
            weights=self._options.weights,
            weights_epsilon=self._options.weights_epsilon,
        )
        if network.alignment != "none":
            content["objective"]["teacher"] = str(self._checkpoint("OF"))
        return self._run(f"network-{name}", content)

    def _checkpoint(self, name: str) -> Path:
        self._network(name)
        return Path(self._folder, f"network-{name}", "best.pt")

    def _content(self, modalities: str, frame_types: str, b_frames: str) -> Dict[str, Any]:
        options = self._options
        return {
            "data": {
                "prepared": str(options.prepared),
                "validation": options.validation,
                "frame_types": frame_types,
                "b_frames": b_frames,
            },
            "model": {
                "backbone": options.backbone,
                "factors": options.factors,
                "projections": options.projections,
                "sketch": options.sketch,
                "modalities": modalities,
            },
            "input": {
                "resize": options.resize,
                "crop": [options.crop, options.crop],
                "scales": options.scales,
            },
            "train": {
                "epochs": options.epochs,
                "clips": options.clips,
                "segments": options.segments,
                "learning_rate": options.rate,
                "backbone_factor": 1.0,
                "weight_decay": options.weight_decay,
                "label_smoothing": options.label_smoothing,
                "dropout": options.dropout,
                "seed": self._seed,
                "workers": options.workers,
                "evaluate_pictures": options.pictures,
            },
            "objective": {},
        }

    def _run(self, name: str, content: Dict[str, Any]) -> float:
        folder = self._folder / name
        metrics = folder / "metrics.json"
        if not metrics.exists():
            started = time.monotonic()
            train(from_dict(content, Path("ablation")), folder, resume=folder.exists())
            print(f"{folder}: {time.monotonic() - started:.0f} s", file=sys.stderr)
        top1: float = json.loads(metrics.read_text())["test"]["top1"]
        return top1


def summary(reached: Dict[int, Dict[str, float]]) -> List[Dict[str, Any]]:
    """Mean and spread of each row over the seeds."""
    rows = []
    for row in ROWS:
        key = f"{row.table}: {row.name}"
        values = [of_seed[key] for of_seed in reached.values() if key in of_seed]
        if values:
            spread: Optional[float] = stdev(values) if len(values) > 1 else None
            rows.append(
                {
                    "table": row.table,
                    "row": row.name,
                    "top1_mean": mean(values),
                    "top1_stdev": spread,
                    "top1": values,
                    "paper": PAPER.get(row.name) if row.table == "modalities" else None,
                }
            )
    return rows


def main() -> int:
    options = _parser().parse_args()
    options.prepared = options.prepared.absolute()
    labels = load_prepared(options.prepared).labels
    reached: Dict[int, Dict[str, float]] = {}
    try:
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            ablation = Ablation(options, seed)
            reached[seed] = {}
            for row in ROWS:
                if not options.tables or row.table in options.tables:
                    key = f"{row.table}: {row.name}"
                    reached[seed][key] = ablation.top1(row)
                    print(f"seed {seed}, {key}: {reached[seed][key]:.3f}", flush=True)
            _write(options, labels, reached)
    except EdgeAttpError as error:
        print(f"ablation: {error}", file=sys.stderr)
        return int(error.exit_code)
    return 0


def _write(options: argparse.Namespace, labels: Any, reached: Dict[int, Dict[str, float]]) -> None:
    if options.out is None:
        return
    settings = {
        name: str(value.name) if isinstance(value, Path) else value
        for name, value in vars(options).items()
        if name not in ("out", "runs")
    }
    content = {
        "settings": settings,
        "labels": list(labels),
        "seeds": sorted(reached),
        "rows": summary(reached),
    }
    options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("prepared", type=Path, metavar="PREPARED", help="folder of edge-attp-export prepare")
    add("runs", type=Path, metavar="RUNS", help="where the runs go")
    add("-o", "--out", type=Path, help="JSON of the results")
    add("--weights", help="ImageNet checkpoint of the backbone")
    add("--weights-epsilon", type=float, default=1e-3, help="1e-3 for weights from TensorFlow")
    add("--backbone", default="mobilenet_v2")
    add("--seeds", type=int, default=3, help="how many (default 3)")
    add("--first-seed", type=int, default=0)
    add("--tables", nargs="*", help="of " + ", ".join(sorted({row.table for row in ROWS})))
    add("--resize", type=int, nargs=2, default=[146, 110], metavar=("WIDTH", "HEIGHT"))
    add("--crop", type=int, default=96)
    add("--scales", type=float, nargs="+", default=[1.0, 0.875])
    add("--epochs", type=int, default=12)
    add("--clips", type=int, default=8)
    add("--segments", type=int, default=3)
    add("--pictures", type=int, default=1, help="of each GOP in evaluation")
    add("--rate", type=float, default=1e-3, help="learning rate of the networks")
    add("--fusion-rate", type=float, default=1e-3, help="and of what fuses them")
    add("--fusion-epochs", type=int, default=15)
    add("--views", type=int, default=2, help="draws of each clip for that")
    add("--dropout", type=float, default=0.2)
    add("--weight-decay", type=float, default=1e-2)
    add("--label-smoothing", type=float, default=0.0)
    add("--factors", type=int, default=5)
    add("--projections", type=int, default=64)
    add("--sketch", type=int, default=2048)
    add("--validation", type=float, default=0.15)
    add("--workers", type=int, default=1)
    return parser


if __name__ == "__main__":
    sys.exit(main())
