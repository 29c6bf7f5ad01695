"""Pictures of motion and residual: arrows, tints, heat, and the legend that explains them.

Knows arrays only: motion goes in, RGB comes out. It opens no file and no container. OpenCV is imported
at the first call, so importing this module needs NumPy alone.
"""

import colorsys
from typing import Any, Callable, List, NamedTuple, Optional, Tuple

import numpy as np

from edge_attp import lazy
from edge_attp.bitstream import MotionField, Residual

__all__ = [
    "Marks",
    "Size",
    "compose",
    "draw_motion",
    "draw_residual",
    "frame",
    "legend",
    "marks_of",
    "opencv",
    "resize",
    "write",
]

HUES = 48  # directions that get a colour of their own: one drawing call each
SPEED_GAIN = 4.0  # arrow pixels per pixel of motion in one picture interval
SLOWEST = 0.25  # px per picture: slower blocks get no arrow
FULL_HEAT = 32  # sample values of 8 bits
CANVAS = (24, 26, 32)  # behind the arrows where no picture is given
TINT_STRENGTH = 0.45
# mode (see edge_attp.bitstream): colour of the tint. Inter and skip blocks are left alone.
TINTS = ((0, (214, 64, 159)), (3, (240, 200, 60)), (4, (200, 30, 30)))
LEGEND_HEIGHT = 44
_FIXED_POINT_BITS = 4  # arrow ends are placed to 1/16 pixel

Size = Tuple[int, int]  # width, height
OpenCv = Any  # the module cv2: imported late, without types


class Marks(NamedTuple):
    """What is drawn of a MotionField, in arrays of its own.

    moving: bool (H4, W4), where blocks have motion. mode: uint8 (H4, W4). flow: float (2, H4, W4), pixels per
    picture interval.
    """

    moving: np.ndarray
    mode: np.ndarray
    flow: np.ndarray


def marks_of(motion: MotionField) -> Marks:
    """Copies what is drawn of a picture's motion; flow is float32."""
    moving = np.any(motion.reference >= 0, axis=0)
    return Marks(moving, np.array(motion.mode), motion.flow())


def opencv() -> OpenCv:
    """The cv2 module. MissingExtra, a UsageError, if it cannot be imported."""
    return lazy.load("drawing", "cv2")


def _direction_palette() -> np.ndarray:
    """RGB of each of the HUES directions, uint8 (HUES, 3): right is red, down is green."""
    colours = [colorsys.hsv_to_rgb(hue / float(HUES), 0.8, 1.0) for hue in range(HUES)]
    palette: np.ndarray = np.rint(np.array(colours) * 255).astype(np.uint8)
    return palette


