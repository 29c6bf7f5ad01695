"""How a coded picture must be turned to be upright: what streams say about it, and turning of arrays.

Pure integers and NumPy. Rotation is counted clockwise, as seen by a viewer, in degrees by which the coded
picture has to be turned. FFmpeg (av_display_rotation_get(), PyAV's `frame.rotation`) and the display
orientation SEI message count anticlockwise.

Motion has one entry per 4x4 block, counted from the upper left corner of the coded picture. Where a side
is no multiple of 4, its last blocks are narrower; after turning to the opposite side they come first. An
entry of a turned grid is that of the coded block that covers the centre of its place, so its edges lie up
to 2 luma samples from where the grid says.
"""

import math
from typing import Iterator, NamedTuple, Optional, Tuple

import numpy as np

# a, b, u, c, d, v, x, y, w of ISO/IEC 14496-12, clause 6.2.2, as FFmpeg gives them: u, v and w have 30
# fractional bits, the others 16. A sample at (p, q) is shown at (a p + c q + x, b p + d q + y); y goes down.
Matrix = Tuple[int, ...]

BLOCK_PX = 4
TOLERANCE_DEG = 1.0  # nobody sees a smaller deviation from a multiple of 90

_DISPLAY_ORIENTATION = 47  # payloadType, in both standards


