"""Trilinear pooling and its temporal form (paper, eq. 4-7), down to the classification scores.

f_TP is linear in x, so f_TP(I_t, MV, R) + f_TP(I_{t+dt}, MV, R) = f_TP(I_t + I_{t+dt}, MV, R): the
temporal form costs one addition of projected appearances, which the caller makes.
"""

from __future__ import annotations

import torch
from torch import nn

EPSILON = 1e-12  # floor of the l2 norm; an all-zero product scores zero


class TrilinearPooling(nn.Module):
    """Projections U, V, W (channels x factors * projections) and P (projections x classes).

    None of them has a bias. Projected maps are (N, factors * projections, K); channel i * factors
    + j is factor j of projection i.
    """

    def __init__(
        self, channels: int, classes: int, factors: int = 5, projections: int = 200
    ) -> None:
        super().__init__()
        self.factors = factors
        self.projections = projections
        width = factors * projections
        self.u = nn.Conv1d(channels, width, 1, bias=False)
        self.v = nn.Conv1d(channels, width, 1, bias=False)
        self.w = nn.Conv1d(channels, width, 1, bias=False)
        self.p = nn.Parameter(torch.empty(projections, classes))
        nn.init.normal_(self.p)

    def pool(self, ux: torch.Tensor, vy: torch.Tensor, wz: torch.Tensor) -> torch.Tensor:
        """Eq. (4)-(6): three maps (N, d*D, K) to their sum over positions and factors, (N, D)."""
        product = ux * vy * wz
        return product.reshape(product.shape[0], self.projections, -1).sum(2)

    def forward(self, ux: torch.Tensor, vy: torch.Tensor, wz: torch.Tensor) -> torch.Tensor:
        """Scores (N, classes) of eq. (7); `ux` is U'(I_t) + U'(I_{t+dt}).

        In 16-bit floats the sum over positions and factors can pass 65504, so it is to be kept in
        32 bits there.
        """
        pooled = self.pool(ux, vy, wz)
        rooted = torch.sign(pooled) * torch.sqrt(torch.abs(pooled))
        return nn.functional.normalize(rooted, dim=1, eps=EPSILON) @ self.p
