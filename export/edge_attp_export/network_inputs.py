"""Pictures, flow and residuals as network inputs: `edge_attp.tensors` with the constants of a model.

For whole pictures, `resize` is that of the model (InputSpec.resize) and the centre is kept; for
pictures that have been cropped, it is the crop itself. Sizes are (width, height), outputs float32
(channels, H, W); flow and residual have one sample for each `step` pixels of the crop (InputSpec).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edge_attp.engine.pack import InputSpec, in_steps
from edge_attp.tensors import fill_flow, fill_residual, fill_rgb

from .attp import CHANNELS
from .input_spec import Size


def rgb_input(rgb: np.ndarray, spec: InputSpec, resize: Size) -> np.ndarray:
    """From uint8 (H, W, 3)."""
    out = _empty("I", spec, 1)
    fill_rgb(rgb, out, resize, spec.rgb.mean, spec.rgb.std)
    return out


def flow_input(flow: np.ndarray, size: Size, spec: InputSpec, resize: Size) -> np.ndarray:
    """From float32 (2, H4, W4), pixels per picture interval, of a picture of `size`."""
    step = spec.flow_step
    out = _empty("MV", spec, step)
    fill_flow(flow, size, out, in_steps(resize, step), spec.flow_scale * step)
    return out


def residual_input(residual: Any, spec: InputSpec, resize: Size, bit_depth: int) -> np.ndarray:
    """From int16 planes .y, .u and .v."""
    step = spec.residual_step
    out = _empty("R", spec, step)
    mean, std = spec.residual
    fill_residual(residual, out, in_steps(resize, step), mean, std, bit_depth)
    return out


def _empty(network: str, spec: InputSpec, step: int) -> np.ndarray:
    width, height = in_steps(spec.crop, step)
    return np.empty((CHANNELS[network], height, width), np.float32)