class Orientation(NamedTuple):
    """One of eight: the coded picture is first mirrored left to right, if `is_mirrored`, then turned clockwise
    by `rotation_deg`, which is 0, 90, 180 or 270."""

    rotation_deg: int
    is_mirrored: bool

    @property
    def swaps_sides(self) -> bool:
        return self.rotation_deg % 180 != 0

    @property
    def signs(self) -> Tuple[int, int]:
        """For x and y of the turned picture: -1 where a coordinate runs against the coded one."""
        x, y = {0: (1, 1), 90: (-1, 1), 180: (-1, -1), 270: (1, -1)}[self.rotation_deg]
        if not self.is_mirrored:
            return x, y
        return (x, -y) if self.swaps_sides else (-x, y)

    def size(self, width: int, height: int) -> Tuple[int, int]:
        """Width and height of the turned picture."""
        return (height, width) if self.swaps_sides else (width, height)

    def samples(self, plane: np.ndarray, axes: Tuple[int, int] = (-2, -1)) -> np.ndarray:
        """A turned view of any array; `axes` are those of rows and columns."""
        if self.is_mirrored:
            plane = np.flip(plane, axes[1])
        return np.rot90(plane, -self.rotation_deg // 90, axes)

    def rgb(self, pixels: np.ndarray) -> np.ndarray:
        """A turned copy of C-contiguous uint8 (H, W, 3)."""
        whole = pixels.view("V3")[..., 0]  # moving whole pixels is twice as fast
        copy = np.ascontiguousarray(self.samples(whole))
        return copy.view(np.uint8).reshape(copy.shape + (3,))

    def blocks(
        self, grid: np.ndarray, width: int, height: int, axes: Tuple[int, int] = (-2, -1)
    ) -> np.ndarray:
        """A turned grid of 4x4 blocks, as a view where possible. `width` and `height` of the coded picture in
        luma samples."""
        turned = self.samples(grid, axes)
        for axis, sign, length in zip(axes[::-1], self.signs, self.size(width, height)):
            if sign < 0 and length % BLOCK_PX == 1:
                last = turned.shape[axis] - 1
                turned = turned.take(np.minimum(np.arange(last + 1) + 1, last), axis)
        return turned

    def flow(self, flow: np.ndarray, width: int, height: int) -> np.ndarray:
        """A turned copy of flow (2, H4, W4): x plane, then y plane."""
        turned = self.blocks(flow, width, height)
        copy = np.empty(turned.shape, flow.dtype)
        for k, sign in enumerate(self.signs):
            np.multiply(turned[k ^ self.swaps_sides], sign, out=copy[k])
        return copy

    def mv(self, mv: np.ndarray, width: int, height: int) -> np.ndarray:
        """A turned copy of int16 (2, H4, W4, 2). -32768, which has no opposite, counts as -32767."""
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


class StatedOrientation(NamedTuple):
    """What a stream or container says: the nearest of the eight orientations, and the exact angle."""

    orientation: Orientation
    clockwise_deg: float

    @property
    def is_right_angle(self) -> bool:
        """Whether rounding to a multiple of 90 degrees goes unnoticed."""
        apart = abs(self.clockwise_deg - self.orientation.rotation_deg)
        return min(apart, 360 - apart) <= TOLERANCE_DEG


NOT_STATED = StatedOrientation(UPRIGHT, 0.0)


def from_angle(clockwise_deg: float, is_mirrored: bool) -> StatedOrientation:
    """For a picture that is mirrored first, then turned."""
    clockwise_deg %= 360
    nearest = Orientation(round(clockwise_deg / 90) % 4 * 90, is_mirrored)
    return StatedOrientation(nearest, clockwise_deg)


def from_matrix(matrix: Matrix) -> Optional[StatedOrientation]:
    """None for a matrix that maps the picture to a line or a point, which nobody can mean."""
    a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
    determinant = a * d - b * c
    if determinant == 0:
        return None
    side = -1 if determinant < 0 else 1
    # Width and height may be scaled differently.
    angle = math.atan2(side * b / math.hypot(b, d), side * a / math.hypot(a, c))
    return from_angle(math.degrees(angle), determinant < 0)


def effective_orientation(stream: StatedOrientation, matrix: Optional[Matrix]) -> StatedOrientation:
    """What the stream itself says takes precedence over its container, as in FFmpeg."""
    if stream != NOT_STATED or matrix is None:
        return stream
    return from_matrix(matrix) or NOT_STATED


# Display orientation SEI message ---------------------------------------------------------


def orientation_from_sei(nal: bytes, header_bytes: int) -> Optional[StatedOrientation]:
    """What the display orientation message in an SEI NAL unit says (H.264 D.2.27, HEVC D.3.17): NOT_STATED if
    it cancels an earlier one, None if the NAL unit has none."""
    rbsp = nal[header_bytes:].replace(b"\0\0\3", b"\0\0")  # clause 7.3.1.1
    for kind, payload in _sei_messages(rbsp):
        if kind == _DISPLAY_ORIENTATION and payload:
            return _parse_display_orientation(payload)
    return None


def _parse_display_orientation(payload: bytes) -> StatedOrientation:
    """The picture is flipped first, horizontally and vertically, then turned anticlockwise."""
    bits = int.from_bytes(payload[:3].ljust(3, b"\0"), "big")
    cancel_flag, hor_flip, ver_flip = (bits >> place & 1 for place in (23, 22, 21))
    if cancel_flag:
        return NOT_STATED
    anticlockwise_rotation = bits >> 5 & 0xFFFF
    turned_deg = 180 * ver_flip - 360 * anticlockwise_rotation / 65536
    return from_angle(turned_deg, hor_flip != ver_flip)


def _sei_messages(rbsp: bytes) -> Iterator[Tuple[int, bytes]]:
    """payloadType and payload of each message (H.264 clause 7.3.2.3, HEVC 7.3.2.4); one that is cut short at
    the end is left out."""
    position = 0
    while position + 2 < len(rbsp):
        kind, position = _sei_number(rbsp, position)
        size, position = _sei_number(rbsp, position)
        if position + size > len(rbsp):
            return
        yield kind, rbsp[position : position + size]
        position += size


def _sei_number(rbsp: bytes, position: int) -> Tuple[int, int]:
    """A payloadType or payloadSize and where it ends: bytes of 255, then one that is less."""
    value = 0
    while rbsp[position : position + 1] == b"\xff":
        value, position = value + 255, position + 1
    value += int.from_bytes(rbsp[position : position + 1], "big")
    return value, position + 1
