"""LiteNet: a light backbone without its classifier, one for each modality (paper, 3.2)."""

from __future__ import annotations

from typing import Dict, Optional

import torch
from torch import nn
from torch.nn import functional

from edge_attp.errors import ModelError

from .architecture import Size
from .backbones import create_backbone

STEM = "features.0.0.weight"
StateDict = Dict[str, torch.Tensor]


class LiteNet(nn.Module):
    """Picture (N, in_channels, H, W) -> feature map (N, channels, K).

    K = H/32 * W/32 positions. With step 4, a picture of a quarter of the height and width gives as many:
    two of the five strides are gone. The first would throw vectors away; without the last, the strides
    between come as early as before, and the network costs half. With `enlarged` (width, height), the
    picture is enlarged to that size first, linearly between sample centres, and all strides stay.
    """

    def __init__(
        self,
        backbone: str,
        in_channels: int,
        width: float = 1.0,
        step: int = 1,
        enlarged: Optional[Size] = None,
    ) -> None:
        super().__init__()
        network = create_backbone(backbone, in_channels, width)
        if step != 1 and enlarged is None:
            _take_out_two_strides(network.features)
        self.step = step
        self.enlarged = enlarged
        self.features = network.features
        self.channels = network.channels
        self.in_channels = in_channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.enlarged is not None:
            x = functional.interpolate(x, self.enlarged[::-1], mode="bilinear", align_corners=False)
        return torch.flatten(self.features(x), 2)

    def load_backbone(self, state: StateDict) -> None:
        """Load a checkpoint of the backbone, with the names of `backbones`, without its classifier.

        A first layer made for RGB is fitted to another number of channels: each gets the mean of the
        three filters, scaled so that the sum of the weights stays the same. Raises ModelError with
        the first parameter that does not fit.
        """
        features = {key: value for key, value in state.items() if key.startswith("features.")}
        if STEM in features and features[STEM].shape[1] != self.in_channels:
            features[STEM] = _fit_stem(features[STEM], self.in_channels)
        load_exactly(self, features)


def load_exactly(module: nn.Module, state: StateDict) -> None:
    """Load `state`; raise ModelError with the first parameter that does not fit."""
    own = module.state_dict()
    for key in [*own, *state]:
        if key not in state and key.endswith("num_batches_tracked"):
            continue  # a counter that old checkpoints lack and nothing reads
        if key not in state:
            raise ModelError(f"the checkpoint belongs to another model: it has no {key}")
        if key not in own:
            raise ModelError(f"the checkpoint belongs to another model: it has {key}")
        if own[key].shape != state[key].shape:
            sizes = f"{tuple(state[key].shape)}, the model {tuple(own[key].shape)}"
            raise ModelError(f"the checkpoint has another size: its {key} is {sizes}")
    module.load_state_dict(state, strict=False)


def _take_out_two_strides(features: nn.Module) -> None:
    convolutions = [layer for layer in features.modules() if isinstance(layer, nn.Conv2d)]
    strided = [layer for layer in convolutions if layer.stride == (2, 2)]
    for layer in (strided[0], strided[-1]):
        layer.stride = (1, 1)


def _fit_stem(weight: torch.Tensor, in_channels: int) -> torch.Tensor:
    mean = weight.mean(1, keepdim=True) * (weight.shape[1] / in_channels)
    return mean.repeat(1, in_channels, 1, 1)
