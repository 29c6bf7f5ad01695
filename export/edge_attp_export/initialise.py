"""Seeded weights for an untrained model whose scores still differ from picture to picture.

Random deep networks tend to answer every input alike. Three measures keep the answers apart:
batch normalisation statistics are measured on random fields, so that every layer has unit variance;
the rows of U, V and W sum to zero, so that the common level of the (never negative) features
cancels; P is scaled for clear winners. Weights come from NumPy's stable generator, so the same seed
gives the same model with any version of PyTorch.
"""

from __future__ import annotations

from typing import Iterable

import numpy as np
import torch
from torch import nn

from .attp import ATTP, SIDE
from .litenet import LiteNet

CALIBRATION_BATCH = 8
FIELD_GRIDS = (4, 16, 56, SIDE)  # coarse to fine, in cells per side
FLOW_SPREAD = 0.2  # flow inputs lie in -1..1 and most of a picture moves little
LOGIT_SPREAD = 2.0


def initialise(model: ATTP, seed: int) -> None:
    """Give every parameter and normalisation statistic of `model` a value determined by `seed`."""
    random = np.random.RandomState(seed)
    for module in model.modules():
        if isinstance(module, (nn.Conv1d, nn.Conv2d)):
            _randomise(module, random)
    pooling = model.pooling
    with torch.no_grad():
        for projection in (pooling.u, pooling.v, pooling.w):
            projection.weight -= projection.weight.mean(1, keepdim=True)
        pooling.p.copy_(_normal(random, pooling.p.shape) * LOGIT_SPREAD)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums in one order: the same bytes whatever the number of cores
    calibrate(model.litenet_i, random_fields(random, model.litenet_i.in_channels))
    calibrate(model.litenet_mv, random_fields(random, model.litenet_mv.in_channels) * FLOW_SPREAD)
    calibrate(model.litenet_r, random_fields(random, model.litenet_r.in_channels))
    torch.set_num_threads(threads)
    model.eval()


def calibrate(net: LiteNet, batch: torch.Tensor) -> None:
    """Set the running statistics of every batch normalisation to those of `batch`.

    batch: (N, channels, H, W) in pixels of the RGB input, of which a network sees one in `step`.
    """
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    _set_momentum(norms, 1.0)
    net.train()
    with torch.no_grad():
        net(batch[:, :, :: net.step, :: net.step])
    _set_momentum(norms, 0.1)


def random_fields(random: np.random.RandomState, channels: int) -> torch.Tensor:
    """Pictures (N, channels, SIDE, SIDE) of unit variance, each its own mix of coarse and fine.

    The last is pure noise: activations of anything rougher than these would grow from layer to layer.
    """
    weights = np.abs(random.standard_normal((CALIBRATION_BATCH, len(FIELD_GRIDS))))
    weights[-1] = np.eye(len(FIELD_GRIDS))[-1]
    total = torch.zeros(CALIBRATION_BATCH, channels, SIDE, SIDE)
    for cells, weight in zip(FIELD_GRIDS, weights.T.astype(np.float32)):
        coarse = _normal(random, (CALIBRATION_BATCH, channels, cells, cells))
        field = nn.functional.interpolate(coarse, size=(SIDE, SIDE), mode="bilinear")
        total += field * torch.from_numpy(weight)[:, None, None, None]
    return total / total.std((1, 2, 3), keepdim=True)


def _randomise(module: nn.Module, random: np.random.RandomState) -> None:
    assert isinstance(module, (nn.Conv1d, nn.Conv2d))
    fan_in = module.weight[0].numel()
    with torch.no_grad():
        module.weight.copy_(_normal(random, module.weight.shape) / fan_in**0.5)
        if module.bias is not None:
            module.bias.zero_()


def _set_momentum(norms: Iterable[nn.BatchNorm2d], momentum: float) -> None:
    for norm in norms:
        norm.momentum = momentum


def _normal(random: np.random.RandomState, shape: Iterable[int]) -> torch.Tensor:
    return torch.from_numpy(random.standard_normal(tuple(shape)).astype(np.float32))
