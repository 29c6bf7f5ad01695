"""The configuration of a model: one record that every row of the paper's ablations is a value of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence, Tuple

from edge_attp.errors import UsageError

from .backbones import NAMES

# Rows of table 3. I, MV, R: one network and its classifier. I+MV+R: the sum of the three scores.
# BP: compact bilinear pooling of the three pairs. TP: trilinear pooling, eq. (6). TTP: the same
# with the adjacent GOP's I picture, eq. (7). ATTP: TTP, trained with feature alignment.
MODALITIES = ("I", "MV", "R", "I+MV+R", "BP", "TP", "TTP", "ATTP")

# Methods of figure 4 (right). after-fc: the second term of eq. (8) alone. distillation: softened
# class probabilities (Hinton et al., arXiv:1503.02531). ours: eq. (8).
ALIGNMENTS = ("none", "after-fc", "distillation", "ours")


@dataclass(frozen=True)
class Architecture:
    """What determines the shape of every parameter, and what the motion network is aligned with.

    `factors` and `projections` are d and D of eq. (4); `sketch` is the length of the bilinear
    features of BP, which the paper does not say: 8000 is what its source, Gao et al.
    (arXiv:1511.06062), take. An `alignment` not given is "ours" for ATTP and "none" for all others.
    Raises UsageError naming the field and what it may be.
    """

    backbone: str
    classes: int
    width: float = 1.0
    factors: int = 5
    projections: int = 200
    modalities: str = "ATTP"
    alignment: str = ""
    sketch: int = 8000

    def __post_init__(self) -> None:
        _one_of("backbone", self.backbone, NAMES)
        for field, least in (("classes", 2), ("factors", 1), ("projections", 1), ("sketch", 1)):
            _at_least(field, getattr(self, field), least)
        _one_of("modalities", self.modalities, MODALITIES)
        allowed = alignments(self.modalities)
        if not self.alignment:
            object.__setattr__(self, "alignment", allowed[0])
        _one_of(f"alignment of {self.modalities}", self.alignment, allowed)

    @property
    def networks(self) -> Tuple[str, ...]:
        """Names of the LiteNets that it is made of."""
        return (self.modalities,) if self.modalities in ("I", "MV", "R") else ("I", "MV", "R")

    @property
    def is_trilinear(self) -> bool:
        return self.modalities in ("TP", "TTP", "ATTP")

    @property
    def has_classifiers(self) -> bool:
        """Whether every network has its own, the scores being their sum."""
        return self.modalities in ("I", "MV", "R", "I+MV+R")

    @property
    def is_temporal(self) -> bool:
        """Whether it looks at the I picture of the adjacent GOP, too."""
        return self.modalities in ("TTP", "ATTP")


def alignments(modalities: str) -> Tuple[str, ...]:
    """Which there are, the default first. Aligned TTP is called ATTP; without MV, nothing aligns."""
    if modalities == "ATTP":
        return ("ours", "after-fc", "distillation")
    return ALIGNMENTS[:1] if modalities in ("I", "R", "TTP") else ALIGNMENTS


def _one_of(field: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise UsageError(f"{field} '{value}': choose one of {', '.join(allowed)}")


def _at_least(field: str, value: Any, least: int) -> None:
    if not isinstance(value, int) or value < least:
        raise UsageError(f"{field} {value!r}: take a whole number, {least} or more")
