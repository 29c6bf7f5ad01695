"""A run's folder: config.json, log.csv, best.pt, last.pt, metrics.json, predictions.json,
pictures.npz and the figures."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, TypeVar

import torch

from edge_attp.errors import UsageError

from ..checkpoints import Checkpoint, save_checkpoint
from ..config import Config
from ..files import replacing, write_json

PREDICTIONS = "predictions.json"  # the logits of each test clip, by name
PICTURES = "pictures.npz"  # those of each of its pictures, see picture_answers
T = TypeVar("T")
COLUMNS = (
    "epoch",
    "learning_rate",
    "train_loss",
    "alignment_loss",
    "train_top1",
    "val_loss",
    "val_top1",
    "seconds",
)


class RunFolder:
    """The files of a training. Only the first process writes."""

    def __init__(self, path: Path, config: Config, resume: bool, is_first: bool) -> None:
        """Raises UsageError if the folder holds a run that is not to be resumed, or a different one."""
        self.path = path
        self.template: Optional[Checkpoint] = None  # what all checkpoints of this run share
        self._is_first = is_first
        self._settings = config.to_dict()
        recorded = path / "config.json"
        if not is_first:
            return  # the first process may have made the folder by now
        if recorded.exists() and not resume:
            raise UsageError(
                f"{path}: holds a run; --resume continues it, or choose another folder"
            )
        if recorded.exists():
            self._check_same(json.loads(recorded.read_text(encoding="utf-8")))

    def create(self) -> None:
        """Create the folder; called once data and model have been checked."""
        if self._is_first:
            self.path.mkdir(parents=True, exist_ok=True)
            self.write_json("config.json", self._settings)

    def load_last(self) -> Optional[Dict[str, Any]]:
        """The state that save_last() stored, on the CPU; None in a new run."""
        path = self.path / "last.pt"
        if not path.exists():
            return None
        state: Dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if self._is_first:
            self._forget(state["epoch"])
        return state

    def save_last(self, state: Dict[str, Any]) -> None:
        with replacing(self.path / "last.pt") as part:
            torch.save(state, part)

    def save_best(self, state: Dict[str, torch.Tensor], row: Dict[str, Any]) -> None:
        assert self.template is not None
        reached = {"epoch": row["epoch"], "validation_top1": row["val_top1"]}
        training = dict(self.template.training, **reached)
        save_checkpoint(
            self.path / "best.pt", self.template._replace(state=dict(state), training=training)
        )

    @property
    def best(self) -> Path:
        return self.path / "best.pt"

    def _forget(self, epoch: int) -> None:
        """Drop lines of the log that are newer than the state; they will be written again."""
        path = self.path / "log.csv"
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(lines[: epoch + 1]), encoding="utf-8")

    def log_epoch(self, row: Dict[str, Any]) -> None:
        """Append a line to log.csv, and print one on stderr."""
        path = self.path / "log.csv"
        is_new = not path.exists()
        with open(path, "a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            if is_new:
                writer.writeheader()
            writer.writerow(row)
        print(_line(row), file=sys.stderr)

    def read_log(self) -> List[Dict[str, Optional[float]]]:
        """log.csv as numbers, one row per epoch."""
        path = self.path / "log.csv"
        if not path.exists():
            return []
        with open(path, newline="", encoding="utf-8") as file:
            return [
                {name: float(text) if text else None for name, text in row.items()}
                for row in csv.DictReader(file)
            ]

    def write_json(self, name: str, content: Any) -> None:
        write_json(self.path / name, content)

    def progress(self, items: Iterable[T], what: str) -> Iterable[T]:
        """The same items, with a progress bar on a terminal."""
        from tqdm import tqdm

        is_shown = self._is_first and sys.stderr.isatty()
        bar: Iterable[T] = tqdm(items, what, leave=False, disable=not is_shown)
        return bar

    def _check_same(self, recorded: Dict[str, Any]) -> None:
        """Only the number of epochs and settings without influence on the result may differ."""
        for table, values in self._settings.items():
            for key, value in values.items():
                before = recorded.get(table, {}).get(key)
                if value != before and (table, key) not in _FREE:
                    raise UsageError(
                        f"{self.path}: was started with {table}.{key} = {before!r}, not {value!r}; "
                        "choose another folder"
                    )


_FREE = {("train", "epochs"), ("train", "workers"), ("train", "patience")}


def _line(row: Dict[str, Any]) -> str:
    text = "epoch {epoch}: loss {train_loss:.3f}, top-1 {train_top1:.3f}".format(**row)
    if row["val_top1"] is not None:
        text += "; validation loss {val_loss:.3f}, top-1 {val_top1:.3f}".format(**row)
    return text + " ({seconds:.1f} s)".format(**row)
