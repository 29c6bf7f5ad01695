"""The configuration of a model: one record; every row of the paper's ablations is a value of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Sequence, Tuple

from edge_attp.errors import UsageError

from .backbones import NAMES

# Rows of table 3. I, MV, R: one network and its classifier. I+MV+R: the sum of the three scores.
# BP: compact bilinear pooling of the three pairs. TP: trilinear pooling, eq. (6). TTP: the same
# with the adjacent GOP's I picture, eq. (7). ATTP: TTP, trained with feature alignment.
MODALITIES = ("I", "MV", "R", "I+MV+R", "BP", "TP", "TTP", "ATTP")

# Methods of figure 4 (right). after-fc: the second term of eq. (8) alone. distillation: softened
# class probabilities (Hinton et al., arXiv:1503.02531). ours: eq. (8).
ALIGNMENTS = ("none", "after-fc", "distillation", "ours")

# How a network sees the picture, and the step from one sample of its input to the next, in pixels of
# the RGB input. grid: at the resolution of the vectors, one for each 4x4 samples.
STEPS: Dict[str, int] = {"full": 1, "grid": 4}


@dataclass(frozen=True)
class Architecture:
    """What determines the shape of every parameter, and how the motion network is aligned.

    `factors` and `projections` are d and D of eq. (4); `sketch` is the length of the bilinear
    features of BP; the paper does not state it, and its source, Gao et al. (arXiv:1511.06062),
    uses 8000. The default `alignment` is "ours" for ATTP and "none" for all others. `motion_input`
    and `residual_input` are "full" or "grid" (see STEPS), for the networks MV and R. Raises UsageError
    that names the field and the values it may have.
    """

    backbone: str
    classes: int
    width: float = 1.0
    factors: int = 5
    projections: int = 200
    modalities: str = "ATTP"
    alignment: str = ""
    sketch: int = 8000
    motion_input: str = "full"
    residual_input: str = "full"

    def __post_init__(self) -> None:
        _one_of("backbone", self.backbone, NAMES)
        for field, least in (("classes", 2), ("factors", 1), ("projections", 1), ("sketch", 1)):
            _at_least(field, getattr(self, field), least)
        _one_of("modalities", self.modalities, MODALITIES)
        allowed = alignments(self.modalities)
        if not self.alignment:
            object.__setattr__(self, "alignment", allowed[0])
        _one_of(f"alignment of {self.modalities}", self.alignment, allowed)
        for field in ("motion_input", "residual_input"):
            _one_of(field, getattr(self, field), tuple(STEPS))

    @property
    def networks(self) -> Tuple[str, ...]:
        """Names of the LiteNets in the model."""
        return (self.modalities,) if self.modalities in ("I", "MV", "R") else ("I", "MV", "R")

    @property
    def steps(self) -> Dict[str, int]:
        """The step of each network's input, in pixels of the RGB input; see STEPS."""
        return {"I": 1, "MV": STEPS[self.motion_input], "R": STEPS[self.residual_input]}

    @property
    def is_trilinear(self) -> bool:
        return self.modalities in ("TP", "TTP", "ATTP")

    @property
    def has_classifiers(self) -> bool:
        """Whether each network has its own classifier; the scores are their sum."""
        return self.modalities in ("I", "MV", "R", "I+MV+R")

    @property
    def is_temporal(self) -> bool:
        """Whether the model also sees the I picture of the adjacent GOP."""
        return self.modalities in ("TTP", "ATTP")


def alignments(modalities: str) -> Tuple[str, ...]:
    """The alignments that fit, the default first. Aligned TTP is ATTP; without MV, nothing aligns."""
    if modalities == "ATTP":
        return ("ours", "after-fc", "distillation")
    return ALIGNMENTS[:1] if modalities in ("I", "R", "TTP") else ALIGNMENTS


def _one_of(field: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise UsageError(f"{field} '{value}': choose one of {', '.join(allowed)}")


def _at_least(field: str, value: Any, least: int) -> None:
    if not isinstance(value, int) or value < least:
        raise UsageError(f"{field} {value!r}: expected a whole number, {least} or more")
