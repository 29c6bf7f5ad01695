"""The number formats in which a pack stores its weights and computes.

- fp32: 32-bit floats throughout.
- fp16: kernels are stored in 16 bits and widened before use, so the files are half as large and
  everything is computed in 32 bits as before. ONNX Runtime widens them once, when it loads.
- fp16-typed: the networks compute in 16 bits; inputs, outputs and scoring have 32. For TensorRT 11,
  which takes the precision from the graph.
- int8: the networks compute in 8 bits (see `quantise`), projections and scoring as in fp16. For CPUs.
"""

from __future__ import annotations

import numpy as np

from edge_attp.errors import ModelError

# Rounding to 11 significant bits changes a tensor by at most 2e-4; more is lost if values are too
# small for 16 bits.
MOST_LOST = 1e-3


def narrowed(name: str, values: np.ndarray) -> np.ndarray:
    """`values` as float16. Raises ModelError with the tensor's name if that loses too much."""
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    if not np.isfinite(half).all():
        most = float(np.abs(values).max())
        raise ModelError(f"{name}: {most:g} does not fit into 16 bits (65504): export as fp32")
    wide = values.astype(np.float64)
    lost = float(np.linalg.norm(half - wide)) / (float(np.linalg.norm(wide)) or 1.0)
    if half.ndim > 1 and lost > MOST_LOST:  # small biases are added to values that are not small
        raise ModelError(f"{name}: 16 bits would change it by {lost:.1%}: export as fp32")
    return np.asarray(half)
