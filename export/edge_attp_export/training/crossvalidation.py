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
from ..picture_answers import ClipPictures, PictureAnswers, joined, read_answers, write_answers
from ..protocol import Plan, Trial
from ..results import Row, softmax
from .evaluation import evaluate, evaluated_samples, picture_answers, protocol_of
from .processes import processes
from .run import train, without_folders
from .run_folder import PICTURES, PREDICTIONS
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
        logits = plan.pooled(self._answer)
        about = {"recipe": without_folders(last.to_dict())}
        return Row(name or last.source.stem, "model", softmax(logits), about, logits)

    def pictures(self, plan: Plan) -> Optional[PictureAnswers]:
        """What was said of each picture, after row(); None if a training was made before that was kept."""
        names = [clip.name for clip in plan.clips()]
        seeds = []
        for trials in plan.trials:
            found: Dict[str, ClipPictures] = {}
            for trial in trials:
                answers = read_answers(self._file(trial, PICTURES))
                if answers is None:
                    return None
                found.update(zip(answers.names, answers.clips()[0]))
            seeds.append([found[name] for name in names])
        return joined(names, seeds)

    def _answer(self, trial: Trial) -> np.ndarray:
        """Logits of the test clips."""
        place = self._place(trial)
        for recipe in self._recipes:
            self._train(recipe, trial, place)
        answers = self._predictions(trial)
        if not self._keep:
            for checkpoint in place.glob("*/*.pt"):
                checkpoint.unlink()
        logits = np.array([answers[entry.name] for entry in trial.test])
        _report(trial, logits)
        return logits

    def _train(self, recipe: Config, trial: Trial, place: Path) -> None:
        out = place / recipe.source.stem
        if (out / "metrics.json").exists():
            return
        resumes = (out / "config.json").exists()
        train(_of_trial(recipe, trial, place), out, resumes, self._device)

    def _place(self, trial: Trial) -> Path:
        return self._runs / f"seed{trial.seed}" / _folder_name(trial.split)

    def _file(self, trial: Trial, name: str) -> Path:
        """A file of the run that answers for the test clips, which may be of another set."""
        run = self._place(trial) / self._recipes[-1].source.stem
        if not trial.tested_here:
            stem, suffix = name.split(".")
            name = f"{stem}-{trial.tested.folder.resolve().name}.{suffix}"
        return run / name

    def _predictions(self, trial: Trial) -> Dict[str, List[float]]:
        """Logits of each test clip, by name."""
        path = self._file(trial, PREDICTIONS)
        if not path.exists():
            self._evaluate(trial, path.parent / "best.pt")
        return dict(json.loads(path.read_text(encoding="utf-8")))

    def _evaluate(self, trial: Trial, best: Path) -> None:
        checkpoint = read_checkpoint(best)
        samples = evaluated_samples(checkpoint, trial.tested, trial.test, protocol_of(checkpoint))
        with processes(self._device) as where:
            autocast, _ = precision("auto", where.device)
            scores = evaluate(checkpoint, samples, where, autocast)
        write_answers(self._file(trial, PICTURES), picture_answers(scores, samples))
        write_json(self._file(trial, PREDICTIONS), scores.by_name(samples.entries))


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


def _report(trial: Trial, logits: np.ndarray) -> None:
    labels: Any = trial.tested.labels
    answers = [labels[number] for number in logits.argmax(1)]
    right = sum(answer == entry.label for answer, entry in zip(answers, trial.test))
    print(
        f"seed {trial.seed}, split {trial.split}: {right} of {len(trial.test)} right",
        file=sys.stderr,
    )
