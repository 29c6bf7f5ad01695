"""In which numbers a pack stores its weights and computes.

- fp32: 32-bit floats throughout.
- fp16: kernels are stored in 16 bits and widened in front of their use, so the files are half as
  large and everything computes in 32 bits as before. ONNX Runtime widens them once, when it loads.
- fp16-typed: networks that compute in 16 bits, between inputs, outputs and a scoring in 32 bits: for
  TensorRT 11, which takes the precision from the graph.
- int8: networks in 8 bits (see `quantise`), projections and scoring as in fp16: for CPUs.
"""

from __future__ import annotations

import numpy as np

from edge_attp.errors import ModelError

# Rounding to 11 significant bits changes a tensor by 2e-4 at most; more is lost where values are
# too small for 16 bits.
MOST_LOST = 1e-3


def narrowed(name: str, values: np.ndarray) -> np.ndarray:
    """`values` as float16. Raises ModelError naming the tensor where that loses what matters."""
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    if not np.isfinite(half).all():
        most = float(np.abs(values).max())
        raise ModelError(f"{name}: {most:g} does not fit into 16 bits (65504): export as fp32")
    wide = values.astype(np.float64)
    lost = float(np.linalg.norm(half - wide)) / (float(np.linalg.norm(wide)) or 1.0)
    if half.ndim > 1 and lost > MOST_LOST:  # small biases are added to what is not small
        raise ModelError(f"{name}: 16 bits would change it by {lost:.1%}: export as fp32")
    return np.asarray(half)
