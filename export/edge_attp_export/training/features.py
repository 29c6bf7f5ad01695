"""Feature maps of frozen networks, computed once, so that training their fusion takes seconds."""

from __future__ import annotations

from typing import Iterable, Iterator, List

import torch

from ..attp import ATTP
from ..data.loader import Batch
from .processes import Processes
from .scoring import Autocast


class FeatureBank:
    """Batches of feature maps, in memory as float16, in a new order each time.

    size: samples per batch; 0 keeps the batches and their order.
    """

    def __init__(self, batches: List[Batch], size: int, seed: int) -> None:
        self._batches = batches
        self._size = size
        self._random = torch.Generator().manual_seed(seed)
        if size:
            self._whole = _concatenated(batches)

    def __len__(self) -> int:
        if not self._size:
            return len(self._batches)
        return max(len(self._whole.labels) // self._size, 1)

    def __iter__(self) -> Iterator[Batch]:
        if not self._size:
            yield from (_widened(batch) for batch in self._batches)
            return
        order = torch.randperm(len(self._whole.labels), generator=self._random)
        for step in range(len(self)):
            yield _widened(_rows(self._whole, order[step * self._size : (step + 1) * self._size]))


def features(
    model: ATTP, batches: Iterable[Batch], where: Processes, autocast: Autocast
) -> List[Batch]:
    """The same batches with feature maps in place of pictures."""
    model.eval()
    done = []
    for batch in batches:
        with torch.no_grad(), autocast():
            maps = model.maps(batch.to(where.device).pictures)
        done.append(batch._replace(inputs={name: x.half() for name, x in maps.items()}))
    return done


def _concatenated(batches: List[Batch]) -> Batch:
    maps = {name: torch.cat([batch.maps[name] for batch in batches]) for name in batches[0].maps}
    origin = (torch.cat(tensors) for tensors in zip(*(batch.origin for batch in batches)))
    return Batch(maps, None, *origin)


def _rows(batch: Batch, rows: torch.Tensor) -> Batch:
    maps = {name: x[rows.to(x.device)] for name, x in batch.maps.items()}
    return Batch(maps, None, *(tensor[rows] for tensor in batch.origin))


def _widened(batch: Batch) -> Batch:
    return batch._replace(inputs={name: x.float() for name, x in batch.maps.items()})
