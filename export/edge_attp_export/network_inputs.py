"""Pictures, flow and residuals as network inputs: `edge_attp.tensors` with the constants of a model.

For whole pictures, `resize` is that of the model (InputSpec.resize) and the centre is kept; for
pictures that have been cropped, it is the crop itself. Sizes are (width, height), outputs float32
(channels, H, W); flow and residual have one sample for each `step` pixels of the crop (InputSpec).
"""

from __future__ import annotations

from typing import Any, Tuple

import numpy as np

from edge_attp.engine.pack import ENERGY, InputSpec, in_steps
from edge_attp.tensors import fill_energy, fill_flow, fill_memory, fill_residual, fill_rgb

from .architecture import Size


def rgb_input(rgb: np.ndarray, spec: InputSpec, resize: Size) -> np.ndarray:
    """From uint8 (H, W, 3)."""
    out = _empty(spec, "appearance", "rgb")
    fill_rgb(rgb, out, resize, spec.rgb.mean, spec.rgb.std)
    return out


def flow_input(flow: np.ndarray, size: Size, spec: InputSpec, resize: Size) -> np.ndarray:
    """From float32 (2, H4, W4), pixels per picture interval, of a picture of `size`."""
    step = spec.flow_step
    out = _empty(spec, "motion", "flow")
    fill_flow(flow, size, out, in_steps(resize, step), spec.flow_scale * step)
    return out


def residual_input(residual: Any, spec: InputSpec, resize: Size, bit_depth: int) -> np.ndarray:
    """From int16 planes .y, .u and .v; of the latter two, the energy needs none."""
    if spec.residual_kind == ENERGY:
        return energy_input(residual.y, spec, resize, bit_depth)
    mean, std = spec.residual
    out = _empty(spec, "motion", "residual")
    fill_residual(residual, out, in_steps(resize, spec.residual_step), mean, std, bit_depth)
    return out


def energy_input(luma: np.ndarray, spec: InputSpec, resize: Size, bit_depth: int) -> np.ndarray:
    """From the int16 luma plane of a residual."""
    (mean,), (std,) = spec.residual
    out = _empty(spec, "motion", "residual")
    fill_energy(luma, out, in_steps(resize, spec.residual_step), mean, std, bit_depth)
    return out


def memory_inputs(
    planes: np.ndarray, size: Size, spec: InputSpec, resize: Size
) -> Tuple[np.ndarray, np.ndarray]:
    """Flow and energy from the planes of a MotionMemory, float32 (5, H4, W4), of a picture of `size`."""
    (mean,), (std,) = spec.residual
    step = spec.flow_step
    flow, energy = (_empty(spec, "motion", name) for name in ("flow", "residual"))
    scale = spec.flow_scale * step
    fill_memory(planes, size, flow, energy, in_steps(resize, step), scale, mean, std)
    return flow, energy


def _empty(spec: InputSpec, graph: str, name: str) -> np.ndarray:
    return np.empty(spec.shapes(graph)[name], np.float32)
