"""Draws examples/demo.mp4: a figure walks through a park, stops, and waves.

    python examples/draw_demo.py [out.mp4]

This program draws everything from a fixed seed, so the clip belongs to the project. The camera
follows the figure, and each layer of the park moves at its own speed, so that the motion can be
checked by eye. H.264 High with a pyramid of B pictures and a key picture every two seconds.
Needs NumPy, OpenCV and PyAV.
"""

import os
import sys
from fractions import Fraction

import av
import cv2
import numpy as np

WIDTH, HEIGHT = 340, 256
RATE, PICTURES, GOP = 25, 150, 50
FINE = 3  # drawn this many times larger, then averaged down
SEED = 2026
GROUND_Y = 196  # the figure's feet
ENCODER = {
    "preset": "slow",
    "profile": "high",
    "crf": "18",
    "x264-params": f"keyint={GOP}:min-keyint={GOP}:scenecut=0:bframes=3:b-pyramid=normal:threads=1",
}

SKIN, HAIR = (226, 172, 138), (58, 40, 32)
SHIRT, TROUSERS, SHOES = (214, 74, 58), (44, 62, 100), (236, 232, 224)


def smooth(value, start, end):
    """0 before start, 1 after end, with a smooth speed in between."""
    x = np.clip((value - start) / float(end - start), 0.0, 1.0)
    return x * x * (3 - 2 * x)


