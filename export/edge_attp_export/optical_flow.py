"""Optical flow between two pictures, in the units of the parser's flow: the input of LiteNet_OF.

OpenCV is imported late.
"""

from __future__ import annotations

from typing import Any, Callable, Dict

import numpy as np

from edge_attp.errors import UsageError

BLOCK_PX = 4  # side of a block of MotionField


def optical_flow(previous: np.ndarray, current: np.ndarray, method: str = "dis") -> np.ndarray:
    """Apparent motion, float32 (2, H, W): x plane, then y plane, in pixels per picture interval.

    previous, current: neighbours in display order, uint8, RGB (H, W, 3) or grey (H, W). Units, sign
    and grid are those of `edge_attp`'s MotionField.flow(): the value at a pixel of `current` is how
    far it has come since `previous`, so a pan by 3 pixels to the right gives (3, 0). method: "dis",
    "farneback", or "tvl1" if OpenCV has its contributed modules. Raises UsageError for another method
    or a missing package, and ValueError for other arrays.
    """
    if method not in _METHODS:
        raise UsageError(f"optical flow '{method}': choose one of {', '.join(_METHODS)}")
    if previous.shape != current.shape:
        raise ValueError(f"pictures of different shapes: {previous.shape} and {current.shape}")
    cv2 = _opencv()
    # Computed from the current picture back to the previous one and negated, so that the values lie
    # on the grid of the current picture, as vectors do.
    back = _METHODS[method](cv2, _grey(cv2, current), _grey(cv2, previous))
    return np.ascontiguousarray(-back.transpose(2, 0, 1), np.float32)


def on_motion_grid(flow: np.ndarray) -> np.ndarray:
    """Means over 4x4 pixels, the grid of vectors: (2, H, W) to float32 (2, ceil(H / 4), ceil(W / 4)).

    If a size is not a multiple of 4, the last blocks are the mean of the remaining pixels.
    """
    rows, columns = (np.arange(0, extent, BLOCK_PX) for extent in flow.shape[1:])
    sums = np.add.reduceat(np.add.reduceat(flow, rows, axis=1), columns, axis=2)
    heights, widths = (
        np.minimum(BLOCK_PX, extent - starts)
        for extent, starts in zip(flow.shape[1:], (rows, columns))
    )
    return np.asarray(sums / np.outer(heights, widths), np.float32)


def _dis(cv2: Any, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return np.asarray(dis.calc(first, second, None))


def _farneback(cv2: Any, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Pyramid by halves, 3 levels, window 15, 3 iterations, polynomials over 5 pixels."""
    return np.asarray(cv2.calcOpticalFlowFarneback(first, second, None, 0.5, 3, 15, 3, 5, 1.2, 0))


def _tvl1(cv2: Any, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    if not hasattr(cv2, "optflow"):
        raise UsageError(
            "optical flow 'tvl1' needs OpenCV's contributed modules: install "
            "opencv-contrib-python-headless instead of opencv-python-headless, or use 'dis'"
        )
    return np.asarray(cv2.optflow.DualTVL1OpticalFlow_create().calc(first, second, None))


_METHODS: Dict[str, Callable[[Any, np.ndarray, np.ndarray], np.ndarray]] = {
    "dis": _dis,
    "farneback": _farneback,
    "tvl1": _tvl1,
}


def _opencv() -> Any:
    try:
        import cv2
    except ImportError as error:
        raise UsageError("optical flow needs OpenCV: pip install opencv-python-headless") from error
    return cv2


def _grey(cv2: Any, picture: np.ndarray) -> np.ndarray:
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3):
        raise ValueError(f"expected uint8 (H, W, 3) or (H, W), got {picture.dtype} {picture.shape}")
    return picture if picture.ndim == 2 else np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))
