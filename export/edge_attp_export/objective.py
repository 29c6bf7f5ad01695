"""Feature alignment with optical flow and the training loss (paper, 3.5, eq. 8-10)."""

from __future__ import annotations

from typing import NamedTuple, Optional, Union

import torch
from torch import nn
from torch.nn import functional

from edge_attp.errors import UsageError

from .attp import ATTP, Inputs, Maps


class Features(NamedTuple):
    """Map (N, c, K) of LiteNet_MV or LiteNet_OF, and class scores (N, C) after its FC layer."""

    map: torch.Tensor
    scores: torch.Tensor


class Losses(NamedTuple):
    """Scalars of eq. (10), and the class scores (N, classes) for counting hits."""

    total: torch.Tensor
    classification: torch.Tensor
    alignment: torch.Tensor
    scores: torch.Tensor


class Objective(nn.Module):
    """The loss L = L_TTP + lambda * L_align, eq. (10).

    It is a module so that distributed training can wrap it as a whole; only `model` is deployed.

    `teacher` (LiteNet_OF) is a model of the modality MV that was trained on optical flow. The paper
    speaks of "a model trained with optical flows" and eq. (10) gives the teacher no loss of its
    own, so it is trained beforehand and stays frozen: in evaluation mode, without gradients. Other
    points that the paper leaves open:

    - The FC layer is the network's classifier: mean over positions, then one linear layer. The
      student uses that of the model if it has one (MV, I+MV+R); otherwise it belongs to this
      objective, and only the alignment trains it. It is not deployed: 23.4 M parameters leave no
      room for it.
    - "Features before the FC layer" are the feature map itself (superscript "3d").
    - The squared norms of eq. (8) are means over elements and pictures, so that lambda = 1 means the
      same at any input size; as sums, the 62720 elements of a map (B1 at 224 x 224) would
      outweigh the class scores of its second term, and eq. (9).
    - I+MV+R and BP add up the scores of three classifiers. Each has its own cross-entropy, so that
      none relies on another; the paper compares I+MV+R with CoViAR, which trains three networks.
    - The temperature of classic distillation is 4.
    """

    def __init__(
        self,
        model: ATTP,
        teacher: Optional[ATTP] = None,
        weight: float = 1.0,
        temperature: float = 4.0,
        label_smoothing: float = 0.0,
        aligns: bool = True,
    ) -> None:
        """`weight` is lambda. `aligns` False: the networks are already trained, and nothing is aligned.

        Raises UsageError if the teacher does not fit the model.
        """
        super().__init__()
        self.model = model
        self.weight = weight
        self.temperature = temperature
        self.label_smoothing = label_smoothing
        self.alignment = model.architecture.alignment if aligns else "none"
        check_teacher(model, teacher, self.alignment)
        if teacher is not None:
            self.teacher = teacher.requires_grad_(False).eval()
            shape = model.architecture
            self.fc = (
                model.classifiers["MV"]
                if shape.has_classifiers
                else nn.Linear(model.litenet_mv.channels, shape.classes)
            )

    def train(self, mode: bool = True) -> Objective:
        """Set the mode of all but the teacher, which stays in evaluation mode."""
        super().train(mode)
        if self.alignment != "none":
            self.teacher.eval()
        return self

    def forward(
        self,
        inputs: Union[Inputs, Maps],
        labels: torch.Tensor,
        optical_flow: Optional[torch.Tensor] = None,
    ) -> Losses:
        """Losses of one batch of pictures, or of their feature maps.

        labels: class numbers (N). optical_flow: what the teacher sees, in units and shape of
        `inputs.flow`; needed only with an alignment.
        """
        parts, motion = self.model.outputs(inputs)
        classification = classification_loss(parts, labels, self.label_smoothing)
        alignment = classification.new_zeros(())
        if self.alignment != "none":
            if motion is None or optical_flow is None:
                raise ValueError(f"alignment '{self.alignment}' needs optical flow")
            student = Features(motion, self.fc(motion.mean(2)))
            alignment = self._alignment(student, self._taught(optical_flow))
        total = classification + self.weight * alignment
        return Losses(total, classification, alignment, parts.sum(0))

    def _taught(self, optical_flow: torch.Tensor) -> Features:
        with torch.no_grad():
            parts, motion = self.teacher.outputs(Inputs(flow=optical_flow))
        assert motion is not None
        return Features(motion, parts[0])

    def _alignment(self, student: Features, teacher: Features) -> torch.Tensor:
        if self.alignment == "distillation":
            return distillation_loss(student.scores, teacher.scores, self.temperature)
        after = functional.mse_loss(student.scores, teacher.scores)
        if self.alignment == "after-fc":
            return after
        return functional.mse_loss(student.map, teacher.map) + after


def classification_loss(
    parts: torch.Tensor, labels: torch.Tensor, label_smoothing: float = 0.0
) -> torch.Tensor:
    """Eq. (9), averaged over the batch and summed over the parts (parts, N, classes)."""
    losses = [
        functional.cross_entropy(part, labels, label_smoothing=label_smoothing) for part in parts
    ]
    return torch.stack(losses).sum()


def distillation_loss(
    student: torch.Tensor, teacher: torch.Tensor, temperature: float
) -> torch.Tensor:
    """T^2 KL(teacher || student) of class probabilities softened by T (arXiv:1503.02531, 2.1)."""
    divergence = functional.kl_div(
        functional.log_softmax(student / temperature, 1),
        functional.log_softmax(teacher / temperature, 1),
        reduction="batchmean",
        log_target=True,
    )
    return temperature**2 * divergence


def check_teacher(model: ATTP, teacher: Optional[ATTP], alignment: str) -> None:
    """Raise UsageError unless `teacher` suits the alignment."""
    own = model.architecture
    if (teacher is None) != (alignment == "none"):
        needs = "no teacher" if alignment == "none" else "a teacher"
        raise UsageError(f"alignment '{alignment}' of {own.modalities} needs {needs}")
    if teacher is None:
        return
    given = teacher.architecture
    wrong = [
        f"{field} {getattr(given, field)!r} instead of {wanted!r}"
        for field, wanted in (
            ("modalities", "MV"),
            ("backbone", own.backbone),
            ("width", own.width),
            ("classes", own.classes),
        )
        if getattr(given, field) != wanted
    ]
    if wrong:
        raise UsageError(f"the teacher is not a LiteNet_OF of this model: {', '.join(wrong)}")
