"""The paper's model (sections 3.2 to 3.4) and its ablations: LiteNets and the pooling of their features."""

from __future__ import annotations

from typing import Dict, Iterator, NamedTuple, Optional, Tuple, Union

import torch
from torch import nn

from .architecture import Architecture
from .bilinear import CompactBilinearPooling
from .litenet import LiteNet
from .trilinear import TrilinearPooling

# The paper's sizes (section 4.1); a model accepts any that `input_spec` allows.
SIDE = 224  # height and width of the network inputs
POSITIONS = (SIDE // 32) ** 2  # K of eq. (5)


class Inputs(NamedTuple):
    """One batch: an I picture, the adjacent GOP's, and the flow and residual of a P or B picture.

    Each is (N, channels, H, W), normalised as the pack says; H and W are those of `rgb` divided by the
    architecture's step. Inputs that a model does not use may be left out: `rgb` by MV, `neighbour` by
    all but TTP and ATTP. Late fusions with I take the mean of both I pictures if there are both, as a
    device does.
    """

    rgb: Optional[torch.Tensor] = None
    neighbour: Optional[torch.Tensor] = None
    flow: Optional[torch.Tensor] = None
    residual: Optional[torch.Tensor] = None


# Feature map (N, c, K) of each network; that of I is I_t + I_{t+dt} in the temporal models, and half of
# that in late fusions.
Maps = Dict[str, torch.Tensor]


class Outputs(NamedTuple):
    """`parts` (parts, N, classes) add up to the scores; `motion` is the feature map of LiteNet_MV.

    I+MV+R and BP have three parts, I+M has two, the others one.
    """

    parts: torch.Tensor
    motion: Optional[torch.Tensor]


class ATTP(nn.Module):
    """LiteNet_I, LiteNet_MV and LiteNet_R, or some of them, or LiteNet_M, and their pooling.

    LiteNet_OF, the teacher of the feature alignment, is a model of the single modality MV that was
    trained on optical flow in place of vectors (`objective.Objective`).
    """

    litenet_i: LiteNet
    litenet_mv: LiteNet
    litenet_r: LiteNet
    litenet_m: LiteNet
    litenet_s: LiteNet
    pooling: TrilinearPooling  # of TP, TTP and ATTP
    bilinear: CompactBilinearPooling  # of BP
    classifiers: nn.ModuleDict  # of single networks and late fusions, by network name

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = shape = architecture
        for name in shape.networks:
            net = LiteNet(
                shape.backbone,
                shape.channels[name],
                shape.width,
                shape.steps[name],
                shape.enlarged(name),
            )
            setattr(self, _attribute(name), net)
        channels, classes = net.channels, shape.classes
        if shape.is_trilinear:
            self.pooling = TrilinearPooling(channels, classes, shape.factors, shape.projections)
        elif shape.has_classifiers:
            self.classifiers = nn.ModuleDict(
                {name: nn.Linear(channels, classes) for name in shape.networks}
            )
        else:
            self.bilinear = CompactBilinearPooling(channels, classes, shape.sketch)
        self.dropout = nn.Dropout1d(0.0)  # of whole channels; the trainer sets its rate

    def divide_scores(self, temperature: float) -> None:
        """Divide the parameters of the last layer, in place, so that all scores come out divided."""
        if self.architecture.is_trilinear:
            last = [self.pooling.p]
        elif self.architecture.has_classifiers:
            last = list(self.classifiers.parameters())
        else:
            last = [self.bilinear.p]
        with torch.no_grad():
            for parameter in last:
                parameter.div_(temperature)

    def networks(self) -> Iterator[Tuple[str, LiteNet]]:
        """Name and network of each modality."""
        for name in self.architecture.networks:
            yield name, getattr(self, _attribute(name))

    def appearance(self, rgb: torch.Tensor) -> torch.Tensor:
        """U'x of an I picture: (N, 3, H, W) -> (N, d*D, K); in late fusions half its scores, (N, classes, 1)."""
        features = self.litenet_i(rgb)
        if self.architecture.has_classifiers:
            half: torch.Tensor = self._scores("I", features)[:, :, None] / 2
            return half
        ux: torch.Tensor = self.pooling.u(features)
        return ux

    def motion(
        self,
        flow: torch.Tensor,
        residual: torch.Tensor,
        appearance: Optional[torch.Tensor] = None,
    ) -> torch.Tensor:
        """Scores (N, classes) of P or B pictures, given the sum of `appearance` of I_t and I_{t+dt}; None for M."""
        inputs = Inputs(flow=flow, residual=residual)
        names = [name for name in self.architecture.networks if name != "I"]
        maps = {
            name: getattr(self, _attribute(name))(self._picture(name, inputs)) for name in names
        }
        if not self.architecture.has_classifiers:
            assert appearance is not None
            return self._trilinear(maps["MV"], maps["R"], appearance)
        scores = torch.stack([self._scores(name, x) for name, x in maps.items()]).sum(0)
        return scores if appearance is None else scores + appearance[:, :, 0]

    def forward(
        self,
        rgb: Optional[torch.Tensor] = None,
        neighbour: Optional[torch.Tensor] = None,
        flow: Optional[torch.Tensor] = None,
        residual: Optional[torch.Tensor] = None,
    ) -> torch.Tensor:
        """Scores (N, classes) for the fields of Inputs. Raises ValueError if one is missing."""
        return self.outputs(Inputs(rgb, neighbour, flow, residual)).parts.sum(0)

    def outputs(self, inputs: Union[Inputs, Maps]) -> Outputs:
        """Scores by part and the map that the feature alignment needs, from pictures or their maps."""
        maps = inputs if isinstance(inputs, dict) else self.maps(inputs)
        return Outputs(self._parts(maps), maps.get("MV"))

    def maps(self, inputs: Inputs) -> Maps:
        """The feature map of each network, before anything is fused."""
        shape = self.architecture
        if shape.is_temporal:
            self._given(inputs.neighbour, "neighbouring I")
        maps = {name: net(self._picture(name, inputs)) for name, net in self.networks()}
        if shape.is_temporal or (shape.is_late and inputs.neighbour is not None):
            both = torch.add(*maps["I"].chunk(2))
            maps["I"] = both if shape.is_temporal else both / 2
        return maps

    def _picture(self, name: str, inputs: Inputs) -> torch.Tensor:
        """What a network sees; both I pictures, one after the other, where the model looks at both."""
        shape = self.architecture
        if name == "I":
            rgb = self._given(inputs.rgb, name)
            looks_at_both = shape.is_temporal or shape.is_late
            return (
                torch.cat([rgb, inputs.neighbour])
                if looks_at_both and inputs.neighbour is not None
                else rgb
            )
        if name == "MV":
            return self._given(inputs.flow, name)
        residual = self._given(inputs.residual, name)
        if name == "R":
            return residual
        flow = self._given(inputs.flow, name)
        flow = flow[:, 2:] if name == "S" else flow[:, :2]
        planes = [flow * shape.flow_limit, residual.clamp(0, shape.energy_limit)]
        return torch.cat(planes, 1)

    def _parts(self, maps: Maps) -> torch.Tensor:
        maps = {name: self.dropout(x) for name, x in maps.items()}
        if self.architecture.is_trilinear:
            return self._trilinear(maps["MV"], maps["R"], self.pooling.u(maps["I"]))[None]
        if self.architecture.has_classifiers:
            return torch.stack([self._scores(name, x) for name, x in maps.items()])
        scores: torch.Tensor = self.bilinear(list(maps.values()))
        return scores

    def _scores(self, name: str, x: torch.Tensor) -> torch.Tensor:
        """Scores (N, classes) of one network's map (N, c, K)."""
        scores: torch.Tensor = self.classifiers[name](x.mean(2))
        return scores

    def _trilinear(self, y: torch.Tensor, z: torch.Tensor, ux: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.pooling(ux, self.pooling.v(y), self.pooling.w(z))
        return scores

    def _given(self, picture: Optional[torch.Tensor], name: str) -> torch.Tensor:
        if picture is None:
            raise ValueError(f"{self.architecture.modalities} needs {name} pictures")
        return picture


def _attribute(name: str) -> str:
    return f"litenet_{name.lower()}"
