"""The configuration of a model: one record; every row of the paper's ablations is a value of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Optional, Sequence, Tuple

from edge_attp.errors import UsageError

from .backbones import NAMES

# Rows of table 3. I, MV, R: one network and its classifier. I+MV+R: the sum of the three scores.
# BP: compact bilinear pooling of the three pairs. TP: trilinear pooling, eq. (6). TTP: the same
# with the adjacent GOP's I picture, eq. (7). ATTP: TTP, trained with feature alignment.
# Not in the paper: M, one network that sees the flow and the energy of the residual as three planes of
# one picture (early fusion); S, the same with the speed, |x| and |y|, in place of the flow, which has a
# meaning in means over pictures only; sums of the scores of these and of I.
LATE = ("I+M", "M+S", "I+M+S")
MODALITIES = ("I", "MV", "R", "I+MV+R", "BP", "TP", "TTP", "ATTP", "M", "S", *LATE)
NETWORKS = ("I", "MV", "R", "M", "S")
EARLY = ("M", "S")  # networks that see flow and energy as planes of one picture

# Methods of figure 4 (right). after-fc: the second term of eq. (8) alone. distillation: softened
# class probabilities (Hinton et al., arXiv:1503.02531). ours: eq. (8).
ALIGNMENTS = ("none", "after-fc", "distillation", "ours")

# How a network sees the picture, and the step from one sample of its input to the next, in pixels of
# the RGB input. grid: at the resolution of the vectors, one for each 4x4 samples, with two strides of
# the network taken out. enlarged: the same grid, enlarged in the network to `motion_size`. energy: on
# the grid, the mean of |luma| in place of the signed RGB-like residual.
MOTION_STEPS: Dict[str, int] = {"full": 1, "grid": 4, "enlarged": 4}
RESIDUAL_STEPS: Dict[str, int] = {"full": 1, "grid": 4, "energy": 4}

Size = Tuple[int, int]  # width, height
REDUCTION = 32  # every backbone divides height and width by it


@dataclass(frozen=True)
class Architecture:
    """What determines the shape of every parameter, and how the motion network is aligned.

    `factors` and `projections` are d and D of eq. (4); `sketch` is the length of the bilinear
    features of BP; the paper does not state it, and its source, Gao et al. (arXiv:1511.06062),
    uses 8000. The default `alignment` is "ours" for ATTP and "none" for all others. `motion_input`
    and `residual_input` are keys of MOTION_STEPS and RESIDUAL_STEPS, for the networks MV and R, by
    default "full". M takes `motion_input` for all its planes, by default "enlarged", and the energy.
    `motion_size` (width, height) belongs to "enlarged". `flow_limit` and `energy_limit` bound what M
    sees: flow that comes as -1 to 1 is multiplied by the former, energy is clipped at the latter.
    Raises UsageError that names the field and the values it may have.
    """

    backbone: str
    classes: int
    width: float = 1.0
    factors: int = 5
    projections: int = 200
    modalities: str = "ATTP"
    alignment: str = ""
    sketch: int = 8000
    motion_input: str = ""
    residual_input: str = ""
    motion_size: Size = (96, 96)
    flow_limit: float = 8.0
    energy_limit: float = 4.0

    def __post_init__(self) -> None:
        _one_of("backbone", self.backbone, NAMES)
        for field, least in (("classes", 2), ("factors", 1), ("projections", 1), ("sketch", 1)):
            _at_least(field, getattr(self, field), least)
        _one_of("modalities", self.modalities, MODALITIES)
        allowed = alignments(self.modalities)
        if not self.alignment:
            object.__setattr__(self, "alignment", allowed[0])
        _one_of(f"alignment of {self.modalities}", self.alignment, allowed)
        for field, values in _inputs(self.modalities).items():
            if not getattr(self, field):
                object.__setattr__(self, field, values[0])
            _one_of(f"{field} of {self.modalities}", getattr(self, field), values)
        if any(side < REDUCTION or side % REDUCTION for side in self.motion_size):
            raise UsageError(f"motion_size {list(self.motion_size)}: use multiples of {REDUCTION}")

    @property
    def networks(self) -> Tuple[str, ...]:
        """Names of the LiteNets in the model."""
        if self.modalities in LATE:
            return tuple(self.modalities.split("+"))
        return (self.modalities,) if self.modalities in NETWORKS else ("I", "MV", "R")

    @property
    def channels(self) -> Dict[str, int]:
        """The channels of each network's input: RGB, flow (x, y), residual, and flow beside energy."""
        residual = 1 if self.residual_input == "energy" else 3
        return {"I": 3, "MV": 2, "R": residual, "M": 3, "S": 3}

    @property
    def has_speed(self) -> bool:
        """Whether the flow comes with its speed: x, y, |x|, |y|."""
        return "S" in self.networks

    @property
    def is_early(self) -> bool:
        """Whether flow and energy are planes of one picture."""
        return bool(set(EARLY) & set(self.networks))

    @property
    def steps(self) -> Dict[str, int]:
        """The step of each network's input, in pixels of the RGB input; see MOTION_STEPS."""
        motion = MOTION_STEPS[self.motion_input]
        return {
            "I": 1,
            "MV": motion,
            "R": RESIDUAL_STEPS[self.residual_input],
            "M": motion,
            "S": motion,
        }

    def enlarged(self, network: str) -> Optional[Size]:
        """The size to which a network enlarges its input, None if it takes it as it is."""
        is_enlarged = self.motion_input == "enlarged" and network in ("MV", *EARLY)
        return self.motion_size if is_enlarged else None

    @property
    def is_trilinear(self) -> bool:
        return self.modalities in ("TP", "TTP", "ATTP")

    @property
    def has_classifiers(self) -> bool:
        """Whether each network has its own classifier; the scores are their sum."""
        return not self.is_trilinear and self.modalities != "BP"

    @property
    def is_late(self) -> bool:
        """Whether scores of I and of other networks are added up."""
        return self.has_classifiers and "I" in self.networks and self.modalities != "I"

    @property
    def evaluates_both(self) -> bool:
        """Whether a late fusion is also evaluated with the mean of I's scores of both GOPs, which is what a device
        always takes. I+MV+R is a row of the paper's table, and evaluated as such."""
        return self.modalities in LATE and "I" in self.networks

    @property
    def fits_pack(self) -> bool:
        """Whether a pack can hold it: a device scores P and B pictures by their vectors and residual."""
        return self.is_temporal or self.is_late or self.is_early

    @property
    def is_temporal(self) -> bool:
        """Whether the model also sees the I picture of the adjacent GOP."""
        return self.modalities in ("TTP", "ATTP")


def alignments(modalities: str) -> Tuple[str, ...]:
    """The alignments that fit, the default first. Aligned TTP is ATTP; without MV, nothing aligns."""
    if modalities == "ATTP":
        return ("ours", "after-fc", "distillation")
    return ALIGNMENTS[:1] if modalities in ("I", "R", "TTP", *EARLY, *LATE) else ALIGNMENTS


def _inputs(modalities: str) -> Dict[str, Tuple[str, ...]]:
    """The inputs that fit, the default first: the planes of M share one grid."""
    if modalities in (*EARLY, *LATE):
        return {"motion_input": ("enlarged", "grid"), "residual_input": ("energy",)}
    return {"motion_input": tuple(MOTION_STEPS), "residual_input": tuple(RESIDUAL_STEPS)}


def _one_of(field: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise UsageError(f"{field} '{value}': choose one of {', '.join(allowed)}")


def _at_least(field: str, value: Any, least: int) -> None:
    if not isinstance(value, int) or value < least:
        raise UsageError(f"{field} {value!r}: expected a whole number, {least} or more")
