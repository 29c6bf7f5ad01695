"""Textures that repeat without a seam, with noise as natural surfaces have it (see backgrounds)."""

from __future__ import annotations

from typing import Callable, Dict

import cv2
import numpy as np

SIZE = 128  # pixels of a side, twice that of a facade

Texture = Callable[[np.random.Generator], np.ndarray]


def noise(random: np.random.Generator, power: float = 1.0) -> np.ndarray:
    """Noise with amplitude 1/f**power, standard deviation 1: float32 (SIZE, SIZE)."""
    spectrum = np.fft.rfft2(random.standard_normal((SIZE, SIZE), np.float32))
    frequency = np.hypot(np.fft.fftfreq(SIZE)[:, None], np.fft.rfftfreq(SIZE)[None, :])
    frequency[0, 0] = np.inf
    field = np.fft.irfft2(spectrum / frequency**power, (SIZE, SIZE)).astype(np.float32)
    return np.asarray(field / field.std())


def asphalt(random: np.random.Generator) -> np.ndarray:
    """Dark grey with grit and stains."""
    level = random.uniform(55, 120)
    return _painted(_grey(random, level), 7 * noise(random) + 7 * noise(random, 0.2))


def concrete(random: np.random.Generator) -> np.ndarray:
    """Light grey with clouds."""
    return _painted(_grey(random, random.uniform(110, 200)), random.uniform(4, 14) * noise(random))


def plaster(random: np.random.Generator) -> np.ndarray:
    """A painted wall."""
    tint = random.uniform(0.88, 1.08, 3)
    paint = np.clip(random.uniform(110, 215) * tint, 20, 245)
    return _painted(paint, random.uniform(2, 8) * noise(random))


def paving(random: np.random.Generator) -> np.ndarray:
    """Slabs with joints."""
    count = int(random.integers(2, 7))
    shades = random.normal(0, 7, (count, count)).astype(np.float32)
    field = cv2.resize(shades, (SIZE, SIZE), interpolation=cv2.INTER_NEAREST) + 6 * noise(random)
    step = np.arange(SIZE) * count % SIZE < count * random.uniform(2, 4)
    field[step] -= random.uniform(15, 40)
    field[:, step] -= random.uniform(15, 40)
    return _painted(_grey(random, random.uniform(90, 190)), field)


def bricks(random: np.random.Generator) -> np.ndarray:
    """A brick wall; every second course is displaced by half a brick."""
    rows, columns = 16, 4
    field = 5 * noise(random)
    joint = int(random.integers(2, 4))
    for row in range(rows):
        top, bottom = row * SIZE // rows, (row + 1) * SIZE // rows
        offset = (row % 2) * SIZE // columns // 2
        for column in range(columns):
            left = (column * SIZE // columns + offset) % SIZE
            span = (np.arange(SIZE // columns) + left) % SIZE
            field[top:bottom, span] += random.normal(0, 8)
            field[top:bottom, span[:joint]] += 35
        field[top : top + joint] += 35
    red = np.array((150, 90, 70), np.float32) * random.uniform(0.6, 1.3)
    return _painted(red, field)


def grass(random: np.random.Generator) -> np.ndarray:
    """Grass, dry or fresh."""
    green = np.array((95, 120, 60), np.float32) + random.normal(0, 14, 3)
    return _painted(green * random.uniform(0.6, 1.2), 12 * noise(random) + 14 * noise(random, 0.4))


def leaves(random: np.random.Generator) -> np.ndarray:
    """A hedge or a crown."""
    green = np.array((70, 95, 50), np.float32) + random.normal(0, 12, 3)
    return _painted(green * random.uniform(0.6, 1.2), 26 * noise(random, 0.7))


def boards(random: np.random.Generator) -> np.ndarray:
    """Wood: a floor, a fence, a bench."""
    count = int(random.integers(3, 9))
    field = np.asarray(10 * cv2.blur(noise(random, 0.5), (1, 31)), np.float32)
    for board in range(count):
        left, right = board * SIZE // count, (board + 1) * SIZE // count
        field[:, left:right] += np.float32(random.normal(0, 9))
        field[:, left : left + 2] -= 35
    wood = np.array((150, 112, 76), np.float32) * random.uniform(0.5, 1.25)
    return _painted(wood, field)


def metal(random: np.random.Generator) -> np.ndarray:
    """Painted sheet metal, ribbed or smooth: containers, cars, bins."""
    paint = np.clip(random.uniform(50, 190) * random.uniform(0.75, 1.2, 3), 15, 240)
    field = 3 * noise(random)
    if random.random() < 0.5:
        ribs = int(random.integers(6, 16))
        field += random.uniform(8, 22) * np.sign(np.sin(np.arange(SIZE) * 2 * np.pi * ribs / SIZE))
    return _painted(paint, field.astype(np.float32))


def facade(random: np.random.Generator) -> np.ndarray:
    """A wall with windows, some of them lit."""
    wall = (plaster, bricks, concrete)[random.integers(3)](random)
    wall = np.tile(wall, (2, 2, 1))
    size = len(wall)
    rows, columns = int(random.integers(2, 5)), int(random.integers(2, 6))
    high, wide = size // rows, size // columns
    glass = np.array((60, 70, 85)) * random.uniform(0.5, 1.6)
    frame = np.minimum(wall.mean(axis=(0, 1)) * random.uniform(0.5, 1.5), 250)
    tall, broad = random.uniform(0.4, 0.75), random.uniform(0.35, 0.7)
    for row in range(rows):
        for column in range(columns):
            top, left = int(row * high + high * 0.15), int(column * wide + wide * 0.2)
            bottom, right = top + int(high * tall), left + int(wide * broad)
            wall[top:bottom, left:right] = frame
            shade = glass * random.uniform(0.5, 1.5) + (random.random() < 0.1) * 90
            wall[top + 3 : bottom - 3, left + 3 : right - 3] = np.clip(shade, 0, 250)
            wall[top:bottom, (left + right) // 2 - 1 : (left + right) // 2 + 1] = frame
    return wall


GROUNDS: Dict[str, Texture] = {
    "asphalt": asphalt,
    "paving": paving,
    "grass": grass,
    "concrete": concrete,
}
FLOORS: Dict[str, Texture] = {"boards": boards, "paving": paving, "concrete": concrete}
WALLS: Dict[str, Texture] = {
    "facade": facade,
    "bricks": bricks,
    "plaster": plaster,
    "metal": metal,
    "leaves": leaves,
}


def _grey(random: np.random.Generator, level: float) -> np.ndarray:
    return np.asarray(level * random.uniform(0.93, 1.07, 3), np.float32)


def _painted(paint: np.ndarray, field: np.ndarray) -> np.ndarray:
    shade = paint[None, None, :] * (1 + field[:, :, None] / 128)
    return np.asarray(np.clip(shade, 0, 255), np.uint8)
