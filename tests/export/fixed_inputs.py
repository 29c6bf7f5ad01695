"""Fixed inputs for the untrained pack and the scoring graph, the same with every NumPy; Python 3.6, no torch."""

from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parent / "data"
UNTRAINED = DATA / "untrained"  # a narrow MobileNetV2 of random weights
PICTURES = 3

# Sizes of data/scoring.onnx: d, D, K, classes.
FACTORS, PROJECTIONS, POSITIONS, CLASSES = 3, 4, 6, 5


def pictures():
    """Return rgb, neighbour rgb (N, 3, 224, 224), flow (N, 2, ...) and residual (N, 3, ...)."""
    random = np.random.RandomState(7)
    shapes = [(PICTURES, channels, 224, 224) for channels in (3, 3, 2, 3)]
    rgb, neighbour, flow, residual = (
        random.standard_normal(shape).astype(np.float32) for shape in shapes
    )
    return [rgb, neighbour, flow * np.float32(0.2), residual]


def maps():
    """Return U'I_t, U'I_{t+dt}, V'y, W'z (N, d * D, K) and P (D, classes) for data/scoring.onnx."""
    random = np.random.RandomState(8)
    shapes = [(PICTURES, FACTORS * PROJECTIONS, POSITIONS)] * 4 + [(PROJECTIONS, CLASSES)]
    return [random.standard_normal(shape).astype(np.float32) for shape in shapes]
