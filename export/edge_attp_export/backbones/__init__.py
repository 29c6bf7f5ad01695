"""The light backbones by name: the only list of them."""

from __future__ import annotations

from typing import Callable, Dict

from edge_attp.errors import UsageError

from .efficientnet import efficientnet_b0, efficientnet_b1
from .efficientnet_lite import efficientnet_lite0, efficientnet_lite1
from .layers import Backbone
from .mobilenet_v2 import mobilenet_v2

_EFFICIENTNETS: Dict[str, Callable[[int, int], Backbone]] = {
    "efficientnet_b1": efficientnet_b1,
    "efficientnet_b0": efficientnet_b0,
    "efficientnet_lite0": efficientnet_lite0,
    "efficientnet_lite1": efficientnet_lite1,
}
NAMES = (*_EFFICIENTNETS, "mobilenet_v2")


def create_backbone(
    name: str, in_channels: int = 3, width: float = 1.0, classes: int = 1000
) -> Backbone:
    """Build an untrained backbone.

    `width` scales the channels of MobileNetV2; the EfficientNets have a single width.
    Raises UsageError for an unknown name, or a width that the backbone does not have.
    """
    if name == "mobilenet_v2":
        if not width > 0:
            raise UsageError(f"width {width} is not positive; use for example 0.25, 0.5 or 1")
        return mobilenet_v2(in_channels, width, classes)
    if name not in NAMES:
        raise UsageError(f"unknown backbone '{name}'; choose one of {', '.join(NAMES)}")
    if width != 1.0:
        raise UsageError(f"{name} has no width multiplier: leave --width at 1, or use mobilenet_v2")
    return _EFFICIENTNETS[name](in_channels, classes)


def is_lite(name: str) -> bool:
    """Whether a backbone is one of TensorFlow's Lite networks, which have their own RGB scale."""
    return name.startswith("efficientnet_lite")


__all__ = ["NAMES", "Backbone", "create_backbone", "is_lite"]
