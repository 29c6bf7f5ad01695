"""MobileNetV2.

Source: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks",
CVPR 2018, table 2 (arXiv:1801.04381).
Parameter names are torchvision's (`features.1.conv.0.0.weight`), so its checkpoints load.
"""

from __future__ import annotations

from typing import List

from torch import nn

from .layers import Backbone, ConvNormActivation, Residual, make_divisible

# Table 2 of the paper: expansion, channels, repeats, stride of the first.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class InvertedResidual(Residual):
    """Expand by 1x1, filter each channel by 3x3, project by 1x1 without activation."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        self.use_shortcut = stride == 1 and in_channels == out_channels
        hidden = in_channels * expansion
        layers: List[nn.Module] = []
        if expansion != 1:
            layers.append(ConvNormActivation(in_channels, hidden, 1, activation=nn.ReLU6))
        layers.append(
            ConvNormActivation(hidden, hidden, 3, stride, groups=hidden, activation=nn.ReLU6)
        )
        layers.append(nn.Conv2d(hidden, out_channels, 1, bias=False))
        layers.append(nn.BatchNorm2d(out_channels))
        self.conv = nn.Sequential(*layers)

    def branch(self) -> nn.Sequential:
        return self.conv


def mobilenet_v2(in_channels: int = 3, width: float = 1.0, classes: int = 1000) -> Backbone:
    """Build MobileNetV2; `width` scales every layer's channels.

    The last layer becomes narrower with the rest (torchvision keeps its 1280 channels below width
    1): the trilinear pooling projects it three times, which would outweigh a narrow network.
    """
    channels = make_divisible(32 * width)
    layers: List[nn.Module] = [ConvNormActivation(in_channels, channels, 3, 2, activation=nn.ReLU6)]
    for expansion, base, repeats, first_stride in STAGES:
        out_channels = make_divisible(base * width)
        for index in range(repeats):
            stride = first_stride if index == 0 else 1
            layers.append(InvertedResidual(channels, out_channels, stride, expansion))
            channels = out_channels
    last = make_divisible(1280 * width)
    layers.append(ConvNormActivation(channels, last, 1, activation=nn.ReLU6))
    return Backbone(nn.Sequential(*layers), last, classes)
