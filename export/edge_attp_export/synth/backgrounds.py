"""Backgrounds: random landscapes, streets and rooms, or the user's own photographs.

Drawn backgrounds have noise whose power falls with the square of the frequency, as in photographs
(Field, 1987), so that a motion search behaves as on real pictures.
"""

from __future__ import annotations

import functools
from pathlib import Path

import cv2
import numpy as np

from edge_attp.errors import UsageError

from .attributes import stream
from .camera import HEIGHT, MARGIN_X, MARGIN_Y, WIDTH
from .pen import FINE

WORLD = (WIDTH + 2 * MARGIN_X, HEIGHT + 2 * MARGIN_Y)  # width, height; pixels of the final picture
COLUMNS, ROWS = WORLD[0] * FINE, WORLD[1] * FINE


def drawn(scenery: str, seed: int) -> np.ndarray:
    """Draw a landscape, street or room: RGB uint8 (ROWS, COLUMNS, 3)."""
    random = stream(seed, "background")
    picture: np.ndarray = {"landscape": _landscape, "street": _street, "room": _room}[scenery](
        random
    )
    picture += (random.uniform(8, 16) * _natural(random))[:, :, None]
    return np.asarray(np.clip(picture, 0, 255), np.uint8)


def photograph(path: Path, seed: int) -> np.ndarray:
    """Cut a part of the photograph, mirrored at random: RGB uint8 (ROWS, COLUMNS, 3)."""
    random = stream(seed, "background")
    whole = _read(path)
    height, width = whole.shape[:2]
    if width < WIDTH or height < HEIGHT:
        raise UsageError(f"{path}: is {width} x {height}, smaller than {WIDTH} x {HEIGHT}")
    largest = min(width / COLUMNS, height / ROWS)
    part = largest * random.uniform(0.7, 1.0)
    columns, rows = max(int(COLUMNS * part), 1), max(int(ROWS * part), 1)
    left, top = (int(random.integers(room + 1)) for room in (width - columns, height - rows))
    cut = whole[top : top + rows, left : left + columns]
    how = cv2.INTER_AREA if part > 1 else cv2.INTER_CUBIC
    cut = cv2.resize(cut, (COLUMNS, ROWS), interpolation=how)
    return np.ascontiguousarray(cut[:, ::-1] if random.integers(2) else cut)


@functools.lru_cache(maxsize=4)
def _read(path: Path) -> np.ndarray:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise UsageError(f"{path}: cannot be read as a picture; remove it from the folder")
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))


def _natural(random: np.random.Generator) -> np.ndarray:
    """Noise with amplitude 1/f, standard deviation 1: float32 (ROWS, COLUMNS)."""
    # One octave short of the finest detail, because the fine canvas is averaged down anyway.
    rows, columns = ROWS // 2, COLUMNS // 2
    spectrum = np.fft.rfft2(random.standard_normal((rows, columns), np.float32))
    frequency = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None, :])
    frequency[0, 0] = np.inf
    noise = np.fft.irfft2(spectrum / frequency, (rows, columns)).astype(np.float32)
    noise /= noise.std()
    return np.asarray(cv2.resize(noise, (COLUMNS, ROWS), interpolation=cv2.INTER_CUBIC))


