"""One process, or several started by torchrun: their ranks, and what they share."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import Any, Iterator, List, NamedTuple

import torch
import torch.distributed as dist


class Processes(NamedTuple):
    """This process: number `rank` of `world`, with a `device` of its own."""

    rank: int
    world: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this process writes the files and messages."""
        return self.rank == 0

    def gathered(self, value: Any) -> List[Any]:
        """The values of all processes, ordered by rank."""
        if self.world == 1:
            return [value]
        values: List[Any] = [None] * self.world
        dist.all_gather_object(values, value)
        return values


@contextmanager
def processes(device: str = "auto") -> Iterator[Processes]:
    """Join the group that torchrun's environment describes, if there is one."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    rank = int(os.environ.get("RANK", "0"))
    own = _device(device, int(os.environ.get("LOCAL_RANK", "0")))
    if world == 1:
        yield Processes(0, 1, own)
        return
    dist.init_process_group("nccl" if own.type == "cuda" else "gloo")
    try:
        yield Processes(rank, world, own)
    finally:
        dist.destroy_process_group()


def _device(name: str, local_rank: int) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name != "cuda":
        return torch.device(name)
    torch.cuda.set_device(local_rank)
    return torch.device("cuda", local_rank)
