"""Trains a recipe once per fold and seed, and pools what the models say about clips they have not seen.

RUNS/seed0/1-of-10/<recipe>/ is the run folder of a training. A run that was cut short is resumed, and one that has its
metrics.json is not repeated, so the command can be killed and started again.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from edge_attp.errors import UsageError

from ..checkpoints import read_checkpoint
from ..config import Config
from ..data.prepared import Prepared
from ..files import write_json
from ..protocol import Plan, Trial
from ..results import Row
from .evaluation import evaluate, evaluated_samples, protocol_of
from .processes import processes
from .run import train, without_folders
from .run_folder import PREDICTIONS
from .trainer import precision

HERE = "{run}"  # in paths of a recipe: the folder of this fold's runs


class CrossValidation:
    """The trainings of one row of results.

    recipes: trained in this order for each fold; the last one answers. Paths of networks and teachers may begin with
    {run}/NAME, for what an earlier recipe of that name trained in the same fold. Raises UsageError for other
    paths to checkpoints that were trained on the same set, because they know the test clips.
    """

    def __init__(
        self, recipes: Sequence[Config], prepared: Prepared, runs: Path, device: str, keep: bool
    ) -> None:
        self._recipes = recipes
        self._runs = runs
        self._device = device
        self._keep = keep
        for recipe in recipes:
            _refuse_leaks(recipe, prepared)

    def row(self, plan: Plan, name: Optional[str] = None) -> Row:
        """Train what is missing, and pool the answers."""
        last = self._recipes[-1]
        about = without_folders(last.to_dict())
        return plan.row(name or last.source.stem, "model", self._answer, recipe=about)

    def _answer(self, trial: Trial) -> np.ndarray:
        place = self._runs / f"seed{trial.seed}" / _folder_name(trial.split)
        for recipe in self._recipes:
            self._train(recipe, trial, place)
        answers = self._predictions(trial, place)
        if not self._keep:
            for checkpoint in place.glob("*/*.pt"):
                checkpoint.unlink()
        logits = np.array([answers[entry.name] for entry in trial.test])
        odds = np.exp(logits - logits.max(1, keepdims=True))
        probabilities = np.asarray(odds / odds.sum(1, keepdims=True))
        _report(trial, probabilities)
        return probabilities

    def _train(self, recipe: Config, trial: Trial, place: Path) -> None:
        out = place / recipe.source.stem
        if (out / "metrics.json").exists():
            return
        resumes = (out / "config.json").exists()
        train(_of_trial(recipe, trial, place), out, resumes, self._device)

    def _predictions(self, trial: Trial, place: Path) -> Dict[str, List[float]]:
        """Logits of each test clip, by name."""
        run = place / self._recipes[-1].source.stem
        tested = trial.tested.folder.resolve().name
        path = run / (PREDICTIONS if trial.tested_here else f"predictions-{tested}.json")
        if not path.exists():
            write_json(path, self._evaluated(trial, run / "best.pt"))
        return dict(json.loads(path.read_text(encoding="utf-8")))

    def _evaluated(self, trial: Trial, best: Path) -> Dict[str, List[float]]:
        checkpoint = read_checkpoint(best)
        samples = evaluated_samples(checkpoint, trial.tested, trial.test, protocol_of(checkpoint))
        with processes(self._device) as where:
            autocast, _ = precision("auto", where.device)
            scores = evaluate(checkpoint, samples, where, autocast)
        return scores.by_name(samples.entries)


def _of_trial(recipe: Config, trial: Trial, place: Path) -> Config:
    """The recipe for one fold and seed."""
    networks = {name: _in_run(path, place) for name, path in recipe.model.networks.items()}
    teacher = recipe.objective.teacher
    return replace(
        recipe,
        data=replace(recipe.data, split=trial.split),
        model=replace(recipe.model, networks=networks),
        train=replace(recipe.train, seed=recipe.train.seed + trial.seed),
        objective=replace(recipe.objective, teacher=teacher and _in_run(teacher, place)),
    )


def _in_run(path: Path, place: Path) -> Path:
    parts = path.parts
    return place.joinpath(*parts[parts.index(HERE) + 1 :]) if HERE in parts else path


def _refuse_leaks(recipe: Config, prepared: Prepared) -> None:
    known = {f"model.networks.{name}": path for name, path in recipe.model.networks.items()}
    if recipe.objective.teacher is not None:
        known["objective.teacher"] = recipe.objective.teacher
    for key, path in known.items():
        if HERE in path.parts:
            continue
        if read_checkpoint(path).training.get("data") == prepared.folder.name:
            raise UsageError(
                f"{recipe.source}: {key}: {path} was trained on {prepared.folder.name}, test clips included; "
                f'train it in every fold: "{HERE}/NAME/best.pt", and its recipe NAME.toml before this one'
            )


def _folder_name(split: str) -> str:
    return split.partition(":")[0].replace("/", "-of-")


def _report(trial: Trial, probabilities: np.ndarray) -> None:
    labels: Any = trial.tested.labels
    answers = [labels[number] for number in probabilities.argmax(1)]
    right = sum(answer == entry.label for answer, entry in zip(answers, trial.test))
    print(
        f"seed {trial.seed}, split {trial.split}: {right} of {len(trial.test)} right",
        file=sys.stderr,
    )
