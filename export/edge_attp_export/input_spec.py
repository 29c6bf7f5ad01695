"""How pictures become network inputs: sizes and constants, as `edge_attp.engine.pack` reads them."""

from __future__ import annotations

from typing import Any, Dict, Tuple

from edge_attp.engine.pack import InputSpec, Normalisation
from edge_attp.errors import UsageError

from .attp import SIDE

Size = Tuple[int, int]  # width, height

REDUCTION = 32  # every backbone divides height and width by it

# RGB: the ImageNet statistics that backbone checkpoints expect. Flow: full scale is 20 pixels per
# picture interval, the bound of two-stream networks. Residual: mostly within a few sample values.
RGB = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
FLOW_SCALE = 0.05
RESIDUAL = Normalisation((0.0, 0.0, 0.0), (0.05, 0.05, 0.05))


def default_input(resize: Size = (340, 256), crop: Size = (SIDE, SIDE)) -> InputSpec:
    """The input of a model that sees the central `crop` of a picture resized to `resize`.

    Sizes are (width, height); the paper resizes to 340 x 256 (section 4.1). Raises UsageError for
    sizes that no network accepts.
    """
    spec = InputSpec(resize, crop, RGB, FLOW_SCALE, RESIDUAL)
    positions(crop)
    if crop[0] > resize[0] or crop[1] > resize[1]:
        raise UsageError(f"crop {_text(crop)} is larger than resize {_text(resize)}")
    return spec


def positions(crop: Size) -> int:
    """K of eq. (5): positions in the last feature map. Raises UsageError for an unsuitable crop."""
    if any(side < REDUCTION or side % REDUCTION for side in crop):
        raise UsageError(
            f"crop {_text(crop)}: the networks halve a picture five times: use multiples of 32"
        )
    return (crop[0] // REDUCTION) * (crop[1] // REDUCTION)


def as_json(spec: InputSpec) -> Dict[str, Any]:
    """The object `input` of model.json."""
    return {
        "resize": list(spec.resize),
        "crop": list(spec.crop),
        "rgb": _normalisation(spec.rgb),
        "flow": {"scale": spec.flow_scale},
        "residual": _normalisation(spec.residual),
    }


def _normalisation(values: Normalisation) -> Dict[str, Any]:
    return {"mean": list(values.mean), "std": list(values.std)}


def _text(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
