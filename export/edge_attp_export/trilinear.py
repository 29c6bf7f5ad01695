"""Trilinear pooling and its temporal form (paper, eq. 4-7), down to the classification scores.

f_TP is linear in x, so f_TP(I_t, MV, R) + f_TP(I_{t+dt}, MV, R) = f_TP(I_t + I_{t+dt}, MV, R): the
temporal form costs one addition of projected appearances, done by the caller. The paper does not say
whether the square root and the norm come before or after the sum of eq. (7); here they come after it.
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
        """Eq. (4)-(6): three maps (N, d*D, K) to their sum over positions and factors, (N, D).

        In 16-bit floats the sum can exceed 65504, so it is computed in 32 bits.
        """
        product = widened(ux) * widened(vy) * widened(wz)
        return product.reshape(product.shape[0], self.projections, -1).sum(2)

    def forward(self, ux: torch.Tensor, vy: torch.Tensor, wz: torch.Tensor) -> torch.Tensor:
        """Scores (N, classes) of eq. (7); `ux` is U'(I_t) + U'(I_{t+dt})."""
        return unit_root(self.pool(ux, vy, wz)) @ self.p


def unit_root(pooled: torch.Tensor) -> torch.Tensor:
    """Signed square root, then l2 normalisation, of (N, D).

    The floor under the root keeps its gradient finite, and makes it 0 for an empty product.
    """
    rooted = torch.sign(pooled) * torch.sqrt(torch.clamp(torch.abs(pooled), min=EPSILON**2))
    return nn.functional.normalize(rooted, dim=1, eps=EPSILON)


def widened(x: torch.Tensor) -> torch.Tensor:
    """`x` in floats of at least 32 bits."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
