"""How pictures become network inputs: sizes and constants, as `edge_attp.engine.pack` reads them."""

from __future__ import annotations

from typing import Any, Dict, Tuple

from edge_attp.engine.pack import InputSpec, Normalisation
from edge_attp.errors import UsageError

from .architecture import Architecture
from .attp import SIDE
from .backbones import is_lite

Size = Tuple[int, int]  # width, height

REDUCTION = 32  # every backbone divides height and width by it

# RGB: what backbone checkpoints expect, torchvision's ImageNet statistics or, for the Lite networks,
# (x - 127) / 128 of 8-bit samples. Flow: full scale is 20 pixels per picture interval, the bound of
# two-stream networks. Residual: mostly within a few sample values.
RGB = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
LITE_RGB = Normalisation((127 / 255,) * 3, (128 / 255,) * 3)
FLOW_SCALE = 0.05
RESIDUAL = Normalisation((0.0, 0.0, 0.0), (0.05, 0.05, 0.05))


def default_input(
    architecture: Architecture, resize: Size = (340, 256), crop: Size = (SIDE, SIDE)
) -> InputSpec:
    """The input of a model that sees the central `crop` of a picture resized to `resize`.

    Sizes are (width, height); the paper resizes to 340 x 256 (section 4.1). Raises UsageError for
    sizes that no network accepts.
    """
    rgb = LITE_RGB if is_lite(architecture.backbone) else RGB
    steps = architecture.steps
    spec = InputSpec(resize, crop, rgb, FLOW_SCALE, RESIDUAL, steps["MV"], steps["R"])
    positions(crop)
    if crop[0] > resize[0] or crop[1] > resize[1]:
        raise UsageError(f"crop {_text(crop)} is larger than resize {_text(resize)}")
    step = max(steps.values())
    if any(side % step for side in resize):
        raise UsageError(
            f"resize {_text(resize)}: input on the motion grid needs multiples of {step}"
        )
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
        "flow": {"scale": spec.flow_scale, **_step(spec.flow_step)},
        "residual": {**_normalisation(spec.residual), **_step(spec.residual_step)},
    }


def _normalisation(values: Normalisation) -> Dict[str, Any]:
    return {"mean": list(values.mean), "std": list(values.std)}


def _step(step: int) -> Dict[str, int]:
    return {} if step == 1 else {"step": step}  # 1 is the default of model.json


def _text(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
