"""Decoded frames in other pixel formats, above all RGB, through FFmpeg's converter."""

from typing import Dict, List

import numpy as np

from edge_attp.bitstream.pyav import Frame, describe_error, frame_reformatter
from edge_attp.errors import CorruptStream
from edge_attp.log import logger

# Matrix coefficients (table E-5) other than the default, and PyAV's names for them; older versions
# do not look at the frame.
_MATRICES = {1: "ITU709", 4: "FCC", 7: "SMPTE240M"}
_BT709, _BT2020 = 1, 9  # matrix_coefficients, and colour_primaries
_NAMES = {_BT709: "BT.709", _BT2020: "BT.2020"}
_LIKE_BT2020 = (10, 14, 15)  # constant luminance, ICtCp, IPT-C2: wide gamuts
_FROM_PRIMARIES = (12, 13)  # derived from the primaries


class FrameConverter:
    """Converts frames of one stream; `options` are those of PyAV's reformat().

    If FFmpeg has no conversion for the matrix of a frame, the nearest matrix is used, with one warning.
    Works in one thread, because starting more takes longer than the conversion.
    """

    def __init__(self, name: str, *, is_silent: bool = False, **options: object) -> None:
        self._name = name
        self._reformat = frame_reformatter()
        self._options: Dict[str, object] = dict(options, threads=1)
        self._is_silent = is_silent

    def convert(self, frame: Frame, **options: object) -> Frame:
        """The converted frame; CorruptStream if FFmpeg cannot convert it at all."""
        try:
            return self._convert_with(frame, dict(self._own_matrix_options(frame), **options))
        except (OSError, ValueError) as error:
            failure = describe_error(error)
        for matrix in _nearest_matrices(frame):
            try:
                converted = self._convert_with(
                    frame, dict(self._matrix_options(frame, matrix), **options)
                )
            except (OSError, ValueError):
                continue
            self._warn_of_matrix(frame, matrix)
            return converted
        raise CorruptStream(
            f"{self._name}: FFmpeg cannot convert its pictures ({frame.format.name}): {failure}"
        )

    def _own_matrix_options(self, frame: Frame) -> Dict[str, object]:
        return {}

    def _matrix_options(self, frame: Frame, matrix: int) -> Dict[str, object]:
        """Treats the frame as if it had this matrix."""
        known = _MATRICES.get(matrix, matrix)
        return {"src_colorspace": known, "dst_colorspace": known}

    def _convert_with(self, frame: Frame, options: Dict[str, object]) -> Frame:
        try:
            return self._reformat(frame, **dict(options, **self._options))
        except TypeError:
            if "threads" not in self._options:
                raise
            del self._options["threads"]  # before PyAV 17
            return self._convert_with(frame, options)

    def _warn_of_matrix(self, frame: Frame, used: int) -> None:
        if not self._is_silent:
            logger.warning(
                "%s: FFmpeg has no conversion for its colours (matrix_coefficients %d); those of %s are "
                "used, which look slightly different",
                *(self._name, _matrix(frame), _NAMES[used]),
            )
        self._is_silent = True


class RgbConverter(FrameConverter):
    """Converts decoded frames to RGB, by each frame's own matrix and range. (PyAV 10 does not report the matrix;
    BT.601 is assumed.)"""

    def __init__(self, name: str, *, is_silent: bool = False) -> None:
        super().__init__(name, is_silent=is_silent, format="rgb24")

    def to_rgb(self, frame: Frame) -> np.ndarray:
        """RGB uint8 (H, W, 3); CorruptStream if FFmpeg cannot convert the frame."""
        return self.convert(frame).to_ndarray()

    def _own_matrix_options(self, frame: Frame) -> Dict[str, object]:
        matrix = _matrix(frame)
        return self._matrix_options(frame, matrix) if matrix in _MATRICES else {}

    def _matrix_options(self, frame: Frame, matrix: int) -> Dict[str, object]:
        return {
            "src_colorspace": _MATRICES.get(matrix, matrix),
            "dst_colorspace": "ITU601",  # no meaning for RGB, but older versions ignore equal ones
            "src_color_range": frame.color_range,
            "dst_color_range": 2,
        }


def _matrix(frame: Frame) -> int:
    return int(getattr(frame, "colorspace", 0))


def _nearest_matrices(frame: Frame) -> List[int]:
    """Matrices that FFmpeg knows, the one nearest to an unknown one first."""
    matrix, primaries = _matrix(frame), getattr(frame, "color_primaries", 0)
    is_wide = matrix in _LIKE_BT2020 or (matrix in _FROM_PRIMARIES and primaries == _BT2020)
    return [_BT2020, _BT709] if is_wide else [_BT709]
