"""The training loop: epochs, learning rate, mixed precision, resuming, early stopping."""

from __future__ import annotations

import math
import time
from contextlib import nullcontext
from functools import partial
from itertools import islice
from typing import Any, Dict, Iterable, Iterator, Optional, Tuple

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from edge_attp.errors import EdgeAttpError, UsageError

from ..config import LOGISTIC, Config
from ..data.loader import Batch, ClipSamples, make_loader
from . import setup
from .features import FeatureBank, features
from .head import fit_head
from .processes import Processes
from .run_folder import RunFolder
from .scoring import Autocast, ClipScores, clip_scores, in_fast_layout

NORM_BATCHES = 8


class Trainer:
    """Trains one model into one run folder."""

    def __init__(self, config: Config, folder: RunFolder, where: Processes) -> None:
        self.config = config
        self.folder = folder
        self.where = where
        self.sets = setup.sets(config)
        model = setup.fresh_model(config, self.sets.prepared.labels)
        self.model = model
        if config.train.freeze:
            for _, net in model.networks():
                net.requires_grad_(False)
        self.objective = setup.objective(config, model).to(where.device)
        in_fast_layout(self.objective)
        self.optimiser = setup.optimiser(config, self.objective)
        self.autocast, self._scaler = precision(config.train.amp, where.device)
        self._wrapped: Any = self.objective
        if where.world > 1:
            self._wrapped = DistributedDataParallel(self.objective)
        self._train: Any = ()
        if config.train.head != LOGISTIC:
            self._train, self._sampler = self._batches(self.sets.train, shuffle=True)
        self._val: Any = None
        if self.sets.val is not None:
            self._val, _ = self._batches(self.sets.val, shuffle=False)
        self._rate = torch.optim.lr_scheduler.LambdaLR(self.optimiser, self._factor)
        self._epoch = 0
        self._best = -math.inf, -math.inf
        self._since_best = 0

    def run(self) -> None:
        """Train the remaining epochs; the model of the best epoch is in the folder afterwards."""
        if self.config.train.head == LOGISTIC:
            self._fit_head()
            return
        state = self.folder.load_last()
        if state is not None:
            self._load(state)
        elif not self.config.train.freeze and self.config.train.epochs:
            self._measure_norms(self._train)
        epochs, patience = self.config.train.epochs, self.config.train.patience
        while self._epoch < epochs and not 0 < patience <= self._since_best:
            started = time.monotonic()
            row = self._train_epoch()
            row.update(self._validate(), seconds=time.monotonic() - started)
            self._epoch += 1
            if self.where.is_first:
                self.folder.log_epoch(row)
                self._keep(row)
            else:
                self._is_better(row)
        if (
            self._epoch == 0 and self.where.is_first
        ):  # nothing to train: all networks come from other runs
            self.folder.save_best(self.model.state_dict(), {"epoch": 0, "val_top1": None})

    def test(self, best: Dict[str, torch.Tensor]) -> Optional[ClipScores]:
        """Scores of the test clips with the parameters `best`; None if there are no such clips."""
        if self.sets.test is None:
            return None
        self.model.load_state_dict(best)
        loader, _ = self._loader(self.sets.test, shuffle=False)
        return clip_scores(self.model, loader, self.where, self.autocast)

    def _fit_head(self) -> None:
        if self.where.world > 1:
            raise UsageError(f'train.head "{LOGISTIC}" runs in one process')
        self._measure_norms(self._loader(self.sets.train, shuffle=True)[0])
        maps = []
        for samples in setup.still_samples(self.config, self.sets):
            loader, _ = self._loader(samples, shuffle=False)
            drawn = self.folder.progress(loader, "features")
            maps += features(self.model, drawn, self.where, self.autocast)
        fit_head(self.model, maps, self.config.train.strength, self.config.train.balanced)
        self.folder.save_best(self.model.state_dict(), {"epoch": 0, **self._validate()})

    def _measure_norms(self, loader: Iterable[Batch]) -> None:
        """Measure the statistics of batch normalisation on the first batches.

        ImageNet's statistics are far from those of vectors and residuals, and in a short training
        the running means would not forget them in time. What is frozen and looks at pictures keeps them, and what
        comes from another training keeps its own.
        """
        config = self.config
        known = {"I", *config.model.networks} if config.train.freeze else set()
        nets = [net for name, net in self.model.networks() if name not in known]
        norms = [one for net in nets for one in net.modules() if isinstance(one, nn.BatchNorm2d)]
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a plain mean
        self.model.eval()
        for net in nets:
            net.train()
        with torch.no_grad():
            for batch in islice(loader, NORM_BATCHES):
                self.model.maps(batch.to(self.where.device).pictures)
        for norm, momentum in zip(norms, momenta):
            norm.momentum = momentum

    def _train_epoch(self) -> Dict[str, Any]:
        self._sampler.set_epoch(self._epoch)
        # Random draws of an epoch depend only on its number, so that a resumed run gives the same result.
        torch.manual_seed(self.config.train.seed * 1009 + self._epoch * 31 + self.where.rank)
        self._wrapped.train()
        if self.config.train.freeze:
            for _, net in self.model.networks():
                net.eval()
        totals = torch.zeros(4, dtype=torch.float64)
        rate = self.optimiser.param_groups[-1]["lr"]
        for batch in self.folder.progress(self._train, f"epoch {self._epoch + 1}"):
            totals += self._step(batch.to(self.where.device))
            self._rate.step()
        summed = torch.stack(self.where.gathered(totals)).sum(0)
        loss, alignment, hits, samples = summed.tolist()
        if not math.isfinite(loss):
            raise EdgeAttpError(
                f"epoch {self._epoch + 1}: the loss is {loss}; try a lower train.learning_rate"
            )
        return {
            "epoch": self._epoch + 1,
            "learning_rate": rate,
            "train_loss": loss / samples,
            "alignment_loss": alignment / samples,
            "train_top1": hits / samples,
        }

    def _step(self, batch: Batch) -> torch.Tensor:
        """Learn from one batch; return sums of loss, alignment loss, hits and samples."""
        with self.autocast():
            losses = self._wrapped(batch.inputs, batch.labels, batch.optical_flow)
        self.optimiser.zero_grad(set_to_none=True)
        self._scaler.scale(losses.total).backward()
        self._scaler.step(self.optimiser)
        self._scaler.update()
        count = len(batch.labels)
        hits = (losses.scores.argmax(1) == batch.labels).sum()
        sums = [losses.total.detach() * count, losses.alignment.detach() * count, hits]
        return torch.tensor([*(float(value) for value in sums), count], dtype=torch.float64)

    def _validate(self) -> Dict[str, Any]:
        if self._val is None:
            return {"val_loss": None, "val_top1": None}
        scores = clip_scores(self.model, self._val, self.where, self.autocast)
        return {"val_loss": scores.loss, "val_top1": scores.top1}

    def _is_better(self, row: Dict[str, Any]) -> bool:
        """Compare by accuracy, then loss; without validation clips the newest is the best."""
        if self._val is None:
            return True
        reached = row["val_top1"], -row["val_loss"]
        is_better = reached > self._best
        self._best = max(reached, self._best)
        self._since_best = 0 if is_better else self._since_best + 1
        return is_better

    def _keep(self, row: Dict[str, Any]) -> None:
        if self._is_better(row):
            self.folder.save_best(self.model.state_dict(), row)
        self.folder.save_last(
            {
                "objective": self.objective.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "rate": self._rate.state_dict(),
                "scaler": self._scaler.state_dict(),
                "epoch": self._epoch,
                "best": list(self._best),
                "since_best": self._since_best,
            }
        )

    def _load(self, state: Dict[str, Any]) -> None:
        self.objective.load_state_dict(state["objective"])
        self.optimiser.load_state_dict(state["optimiser"])
        self._rate.load_state_dict(state["rate"])
        self._scaler.load_state_dict(state["scaler"])
        self._epoch, self._since_best = state["epoch"], state["since_best"]
        self._best = state["best"][0], state["best"][1]

    def _factor(self, step: int) -> float:
        """Learning rate relative to its maximum: a linear warm-up, then half a cosine down to 0."""
        steps = max(len(self._train), 1)
        warm = self.config.train.warmup_epochs * steps
        whole = max(self.config.train.epochs * steps, 1)
        if step < warm:
            return (step + 1) / (warm + 1)
        return 0.5 * (1 + math.cos(math.pi * min((step - warm) / max(whole - warm, 1), 1)))

    def _loader(self, samples: ClipSamples, shuffle: bool) -> Tuple[Any, Any]:
        train, where = self.config.train, self.where
        return make_loader(
            samples, train.clips, train.workers, shuffle, where.rank, where.world, train.seed
        )

    def _batches(self, samples: ClipSamples, shuffle: bool) -> Tuple[Any, Any]:
        """A loader of pictures or, if the networks are frozen, of feature maps."""
        loader, sampler = self._loader(samples, shuffle)
        train = self.config.train
        if not train.freeze:
            return loader, sampler
        drawn = self._views(loader, sampler) if shuffle else loader
        what = "features" if shuffle else "validation features"
        maps = features(self.model, self.folder.progress(drawn, what), self.where, self.autocast)
        size = train.clips * train.segments if shuffle else 0
        return FeatureBank(maps, size, train.seed + self.where.rank), sampler

    def _views(self, loader: Iterable[Batch], sampler: Any) -> Iterator[Batch]:
        for view in range(self.config.train.views):
            sampler.set_epoch(view)
            yield from loader


def precision(amp: str, device: torch.device) -> Tuple[Autocast, torch.amp.GradScaler]:
    """Mixed precision; by default float16 on CUDA and none on a CPU."""
    if amp == "auto":
        amp = "fp16" if device.type == "cuda" else "off"
    scaler = torch.amp.GradScaler(device.type, enabled=amp == "fp16")
    if amp == "off":
        return nullcontext, scaler
    kind = torch.float16 if amp == "fp16" else torch.bfloat16
    return partial(torch.autocast, device.type, kind), scaler
