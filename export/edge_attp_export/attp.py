"""Three LiteNets joined by temporal trilinear pooling (paper, figure 3, without alignment)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from .litenet import LiteNet
from .trilinear import TrilinearPooling

# Channels of the network inputs: RGB, flow (x, y), RGB-like residual.
RGB, FLOW, RESIDUAL = 3, 2, 3
SIDE = 224  # height and width of the network inputs
POSITIONS = (SIDE // 32) ** 2  # K of eq. (5): every backbone divides height and width by 32


class Architecture(NamedTuple):
    """What determines the shape of every parameter."""

    backbone: str
    classes: int
    width: float = 1.0
    factors: int = 5
    projections: int = 200


class ATTP(nn.Module):
    """LiteNet_I, LiteNet_MV, LiteNet_R and their trilinear pooling."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        backbone, width = architecture.backbone, architecture.width
        self.litenet_i = LiteNet(backbone, RGB, width)
        self.litenet_mv = LiteNet(backbone, FLOW, width)
        self.litenet_r = LiteNet(backbone, RESIDUAL, width)
        self.pooling = TrilinearPooling(
            self.litenet_i.channels,
            architecture.classes,
            architecture.factors,
            architecture.projections,
        )

    def appearance(self, rgb: torch.Tensor) -> torch.Tensor:
        """U'x of an I picture: (N, 3, H, W) -> (N, d*D, K)."""
        ux: torch.Tensor = self.pooling.u(self.litenet_i(rgb))
        return ux

    def motion(
        self, flow: torch.Tensor, residual: torch.Tensor, appearance: torch.Tensor
    ) -> torch.Tensor:
        """Scores (N, classes) of P or B pictures, given `appearance` = U'(I_t) + U'(I_{t+dt})."""
        vy = self.pooling.v(self.litenet_mv(flow))
        wz = self.pooling.w(self.litenet_r(residual))
        scores: torch.Tensor = self.pooling(appearance, vy, wz)
        return scores

    def forward(
        self, rgb: torch.Tensor, neighbour: torch.Tensor, flow: torch.Tensor, residual: torch.Tensor
    ) -> torch.Tensor:
        """Scores (N, classes) of one P or B picture, its I picture and the `neighbour` GOP's."""
        return self.motion(flow, residual, self.appearance(rgb) + self.appearance(neighbour))
