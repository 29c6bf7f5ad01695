"""How pictures become network inputs: sizes and constants, as `edge_attp.engine.pack` reads them."""

from __future__ import annotations

from typing import Any, Dict

from edge_attp.engine.pack import ENERGY, SIGNED, InputSpec, Normalisation
from edge_attp.errors import UsageError

from .architecture import REDUCTION, Architecture, Size
from .attp import SIDE
from .backbones import is_lite

# RGB: what backbone checkpoints expect, torchvision's ImageNet statistics or, for the Lite networks,
# (x - 127) / 128 of 8-bit samples. Flow: full scale is 20 pixels per picture interval, the bound of
# two-stream networks. Residual: mostly within a few sample values. Energy: 8 sample values make 1, and
# few blocks have more than 4 times that.
RGB = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
LITE_RGB = Normalisation((127 / 255,) * 3, (128 / 255,) * 3)
FLOW_SCALE = 0.05
RESIDUAL = Normalisation((0.0, 0.0, 0.0), (0.05, 0.05, 0.05))
ENERGY_RESIDUAL = Normalisation((0.0,), (8.0,))
HUNDREDTHS = 100.0
MEMORY = 8.0  # pictures, where the speed is seen, which is known of means alone


def default_input(
    architecture: Architecture, resize: Size = (340, 256), crop: Size = (SIDE, SIDE)
) -> InputSpec:
    """The input of a model that sees the central `crop` of a picture resized to `resize`.

    Sizes are (width, height); the paper resizes to 340 x 256 (section 4.1). Where M is one of the
    networks, a flow of 1 stands for `flow_limit` hundredths of the shorter side of `resize`, so that M
    sees hundredths. Raises UsageError for sizes that no network accepts.
    """
    rgb = LITE_RGB if is_lite(architecture.backbone) else RGB
    steps, scale = architecture.steps, FLOW_SCALE
    if architecture.is_early:
        scale = HUNDREDTHS / (architecture.flow_limit * min(resize))
    has_energy = architecture.residual_input == "energy"
    residual = ENERGY_RESIDUAL if has_energy else RESIDUAL
    kind = ENERGY if has_energy else SIGNED
    spec = InputSpec(resize, crop, rgb, scale, residual, steps["MV"], steps["R"], kind)
    if architecture.has_speed:
        spec = spec._replace(memory=MEMORY, speed_memory=MEMORY)
    map_positions(architecture, crop)
    if crop[0] > resize[0] or crop[1] > resize[1]:
        raise UsageError(f"crop {_text(crop)} is larger than resize {_text(resize)}")
    step = max(steps.values())
    for name, size in (("resize", resize), ("crop", crop)):
        if any(side % step for side in size):
            raise UsageError(
                f"{name} {_text(size)}: input on the motion grid needs multiples of {step}"
            )
    return spec


def map_positions(architecture: Architecture, crop: Size) -> Dict[str, int]:
    """K of each network. Raises UsageError for an unsuitable crop, or if maps of different K were to be fused."""
    found = {name: positions(architecture.enlarged(name) or crop) for name in architecture.networks}
    if not architecture.has_classifiers and len(set(found.values())) > 1:
        size = _text(architecture.motion_size)
        raise UsageError(
            f"crop {_text(crop)}: {architecture.modalities} fuses maps position by position, so that "
            f"motion_size, {size}, must be the same"
        )
    return found


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
        "flow": {
            "scale": spec.flow_scale,
            **_step(spec.flow_step),
        },
        "residual": {
            **_kind(spec.residual_kind),
            **_normalisation(spec.residual),
            **_step(spec.residual_step),
        },
        **({"memory": spec.memory} if spec.memory else {}),
        **({"speed_memory": spec.speed_memory} if spec.speed_memory else {}),
        **_region(spec),
    }


def _region(spec: InputSpec) -> Dict[str, Any]:
    if (spec.region_scale, spec.region_least) == (1.0, 0.0):
        return {}
    return {"region": {"scale": spec.region_scale, "least": spec.region_least}}


def _normalisation(values: Normalisation) -> Dict[str, Any]:
    return {"mean": list(values.mean), "std": list(values.std)}


def _step(step: int) -> Dict[str, int]:
    return {} if step == 1 else {"step": step}  # 1 is the default of model.json


def _kind(kind: str) -> Dict[str, str]:
    return {} if kind == SIGNED else {"kind": kind}


def _text(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