def _line(random: np.random.Generator, cell: int) -> np.ndarray:
    """A smooth line with features of `cell` samples and an amplitude of about 1: float32 (COLUMNS,)."""
    knots = random.standard_normal((1, COLUMNS // cell + 3)).astype(np.float32)
    return np.asarray(cv2.resize(knots, (COLUMNS, 1), interpolation=cv2.INTER_CUBIC)[0])


def _shade(random: np.random.Generator, low: float, high: float, grey: float = 0.6) -> np.ndarray:
    """A colour between these levels; with `grey` 1 it has no hue."""
    level = random.uniform(low, high)
    return np.asarray(level * (grey + (1 - grey) * random.uniform(0.5, 1.5, 3)), dtype=np.float32)


def _rows() -> np.ndarray:
    """0 at the top of the world, 1 at its bottom: float32 (ROWS, 1, 1)."""
    down: np.ndarray = np.linspace(0, 1, ROWS, dtype=np.float32)
    return np.asarray(down[:, None, None])


def _landscape(random: np.random.Generator) -> np.ndarray:
    down = _rows()
    sky = _shade(random, 150, 215, 0.7) * np.array([0.8, 1.0, 1.25], np.float32)
    picture = sky * (1 - 0.6 * down) + np.array([240, 232, 222], np.float32) * 0.6 * down
    texture = _natural(random)[:, :, None]
    clouds = np.clip(texture[::-1] * 0.5, 0, 1) * (1 - down)
    picture = picture + (250 - picture) * clouds
    horizon = random.uniform(0.42, 0.6)
    # Grass, earth, sand, snow.
    land = np.array(((96, 128, 62), (128, 100, 74), (190, 168, 124), (206, 212, 222)), np.float32)
    land = land[random.integers(4)] * np.float32(random.uniform(0.7, 1.1))
    for depth in (0.0, 0.5, 1.0):
        rough = _line(random, 200) * 26 + _line(random, 45) * 9 + _line(random, 12) * 3
        edge = (horizon + 0.09 * depth) * ROWS + rough * (1.2 - 0.8 * depth)
        cover = np.clip(down * ROWS - edge[None, :, None], 0, 1)
        haze = land + (sky - land) * 0.55 * (1 - depth)
        picture = picture + (haze * (1 + 0.16 * texture) - picture) * cover
        texture = texture[:, ::-1]
    return np.asarray(picture)


def _street(random: np.random.Generator) -> np.ndarray:
    picture = np.empty((ROWS, COLUMNS, 3), np.float32)
    picture[:] = _shade(random, 150, 220, 0.8)
    kerb = int(ROWS * random.uniform(0.62, 0.7))
    left = 0
    while left < COLUMNS:
        wide, top = int(random.integers(160, 340)), int(random.integers(0, 180))
        wall = _shade(random, 70, 200)
        picture[top:kerb, left : left + wide] = wall
        _windows(random, picture[top:kerb, left : left + wide], wall)
        left += wide
    stone = _shade(random, 90, 160, 0.9)
    picture[kerb:] = stone
    for row in np.cumsum(np.arange(8, 60, 7)):  # joints of the pavement, wider when nearer
        picture[kerb + row : kerb + row + 3] = stone * 0.75
    picture[kerb - 8 : kerb] = stone * 0.6
    return picture


def _windows(random: np.random.Generator, wall: np.ndarray, paint: np.ndarray) -> None:
    step_x, step_y = int(random.integers(44, 80)), int(random.integers(56, 96))
    glass, frame = _shade(random, 30, 120, 0.8), np.minimum(paint * 1.3, 255)
    for top in range(step_y // 3, wall.shape[0] - step_y // 2, step_y):
        for left in range(step_x // 4, wall.shape[1] - step_x // 2, step_x):
            bottom, right = top + int(step_y * 0.55), left + int(step_x * 0.6)
            wall[top:bottom, left:right] = frame
            light = random.uniform(0.6, 1.5)
            wall[top + 4 : bottom - 4, left + 4 : right - 4] = np.minimum(glass * light, 255)
            wall[top:bottom, (left + right) // 2 - 2 : (left + right) // 2 + 2] = frame


def _room(random: np.random.Generator) -> np.ndarray:
    picture = np.empty((ROWS, COLUMNS, 3), np.float32)
    wall = _shade(random, 110, 220)
    picture[:] = wall
    step = int(random.integers(24, 70))
    for left in range(0, COLUMNS, step):  # wallpaper
        picture[:, left : left + step // 3] = wall * random.uniform(0.86, 0.94)
    floor = int(ROWS * random.uniform(0.64, 0.72))
    texture = _natural(random)[:, :, None]
    for _ in range(int(random.integers(3, 7))):  # pictures, windows, shelves
        wide, tall = (int(random.integers(60, 200)) for _ in range(2))
        left, top = int(random.integers(COLUMNS - wide)), int(random.integers(floor - tall - 20))
        picture[top : top + tall, left : left + wide] = _shade(random, 40, 160)
        inside = picture[top + 8 : top + tall - 8, left + 8 : left + wide - 8]
        inside[:] = _shade(random, 60, 230)
        inside += 40 * texture[top : top + inside.shape[0], left : left + inside.shape[1]]
    wood = _shade(random, 60, 160)
    picture[floor:] = wood
    canvas, far = picture, COLUMNS / 2.0
    for board in range(-30, 31):  # boards that run to the far end
        ends = (int(far + board * 34), floor), (int(far + board * 96), ROWS)
        cv2.line(canvas, ends[0], ends[1], tuple(float(c) * 0.72 for c in wood), 2, cv2.LINE_AA)
    picture[floor - 14 : floor] = np.minimum(wall * 1.2, 250)
    return picture
