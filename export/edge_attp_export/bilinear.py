"""Compact bilinear pooling of pairs of modalities: the row BP of the paper's table 3.

Source: Gao et al., "Compact Bilinear Pooling", CVPR 2016, section 3 (arXiv:1511.06062): the tensor
sketch. The count sketch of the outer product x y' is the circular convolution of the count sketches
of x and y, so it is one product of Fourier transforms; the dot product of two sketches is an
unbiased estimate of <x, x'> <y, y'>.
"""

from __future__ import annotations

from itertools import combinations
from typing import Sequence

import torch
from torch import nn

from .trilinear import unit_root, widened

MAPS = 3
PAIRS = tuple(combinations(range(MAPS), 2))


class CompactBilinearPooling(nn.Module):
    """Scores of the three pairs of three feature maps.

    `bucket` (into 0 .. size - 1) and `sign` (-1 or 1) of each map's channels are drawn once and stored
    with the parameters; the two maps of a pair have independent ones. `p`, one matrix per pair, has
    no bias, like P of the trilinear pooling.
    """

    bucket: torch.Tensor
    sign: torch.Tensor

    def __init__(self, channels: int, classes: int, size: int) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("bucket", torch.randint(size, (MAPS, channels)))
        self.register_buffer("sign", torch.randint(2, (MAPS, channels)) * 2.0 - 1.0)
        self.p = nn.Parameter(torch.empty(len(PAIRS), size, classes))
        nn.init.normal_(self.p)

    def spectrum(self, x: torch.Tensor, index: int) -> torch.Tensor:
        """Fourier transform of the count sketch of map `index` at every position, (N, F, K)."""
        wide = widened(x)
        sketch = wide.new_zeros(x.shape[0], self.size, x.shape[2])
        sketch = sketch.index_add(1, self.bucket[index], wide * self.sign[index][:, None])
        spectrum: torch.Tensor = torch.fft.rfft(sketch, dim=1)
        return spectrum

    def pool(self, maps: Sequence[torch.Tensor]) -> torch.Tensor:
        """Sketches of x y' summed over positions, one for each pair: (3, N, size)."""
        spectra = [self.spectrum(x, index) for index, x in enumerate(maps)]
        products = [(spectra[a] * spectra[b]).sum(2) for a, b in PAIRS]
        pooled: torch.Tensor = torch.fft.irfft(torch.stack(products), n=self.size, dim=2)
        return pooled

    def forward(self, maps: Sequence[torch.Tensor]) -> torch.Tensor:
        """Feature maps (N, channels, K) of I, MV and R -> scores (3 pairs, N, classes)."""
        return torch.stack([unit_root(x) for x in self.pool(maps)]) @ self.p
