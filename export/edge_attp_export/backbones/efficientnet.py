"""EfficientNet-B0 and B1.

Source: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
ICML 2019, table 1 (arXiv:1905.11946); squeeze ratio 1/4 of the block's input channels, B1 = B0
with depth 1.1. Parameter names are torchvision's (`features.1.0.block.0.0.weight`), so its
checkpoints load.
"""

from __future__ import annotations

import math
from typing import List

from torch import nn

from .layers import Backbone, ConvNormActivation, Residual, SqueezeExcitation

# Table 1 of the paper: expansion, kernel, channels, repeats, stride of the first.
STAGES = (
    (1, 3, 16, 1, 1),
    (6, 3, 24, 2, 2),
    (6, 5, 40, 2, 2),
    (6, 3, 80, 3, 2),
    (6, 5, 112, 3, 1),
    (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)
STEM_CHANNELS = 32
LAST_CHANNELS = 1280


class MBConv(Residual):
    """Inverted residual with a squeeze-and-excitation gate before the projection."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        self.use_shortcut = stride == 1 and in_channels == out_channels
        hidden = in_channels * expansion
        layers: List[nn.Module] = []
        if expansion != 1:
            layers.append(ConvNormActivation(in_channels, hidden, 1, activation=nn.SiLU))
        layers.append(
            ConvNormActivation(hidden, hidden, kernel, stride, groups=hidden, activation=nn.SiLU)
        )
        layers.append(SqueezeExcitation(hidden, in_channels // 4))
        layers.append(ConvNormActivation(hidden, out_channels, 1))
        self.block = nn.Sequential(*layers)

    def branch(self) -> nn.Sequential:
        return self.block


def _efficientnet(in_channels: int, depth: float, classes: int) -> Backbone:
    channels = STEM_CHANNELS
    stages: List[nn.Module] = [ConvNormActivation(in_channels, channels, 3, 2, activation=nn.SiLU)]
    for expansion, kernel, out_channels, repeats, first_stride in STAGES:
        blocks: List[nn.Module] = []
        for index in range(math.ceil(repeats * depth)):
            stride = first_stride if index == 0 else 1
            blocks.append(MBConv(channels, out_channels, kernel, stride, expansion))
            channels = out_channels
        stages.append(nn.Sequential(*blocks))
    stages.append(ConvNormActivation(channels, LAST_CHANNELS, 1, activation=nn.SiLU))
    return Backbone(nn.Sequential(*stages), LAST_CHANNELS, classes)


def efficientnet_b0(in_channels: int = 3, classes: int = 1000) -> Backbone:
    """Build EfficientNet-B0."""
    return _efficientnet(in_channels, 1.0, classes)


def efficientnet_b1(in_channels: int = 3, classes: int = 1000) -> Backbone:
    """Build EfficientNet-B1."""
    return _efficientnet(in_channels, 1.1, classes)