def noise(random, height, width, octaves):
    """Smooth noise around 0, float32 (height, width); octaves are cell sizes in pixels.

    Large cells weigh more, as in clouds, hills and grass.
    """
    total = np.zeros((height, width), np.float32)
    weights = np.sqrt(np.array(octaves, np.float64))
    for cell, weight in zip(octaves, weights / np.sqrt((weights**2).sum())):
        shape = (height // cell + 2, width // cell + 2)
        grid = random.normal(size=shape).astype(np.float32)
        total += weight * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    return total


# The park: layers from far to near, each an RGB picture, its coverage and its speed. ----


def sky(random, width):
    height = HEIGHT * FINE
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    picture = (1 - down) * np.array((96, 158, 222)) + down * np.array((250, 232, 206))
    # Drawn narrow and stretched, because clouds are flat.
    cloud = noise(random, height, width // 2, (130, 60, 28, 12))
    cloud = cv2.resize(cloud, (width, height), interpolation=cv2.INTER_CUBIC)[:, :, None]
    cover = 0.85 * np.clip(cloud * 0.8 - 0.15, 0, 1) * (1 - down * 1.7).clip(0, 1)
    return picture + (np.array((255, 252, 246)) - picture) * cover


def ridge(random, width, top, roughness, dark, light):
    """A chain of hills: RGB and coverage."""
    height = HEIGHT * FINE
    line = noise(random, 2, width, (420, 170, 60))[0] * 0.7
    edge = (top * FINE + line * roughness * FINE).astype(np.float32)
    rows = np.arange(height, dtype=np.float32)[:, None]
    cover = np.clip(rows - edge[None, :] + 0.5, 0, 1)
    shade = noise(random, height, width, (60, 22, 9))[:, :, None] * 0.6
    depth = np.clip((rows - edge[None, :]) / (60.0 * FINE), 0, 1)[:, :, None]
    mix = np.clip(0.35 + 0.35 * shade + 0.4 * depth, 0, 1)
    return np.array(dark) + (np.array(light) - np.array(dark)) * mix, cover


def trees(random, width):
    """Round trees in a row: RGB and coverage."""
    height = HEIGHT * FINE
    picture = np.zeros((height, width, 3), np.uint8)
    cover = np.zeros((height, width), np.uint8)
    x = 30
    while x < width - 30:
        base, tall = int(176 * FINE), int(random.integers(60, 104)) * FINE
        trunk = np.array([[x - 9, base], [x + 9, base], [x + 5, base - tall], [x - 5, base - tall]])
        for canvas, colour in ((picture, (86, 64, 48)), (cover, 255)):
            cv2.fillPoly(canvas, [trunk.astype(np.int32)], colour, cv2.LINE_AA)
        for _ in range(26):
            away = random.normal(size=2) * (13 * FINE, 12 * FINE)
            centre = (int(x + away[0]), int(base - tall + away[1]))
            radius = int(random.integers(7, 14)) * FINE
            light = random.uniform(0.55, 1.0) * (1.15 - 0.01 * (away[1] / FINE + 12))
            leaf = tuple(int(c) for c in np.clip(np.array((92, 142, 62)) * light, 0, 255))
            cv2.circle(picture, centre, radius, leaf, -1, cv2.LINE_AA)
            cv2.circle(cover, centre, radius, 255, -1, cv2.LINE_AA)
        x += int(random.integers(58, 120)) * FINE
    grain = noise(random, height, width, (14, 6, 3))[:, :, None] * 16
    return np.clip(picture + grain, 0, 255), cover / np.float32(255)


def ground(random, width):
    """A meadow with a path: RGB and coverage."""
    height = HEIGHT * FINE
    rows = np.arange(height, dtype=np.float32)[:, None] / FINE
    grass = noise(random, height, width, (90, 30, 10, 5))[:, :, None] * 0.55
    picture = np.array((98, 146, 68)) + grass * np.array((30, 36, 24))
    sand = noise(random, height, width, (40, 12, 5))[:, :, None] * 13 + np.array((214, 190, 150))
    wobble = noise(random, 2, width, (360, 150))[0][None, :] * 3
    path = np.clip(13 - np.abs(rows - GROUND_Y - 2 - wobble), 0, 1)[:, :, None]
    picture = picture + (sand - picture) * path
    for _ in range(width // 14):
        at = (int(random.integers(width)), int(random.integers(216, HEIGHT) * FINE))
        bloom = ((250, 240, 120), (250, 250, 250), (228, 120, 150))[random.integers(3)]
        cv2.circle(picture, at, int(random.integers(3, 6)), bloom, -1, cv2.LINE_AA)
    return picture, np.broadcast_to(np.clip(rows - 172, 0, 1), (height, width))


def park(random, travel):
    """Layers (RGB float32, coverage, speed) wide enough for a camera that travels this far (px)."""
    layers = []
    for speed, make in (
        (0.06, lambda width: (sky(random, width), 1.0)),
        (0.25, lambda width: ridge(random, width, 120, 16, (104, 136, 158), (150, 176, 178))),
        (0.45, lambda width: ridge(random, width, 150, 11, (74, 116, 84), (126, 160, 96))),
        (0.70, lambda width: trees(random, width)),
        (1.00, lambda width: ground(random, width)),
    ):
        picture, cover = make(int((WIDTH + travel * speed + 4) * FINE))
        cover = np.broadcast_to(np.asarray(cover, np.float32), picture.shape[:2])
        layers.append((picture.astype(np.float32), cover[:, :, None], speed))
    return layers


def view(layers, camera):
    """The park seen from camera (px from its left end), RGB float32 at FINE times the size."""
    seen = np.zeros((HEIGHT * FINE, WIDTH * FINE, 3), np.float32)
    for picture, cover, speed in layers:
        left = int(round(camera * speed * FINE))
        window = slice(left, left + WIDTH * FINE)
        seen += (picture[:, window] - seen) * cover[:, window]
    return seen


# The figure: angles in radians, 0 hangs down, positive swings forward (to the right). ---


def pose(time_s, stride):
    """Joint angles at a moment: a walk at this phase of the stride, blending into a wave."""
    waving = smooth(time_s, 2.9, 3.5)
    walk, swing = 1.0 - smooth(time_s, 2.5, 3.1), np.sin(stride)
    hand = 0.55 * np.sin(2 * np.pi * 1.7 * (time_s - 3.4))
    return {
        "thigh": (0.55 * swing * walk + 0.06 * waving, -0.55 * swing * walk - 0.06 * waving),
        "knee": (
            0.75 * walk * max(0.0, np.cos(stride)),
            0.75 * walk * max(0.0, -np.cos(stride)),
        ),
        "arm": (-0.5 * swing * walk + waving * 1.95, 0.5 * swing * walk - waving * 0.35),
        "elbow": (0.35 * walk + waving * (0.7 + hand), 0.35 * walk + waving * 1.25),
        "lean": 0.05 * walk,
        "bounce": 2.2 * walk * abs(np.cos(stride)) + 1.2 * waving * abs(hand),
    }


def reach(start, angle, length):
    return start + length * np.array((np.sin(angle), np.cos(angle)))


def limb(canvas, points, widths, colour):
    """A chain of rounded segments; widths in px of the final picture."""
    fixed = [tuple(int(round(v * FINE * 16)) for v in point) for point in points]
    for start, end, width in zip(fixed, fixed[1:], widths):
        cv2.line(canvas, start, end, colour, int(width * FINE), cv2.LINE_AA, 4)


def darker(colour, factor=0.72):
    return tuple(int(channel * factor) for channel in colour)


def figure(canvas, x, angles):
    """Draws the figure in place, with the centre of its feet at x."""
    centre = (int(x * FINE), int((GROUND_Y + 4) * FINE))
    shadow = canvas.copy()
    cv2.ellipse(shadow, centre, (30 * FINE, 5 * FINE), 0, 0, 360, (70, 70, 52), -1, cv2.LINE_AA)
    canvas += (shadow - canvas) * 0.45
    hip = np.array((x, GROUND_Y - 55.0 - angles["bounce"]))
    neck = reach(hip, np.pi - angles["lean"], 42)
    for side in (1, 0):  # the far side first
        shade = (lambda c: c) if side == 0 else darker
        leg(canvas, hip, angles["thigh"][side], angles["knee"][side], shade)
        if side == 1:
            arm(canvas, neck, angles["arm"][side], angles["elbow"][side], shade)
            torso(canvas, hip, neck)
    head(canvas, neck)
    arm(canvas, neck, angles["arm"][0], angles["elbow"][0], lambda c: c)


def leg(canvas, hip, thigh, knee, shade):
    joint = reach(hip, thigh, 27)
    ankle = reach(joint, thigh - knee, 26)
    limb(canvas, [hip, joint, ankle], [13, 10], shade(TROUSERS))
    limb(canvas, [ankle + (-2, 1), ankle + (8, 2)], [7], shade(SHOES))


def arm(canvas, neck, shoulder, elbow, shade):
    top = neck + (0, 5)
    joint = reach(top, shoulder, 21)
    wrist = reach(joint, shoulder + elbow, 19)
    limb(canvas, [top, joint], [9], shade(darker(SHIRT, 0.9)))
    limb(canvas, [joint, wrist], [7], shade(SKIN))
    limb(canvas, [wrist, reach(wrist, shoulder + elbow, 4)], [9], shade(SKIN))


def torso(canvas, hip, neck):
    limb(canvas, [hip + (0, -3), neck + (0, 7)], [21], SHIRT)
    limb(canvas, [hip + (-7, -20), hip + (8, -20)], [6], (236, 196, 92))
    limb(canvas, [hip + (0, 1), hip + (0, 2)], [19], TROUSERS)


def head(canvas, neck):
    limb(canvas, [neck, neck + (0, -8)], [8], darker(SKIN, 0.9))
    limb(canvas, [neck + (-1, -19), neck + (-1, -20)], [24], HAIR)
    limb(canvas, [neck + (1.5, -15), neck + (1.5, -17)], [19], SKIN)
    limb(canvas, [neck + (5, -18), neck + (5, -18.1)], [3], HAIR)


# The clip. ------------------------------------------------------------------------------


def pictures():
    """RGB uint8 pictures in display order."""
    times = np.arange(PICTURES) / float(RATE)
    speed = 1.9 * (1 - smooth(times, 2.4, 3.1))  # px per picture
    walked = np.concatenate([[0.0], np.cumsum(speed)[:-1]])
    layers = park(np.random.default_rng(SEED), walked[-1])
    for time_s, distance in zip(times, walked):
        canvas = view(layers, distance)
        figure(canvas, 150 + 14 * smooth(time_s, 0, 3), pose(time_s, distance / 17.6))
        yield np.rint(cv2.resize(canvas, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)).astype(
            np.uint8
        )


def write(path):
    with av.open(path, "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=RATE, options=ENCODER)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = Fraction(1, RATE)
        for index, picture in enumerate(pictures()):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


if __name__ == "__main__":
    default = os.path.join(os.path.dirname(os.path.abspath(__file__)), "demo.mp4")
    write(sys.argv[1] if len(sys.argv) > 1 else default)
