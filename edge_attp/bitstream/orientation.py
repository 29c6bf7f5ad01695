"""How a coded picture is turned to be upright, and the turning of arrays. Integers and NumPy, nothing else.

Rotation is counted clockwise, as one sees it, in degrees by which the coded picture is to be turned.
FFmpeg (av_display_rotation_get(), PyAV's `frame.rotation`) and the display orientation SEI message count
anticlockwise.

Motion has one entry per 4x4 block, counted from the left upper corner of the coded picture. Where a side
is no multiple of 4, its last blocks are narrower; turned to the other side, they are the first. An
entry of a turned grid is then that of the coded block that covers the middle of its place: its edges lie up to
2 luma samples from where the grid says.
"""

import math
from typing import NamedTuple, Optional, Tuple

import numpy as np

# a, b, u, c, d, v, x, y, w of ISO/IEC 14496-12, 6.2.2, as FFmpeg gives it: u, v, w with 30 bits behind the
# point, all others with 16. A sample at (p, q) is shown at (a p + c q + x, b p + d q + y); y goes down.
Matrix = Tuple[int, ...]

BLOCK_PX = 4
NEAR_DEG = 1.0  # as far from a multiple of 90 as no one sees


class Orientation(NamedTuple):
    """One of eight. The coded picture is first mirrored, left to right, if `is_mirrored`, then turned clockwise
    by `rotation_deg`: 0, 90, 180 or 270."""

    rotation_deg: int
    is_mirrored: bool

    @property
    def swaps_sides(self) -> bool:
        return self.rotation_deg % 180 != 0

    @property
    def signs(self) -> Tuple[int, int]:
        """Of x and y in the turned picture: -1 where what grew to the right or down in the coded picture
        falls."""
        x, y = {0: (1, 1), 90: (-1, 1), 180: (-1, -1), 270: (1, -1)}[self.rotation_deg]
        if not self.is_mirrored:
            return x, y
        return (x, -y) if self.swaps_sides else (-x, y)

    def size(self, width: int, height: int) -> Tuple[int, int]:
        """Width and height of the turned picture."""
        return (height, width) if self.swaps_sides else (width, height)

    def samples(self, plane: np.ndarray, axes: Tuple[int, int] = (-2, -1)) -> np.ndarray:
        """A turned view; axes: of rows and columns."""
        if self.is_mirrored:
            plane = np.flip(plane, axes[1])
        return np.rot90(plane, -self.rotation_deg // 90, axes)

    def rgb(self, pixels: np.ndarray) -> np.ndarray:
        """A turned copy of C-contiguous uint8 (H, W, 3)."""
        whole = pixels.view("V3")[..., 0]  # pixels move as a whole: twice as fast
        copy = np.ascontiguousarray(self.samples(whole))
        return copy.view(np.uint8).reshape(copy.shape + (3,))

    def blocks(
        self, grid: np.ndarray, width: int, height: int, axes: Tuple[int, int] = (-2, -1)
    ) -> np.ndarray:
        """A turned grid of 4x4 blocks, as a view where that can be. width, height: of the coded picture."""
        turned = self.samples(grid, axes)
        for axis, sign, length in zip(axes[::-1], self.signs, self.size(width, height)):
            if sign < 0 and length % BLOCK_PX == 1:
                last = turned.shape[axis] - 1
                turned = turned.take(np.minimum(np.arange(last + 1) + 1, last), axis)
        return turned

    def flow(self, flow: np.ndarray, width: int, height: int) -> np.ndarray:
        """A turned copy of (2, H4, W4): x plane, y plane."""
        turned = self.blocks(flow, width, height)
        copy = np.empty(turned.shape, flow.dtype)
        for k, sign in enumerate(self.signs):
            np.multiply(turned[k ^ self.swaps_sides], sign, out=copy[k])
        return copy

    def mv(self, mv: np.ndarray, width: int, height: int) -> np.ndarray:
        """A turned copy of int16 (2, H4, W4, 2); -32768, which has no opposite, becomes -32767 before."""
        turned = np.maximum(self.blocks(mv, width, height, (1, 2)), -32767)
        copy = np.empty(turned.shape, mv.dtype)
        for k, sign in enumerate(self.signs):
            np.multiply(turned[..., k ^ self.swaps_sides], sign, out=copy[..., k])
        return copy

    def __str__(self) -> str:
        """For people; empty for UPRIGHT."""
        turned = f"turned {self.rotation_deg} degrees clockwise"
        words = ["mirrored"] * self.is_mirrored + [turned] * bool(self.rotation_deg)
        return " and ".join(words)


UPRIGHT = Orientation(0, False)


class Told(NamedTuple):
    """What a stream says of its presentation: the nearest orientation, and the angle itself."""

    orientation: Orientation
    clockwise_deg: float

    @property
    def is_near(self) -> bool:
        apart = abs(self.clockwise_deg - self.orientation.rotation_deg)
        return min(apart, 360 - apart) <= NEAR_DEG


NOTHING = Told(UPRIGHT, 0.0)


def from_angle(clockwise_deg: float, is_mirrored: bool) -> Told:
    """Of a picture that is mirrored first, then turned."""
    clockwise_deg %= 360
    return Told(Orientation(round(clockwise_deg / 90) % 4 * 90, is_mirrored), clockwise_deg)


def from_matrix(matrix: Matrix) -> Optional[Told]:
    """None: it maps the picture to a line or a point, which nobody can mean."""
    a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
    determinant = a * d - b * c
    if determinant == 0:
        return None
    side = -1 if determinant < 0 else 1
    # Width and height may be scaled apart.
    angle = math.atan2(side * b / math.hypot(b, d), side * a / math.hypot(a, c))
    return from_angle(math.degrees(angle), determinant < 0)


def told_by(stream: Told, matrix: Optional[Matrix]) -> Told:
    """What a stream says itself goes before what its container says, as in FFmpeg."""
    if stream != NOTHING or matrix is None:
        return stream
    return from_matrix(matrix) or NOTHING
