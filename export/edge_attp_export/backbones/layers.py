"""Blocks that MobileNetV2 and EfficientNet share, named as torchvision's checkpoints name them.

Checkpoints address parameters by position (`0.weight` the convolution, `1.weight` its
normalisation) and by attribute (`fc1`, `fc2`); both are a contract here.
"""

from __future__ import annotations

from typing import Optional, Tuple, Type

import torch
from torch import nn


def make_divisible(value: float, divisor: int = 8) -> int:
    """Round a channel count to a multiple of `divisor`, at most 10 % below `value`."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


class ConvNormActivation(nn.Sequential):
    """Convolution without bias, batch normalisation, activation; "same" padding for odd kernels."""

    conv: Type[nn.Conv2d] = nn.Conv2d
    epsilon = 1e-5

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        stride: int = 1,
        groups: int = 1,
        activation: Optional[Type[nn.Module]] = None,
    ) -> None:
        padding = (kernel - 1) // 2
        layers = [
            self.conv(
                in_channels, out_channels, kernel, stride, padding, groups=groups, bias=False
            ),
            nn.BatchNorm2d(out_channels, eps=self.epsilon),
        ]
        super().__init__(*layers, *([activation()] if activation else []))


class SameConv2d(nn.Conv2d):
    """Convolution that pads as TensorFlow's "SAME": with a stride, one sample more right and below.

    For square kernels, equal strides, and heights and widths that the stride divides.
    """

    @property
    def pads(self) -> Tuple[int, int]:
        """Zeros before and after each axis."""
        total = self.kernel_size[0] - self.stride[0]
        return total // 2, total - total // 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        before, after = self.pads
        if before != after:
            x = nn.functional.pad(x, (before, after, before, after))
            before = 0
        return nn.functional.conv2d(
            x, self.weight, self.bias, self.stride, before, self.dilation, self.groups
        )


class TensorFlowConvNormActivation(ConvNormActivation):
    """The same with TensorFlow's padding and epsilon."""

    conv = SameConv2d
    epsilon = 1e-3


class SqueezeExcitation(nn.Module):
    """Channel gate of MBConv: x * sigmoid(fc2(silu(fc1(mean of x over positions))))."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean = x.mean((2, 3), keepdim=True)
        gate: torch.Tensor = torch.sigmoid(self.fc2(nn.functional.silu(self.fc1(mean))))
        return x * gate


class Residual(nn.Module):
    """A block that adds its input to its output where shapes allow it (`use_shortcut`)."""

    use_shortcut: bool

    def branch(self) -> nn.Sequential:
        """The layers in order; subclasses store them under the name that checkpoints use."""
        raise NotImplementedError

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.branch()(x)
        return x + out if self.use_shortcut else out


class Backbone(nn.Module):
    """An image classifier.

    `features` maps (N, in_channels, H, W) to (N, channels, H/32, W/32).
    """

    def __init__(
        self, features: nn.Sequential, channels: int, classes: int, dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.features = features
        self.channels = channels
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(channels, classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Class logits (N, classes)."""
        logits: torch.Tensor = self.classifier(self.features(x).mean((2, 3)))
        return logits