def draw_motion(
    background: Optional[np.ndarray],
    marks: Marks,
    size: Size,
    spacing: Optional[int] = None,
) -> np.ndarray:
    """Draws one picture's motion; returns RGB uint8 (height, width, 3).

    background: RGB uint8 of any size, or None for a dark canvas. size: (width, height) of the result in
    pixels. spacing: distance of the arrows in pixels of the result, by default 16, and more in wide
    pictures.

    An arrow points where its block moves and is SPEED_GAIN times as long as the block moves in one
    picture interval; colour is direction. Intra, pcm and missing blocks are tinted.
    """
    spacing = spacing or max(16, size[0] // 60)
    canvas = _backdrop(background, size)
    _tint(canvas, marks.mode)
    starts, steps = _arrow_grid(marks, size, spacing)
    _draw_arrows(canvas, starts, steps, spacing)
    return canvas


def draw_residual(
    residual: Residual, size: Optional[Size] = None, bit_depth: int = 8
) -> np.ndarray:
    """Draws |residual| as heat: black is nothing coded, white an eighth of the sample range or more.

    The strongest of the three planes counts. size: (width, height) of the result in pixels, by default the
    picture's own. bit_depth: of the samples. Returns RGB uint8 (height, width, 3).
    """
    gain = 255.0 / _full_heat(bit_depth)
    cv2 = opencv()
    height, width = residual.y.shape
    heat: np.ndarray = cv2.convertScaleAbs(residual.y, alpha=gain)
    for plane in (residual.u, residual.v):
        chroma = cv2.convertScaleAbs(plane, alpha=gain)
        chroma = cv2.resize(
            chroma, (2 * chroma.shape[1], 2 * chroma.shape[0]), interpolation=cv2.INTER_NEAREST
        )
        heat = np.maximum(heat, chroma[:height, :width])
    if size is not None and tuple(size) != (width, height):
        heat = cv2.resize(heat, tuple(size), interpolation=cv2.INTER_AREA)
    return _coloured(heat)


def _coloured(heat: np.ndarray) -> np.ndarray:
    """RGB uint8 (height, width, 3) of uint8 (height, width)."""
    cv2 = opencv()
    rgb: np.ndarray = cv2.cvtColor(cv2.applyColorMap(heat, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    return rgb


def resize(rgb: np.ndarray, size: Size, enlarging: str = "area") -> np.ndarray:
    """RGB uint8 of another size, (width, height) in pixels: by the mean over areas where it shrinks.

    enlarging: "area", "linear" or "cubic", how samples are interpolated where it grows.
    """
    cv2 = opencv()
    grown = {"area": cv2.INTER_AREA, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}
    way = grown[enlarging] if rgb.shape[1] < size[0] else cv2.INTER_AREA
    resized: np.ndarray = cv2.resize(rgb, size, interpolation=way)
    return resized


def _full_heat(bit_depth: int) -> int:
    return FULL_HEAT << (bit_depth - 8)


def compose(
    motion_rgb: np.ndarray,
    residual_rgb: Optional[np.ndarray],
    caption: str = "",
    bit_depth: int = 8,
) -> np.ndarray:
    """Motion and residual side by side over a legend; residual_rgb may be None.

    Both RGB uint8 of the same height. Returns RGB uint8.
    """
    parts = [motion_rgb]
    if residual_rgb is not None:
        parts += [np.full((motion_rgb.shape[0], 4, 3), CANVAS, np.uint8), residual_rgb]
    body = np.concatenate(parts, axis=1)
    strip = legend(body.shape[1], caption, residual_rgb is not None, bit_depth)
    return np.concatenate([body, strip], axis=0)


def legend(
    width: int, caption: str = "", with_residual: bool = True, bit_depth: int = 8
) -> np.ndarray:
    """The strip that says what colours mean, RGB uint8 (LEGEND_HEIGHT, width, 3).

    Items that do not fit into the width are left out, from the right.
    """
    strip = np.full((LEGEND_HEIGHT, width, 3), CANVAS, np.uint8)
    items: List[Callable[[np.ndarray, int], int]] = [_legend_wheel, _legend_speed, _legend_tint]
    if with_residual:
        items.append(lambda canvas, x: _legend_heat(canvas, x, _full_heat(bit_depth)))
    if caption:
        items.insert(0, lambda canvas, x: write(canvas, caption, (x, 27)) + 14)
    x = 10
    for item in items:
        scratch = strip.copy()
        end = item(scratch, x)
        if end > width:
            break
        strip, x = scratch, end
    return strip


def write(
    canvas: np.ndarray,
    text: str,
    origin: Tuple[int, int],
    colour: Tuple[int, int, int] = (235, 235, 235),
    scale: float = 0.42,
) -> int:
    """Writes one line of text on canvas in place; origin is its lower left corner.

    Returns the x at which the text ends.
    """
    cv2 = opencv()
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(canvas, text, origin, font, scale, colour, 1, cv2.LINE_AA)
    (text_width, _), _ = cv2.getTextSize(text, font, scale, 1)
    return origin[0] + int(text_width)


def frame(canvas: np.ndarray, box: Tuple[int, int, int, int], colour: Tuple[int, int, int]) -> None:
    """Draws a rectangle with these left, top, right and bottom pixels on canvas in place, in a dark outline."""
    cv2 = opencv()
    for thickness, ink in ((4, (0, 0, 0)), (2, colour)):
        cv2.rectangle(canvas, box[:2], box[2:], ink, thickness)


def _backdrop(background: Optional[np.ndarray], size: Size) -> np.ndarray:
    width, height = size
    if background is None:
        return np.full((height, width, 3), CANVAS, np.uint8)
    if background.shape[:2] != (height, width):
        # Growing by a whole factor, this repeats pixels: what is shown was in the picture.
        background = resize(background, size)
    # Arrows must stand out from the picture under them.
    dark: np.ndarray = (background * np.float32(0.62)).astype(np.uint8)
    return dark


def _tint(canvas: np.ndarray, mode: np.ndarray) -> None:
    """Blends the colours of TINTS over their blocks, in place."""
    cv2 = opencv()
    size = (canvas.shape[1], canvas.shape[0])
    tinted = np.zeros(mode.shape, np.uint8)
    colours = np.zeros(mode.shape + (3,), np.uint8)
    for value, colour in TINTS:
        blocks = mode == value
        tinted[blocks] = 1
        colours[blocks] = colour
    if tinted.any():
        paint = cv2.resize(colours, size, interpolation=cv2.INTER_NEAREST)
        mask = cv2.resize(tinted, size, interpolation=cv2.INTER_NEAREST)
        blended = cv2.addWeighted(canvas, 1.0 - TINT_STRENGTH, paint, TINT_STRENGTH, 0.0)
        cv2.copyTo(blended, mask, canvas)


def _arrow_grid(marks: Marks, size: Size, spacing: int) -> Tuple[np.ndarray, np.ndarray]:
    """Arrow starts (n, 2) and motions (n, 2), both in pixels of the result.

    Each cell of spacing x spacing pixels takes the mean motion of its blocks that have one.
    """
    cv2 = opencv()
    moving, flow = marks.moving.astype(np.float32), marks.flow
    width, height = size
    cells = (max(1, width // spacing), max(1, height // spacing))
    planes = np.stack([flow[0] * moving, flow[1] * moving, moving], axis=2)
    mean = cv2.resize(planes, cells, interpolation=cv2.INTER_AREA)
    scale = np.array([width, height], np.float32) / (4.0 * np.array(moving.shape[::-1]))
    step = mean[:, :, :2] / np.maximum(mean[:, :, 2:], 1e-6) * scale
    drawn = (mean[:, :, 2] > 0.25) & (np.hypot(step[:, :, 0], step[:, :, 1]) >= SLOWEST)
    rows, columns = np.nonzero(drawn)
    centres = np.stack([(columns + 0.5) * width / cells[0], (rows + 0.5) * height / cells[1]], 1)
    return centres.astype(np.float32), step[rows, columns].astype(np.float32)


def _draw_arrows(canvas: np.ndarray, starts: np.ndarray, steps: np.ndarray, spacing: int) -> None:
    """One polyline per arrow, one call per colour: a dark outline first, the colour on top."""
    cv2 = opencv()
    if not len(starts):
        return
    lines = _arrow_lines(starts, steps, spacing)
    hues = _hue_index(steps)
    cv2.polylines(canvas, list(lines), False, (0, 0, 0), 3, cv2.LINE_AA, _FIXED_POINT_BITS)
    for hue, colour in enumerate(_direction_palette().tolist()):
        chosen = lines[hues == hue]
        if len(chosen):
            cv2.polylines(canvas, list(chosen), False, colour, 1, cv2.LINE_AA, _FIXED_POINT_BITS)


def _arrow_lines(starts: np.ndarray, steps: np.ndarray, spacing: int) -> np.ndarray:
    """Tail, tip and both barbs of each arrow in fixed point, int32 (n, 5, 2)."""
    speed = np.hypot(steps[:, :1], steps[:, 1:])
    along = steps / np.maximum(speed, 1e-6)
    across = along[:, ::-1] * np.array([-1.0, 1.0], np.float32)
    length = np.clip(speed * SPEED_GAIN, 3.0, 2.0 * spacing)
    barb = np.minimum(0.4 * length, 5.0)
    tail = starts - along * (length / 2)
    tip = starts + along * (length / 2)
    left = tip - along * barb + across * (barb * 0.6)
    right = tip - along * barb - across * (barb * 0.6)
    lines = np.stack([tail, tip, left, tip, right], axis=1) * (1 << _FIXED_POINT_BITS)
    fixed: np.ndarray = np.rint(lines).astype(np.int32)
    return fixed


def _hue_index(steps: np.ndarray) -> np.ndarray:
    """Number of the direction's colour, 0 to HUES - 1, for each of steps (n, 2)."""
    turn = np.arctan2(steps[:, 1], steps[:, 0]) / (2 * np.pi)
    index: np.ndarray = np.rint(turn * HUES).astype(int) % HUES
    return index


def _legend_wheel(canvas: np.ndarray, x: int) -> int:
    angles = np.arange(0, 2 * np.pi, 2 * np.pi / 16)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    centre = np.array([x + 18, LEGEND_HEIGHT / 2], np.float32)
    _draw_arrows(canvas, centre + directions * 11, directions * 2.5, 16)
    return write(canvas, "direction", (x + 42, 27)) + 14


def _legend_speed(canvas: np.ndarray, x: int) -> int:
    start = np.array([[x + 12, 22]], np.float32)
    _draw_arrows(canvas, start, np.array([[4.0, 0.0]], np.float32), 16)
    return write(canvas, "4 px/picture", (x + 26, 27)) + 14


def _legend_tint(canvas: np.ndarray, x: int) -> int:
    for value, name in ((0, "intra"), (4, "missing")):
        colour = np.array(dict(TINTS)[value])
        ground = np.array(CANVAS)
        canvas[16:28, x : x + 12] = ground + (colour - ground) * 0.8
        x = write(canvas, name, (x + 17, 27)) + 14
    return x


def _legend_heat(canvas: np.ndarray, x: int, full: int) -> int:
    heat = _coloured(np.tile(np.arange(0, 256, 4, dtype=np.uint8), (12, 1)))
    x = write(canvas, "residual 0", (x, 27)) + 6
    room = max(0, min(64, canvas.shape[1] - x))
    canvas[16:28, x : x + room] = heat[:, :room]
    return write(canvas, f"{full}+", (x + 70, 27)) + 14
