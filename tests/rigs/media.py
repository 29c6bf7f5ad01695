"""Test media: scenes drawn with NumPy and encoded through PyAV. No binary file is kept.

A clip is a list of pictures, a picture is the tuple (y, u, v) of uint8 planes, chroma at half the size.
"""

import functools
import hashlib
import json
import tempfile
from fractions import Fraction
from typing import NamedTuple, Tuple

import numpy as np


def _smooth_noise(random, height, width, cell):
    """Bilinear noise whose features are about `cell` samples wide, in -1..1."""
    coarse = random.uniform(-1, 1, (height // cell + 3, width // cell + 3))
    rows, columns = np.arange(height) / cell, np.arange(width) / cell
    r, c = rows.astype(int), columns.astype(int)
    fr, fc = (rows - r)[:, None], (columns - c)[None, :]
    upper = coarse[r][:, c] * (1 - fc) + coarse[r][:, c + 1] * fc
    lower = coarse[r + 1][:, c] * (1 - fc) + coarse[r + 1][:, c + 1] * fc
    return upper * (1 - fr) + lower * fr


def texture(height, width, seed=0):
    """A photograph, to an encoder: a gradient, noise of many scales, shapes with edges. float (H, W)."""
    random = np.random.RandomState(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    plane = 128 + 40 * (columns / width - 0.5) + 30 * (rows / height - 0.5)
    for cell, strength in ((32, 45), (16, 30), (8, 22), (4, 14), (2, 8)):
        plane += strength * _smooth_noise(random, height, width, cell)
    for _ in range(height * width // 900):
        y, x = random.randint(0, height), random.randint(0, width)
        radius, shade = random.randint(3, 12), random.uniform(-60, 60)
        if random.rand() < 0.5:
            plane[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] += shade
        else:
            plane[max(0, y - radius) : y + radius, max(0, x - 2 * radius) : x + 2 * radius] += shade
    return plane


def _picture(luma, cb, cr):
    """Planes of float samples at luma resolution to 8-bit 4:2:0."""

    def half(plane):
        return (plane[0::2, 0::2] + plane[1::2, 0::2] + plane[0::2, 1::2] + plane[1::2, 1::2]) / 4

    return tuple(
        np.clip(np.rint(plane), 0, 255).astype(np.uint8) for plane in (luma, half(cb), half(cr))
    )


def pan(width, height, pictures, velocity, seed=0):
    """The whole picture moves by `velocity` = (right, down) whole pixels a picture."""
    vx, vy = velocity
    room_x, room_y = abs(vx) * pictures, abs(vy) * pictures
    canvas = [texture(height + room_y, width + room_x, seed + k) for k in range(3)]
    clip = []
    for t in range(pictures):
        x = room_x - vx * t if vx > 0 else -vx * t
        y = room_y - vy * t if vy > 0 else -vy * t
        clip.append(_picture(*(plane[y : y + height, x : x + width] for plane in canvas)))
    return clip


def still(width, height, pictures, seed=0):
    """The same picture again and again."""
    return [_picture(*(texture(height, width, seed + k) for k in range(3)))] * pictures


def moving(width, height, pictures, seed=0):
    """A photograph that drifts, turns and zooms by fractions of a pixel, objects on their own ways, sensor noise."""
    random = np.random.RandomState(seed)
    extent = 2 * max(width, height)
    canvas = [texture(extent, extent, seed + k) for k in range(3)]
    ways = random.uniform(-3, 3, (4, 2))
    starts = random.uniform(0, 1, (4, 2)) * (width, height)
    rows, columns = np.mgrid[0:height, 0:width]
    clip = []
    for t in range(pictures):
        angle, zoom = 0.012 * t, 1 + 0.01 * np.sin(0.7 * t)
        x = extent / 4 + zoom * (np.cos(angle) * columns - np.sin(angle) * rows) + 1.3 * t
        y = extent / 4 + zoom * (np.sin(angle) * columns + np.cos(angle) * rows) + 0.6 * t
        planes = [_sample(plane, x, y) for plane in canvas]
        for (vx, vy), (x0, y0) in zip(ways, starts):
            disc = (columns - x0 - vx * t) ** 2 + (rows - y0 - vy * t) ** 2 < (
                min(width, height) / 6
            ) ** 2
            for k, plane in enumerate(planes):
                plane[disc] = _sample(
                    canvas[(k + 1) % 3], columns - vx * t + 40, rows - vy * t + 30
                )[disc]
        clip.append(_picture(*(plane + random.normal(0, 1.5, plane.shape) for plane in planes)))
    return clip


def _sample(plane, x, y):
    """Bilinear samples of a plane at real positions, mirrored at its end."""
    height, width = plane.shape
    x, y = np.abs(x) % (width - 1), np.abs(y) % (height - 1)
    c, r = x.astype(int), y.astype(int)
    fx, fy = x - c, y - r
    upper = plane[r, c] * (1 - fx) + plane[r, c + 1] * fx
    return upper * (1 - fy) + (plane[r + 1, c] * (1 - fx) + plane[r + 1, c + 1] * fx) * fy


def cuts(width, height, pictures, seed=0):
    """Scenes of a few pictures each, one after the other."""
    clip = []
    while len(clip) < pictures:
        clip += moving(width, height, 5, seed + 10 * len(clip))
    return clip[:pictures]


def fade(width, height, pictures, seed=0):
    """A moving scene that fades in and is overexposed at the end: weighted prediction has work to do."""
    clip = []
    for t, planes in enumerate(moving(width, height, pictures, seed)):
        gain = 0.25 + 1.0 * t / max(1, pictures - 1)
        targets = (16, 128, 128)
        clip.append(
            tuple(
                np.clip(target + gain * (plane.astype(float) - target), 0, 255).astype(np.uint8)
                for plane, target in zip(planes, targets)
            )
        )
    return clip


def noise(width, height, pictures, seed=0):
    """Every sample drawn anew: dense coefficients, escape codes, I_PCM."""
    random = np.random.RandomState(seed)
    sizes = ((height, width), (height // 2, width // 2), (height // 2, width // 2))
    return [
        tuple(random.randint(0, 256, size).astype(np.uint8) for size in sizes)
        for _ in range(pictures)
    ]


SCENES = {"moving": moving, "cuts": cuts, "fade": fade, "still": still, "noise": noise, "pan": pan}


class Clip(NamedTuple):
    """What to draw and how to encode it: the key of the cache. Sizes in pixels, velocity (pan) in pixels a picture."""

    scene: str = "moving"
    width: int = 96
    height: int = 80
    pictures: int = 12
    seed: int = 0
    velocity: Tuple[int, int] = (0, 0)
    codec: str = "libx264"
    container: str = "264"
    pix_fmt: str = "yuv420p"
    options: Tuple[Tuple[str, str], ...] = ()

    def draw(self):
        """The pictures of this clip."""
        arguments = [self.width, self.height, self.pictures]
        if self.scene == "pan":
            arguments.append(self.velocity)
        return SCENES[self.scene](*arguments, seed=self.seed)

    def name(self):
        """A file name that is unique to this clip."""
        key = hashlib.sha1(json.dumps(self).encode()).hexdigest()[:12]
        return f"{self.scene}-{key}.{self.container}"


HevcClip = functools.partial(Clip, codec="libx265", container="265")


def x264(**parameters):
    """Options of Clip for libx264, with underscores in its parameter names: x264(bframes=3, b_pyramid="strict")."""
    # One thread and no lookahead threads: the same stream on every machine.
    return _options(
        "x264-params", {"threads": 1, "lookahead_threads": 1, "sync_lookahead": 0}, parameters
    )


def x265(**parameters):
    """Options of HevcClip for libx265, as x264(). scaling_list="custom" stands for scaling_list_text()."""
    return _options(
        "x265-params", {"pools": 1, "frame_threads": 1, "log_level": "none"}, parameters
    )


def _options(key, defaults, parameters):
    rest = {
        name: str(parameters.pop(name))
        for name in ("preset", "profile", "tune", "crf", "qp")
        if name in parameters
    }
    rest.setdefault("preset", "fast")
    parameters = dict(defaults, **parameters)
    rest[key] = ":".join(
        "{}={}".format(name.replace("_", "-"), value) for name, value in sorted(parameters.items())
    )
    return tuple(sorted(rest.items()))


def scaling_list_text():
    """A file of scaling lists as x265 reads it: every size and kind has its own."""
    lines = []
    for size in (4, 8, 16, 32):
        for kind in ("INTRA", "INTER"):
            for plane in ("LUMA", "CHROMAU", "CHROMAV"):
                seed = len(lines)
                count = min(64, size * size)
                values = [8 + (7 * n + 13 * seed + n * n // size) % 60 for n in range(count)]
                name = f"{kind}{size}X{size}_{plane}"
                lines += [name, "".join(f"{value}," for value in values)]
                if size > 8:
                    lines += [name + "_DC", f"{12 + seed},"]
    return "\n".join(lines) + "\n"


_CONTAINERS = {"264": "h264", "265": "hevc", "mkv": "matroska", "ts": "mpegts"}


def encode(
    pictures, path, codec="libx264", options=(), container="264", pix_fmt="yuv420p", rate=25
):
    """Writes a clip. options: pairs of FFmpeg encoder options; rate: pictures per second."""
    import av

    height, width = pictures[0][0].shape
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as lists:
        lists.write(scaling_list_text())
        lists.flush()
        own = "scaling-list=" + lists.name
        options = {
            name: value.replace("scaling-list=custom", own) for name, value in dict(options).items()
        }
        with av.open(str(path), "w", format=_CONTAINERS.get(container, container)) as output:
            stream = output.add_stream(codec, rate=rate, options=options)
            stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
            stream.codec_context.time_base = Fraction(1, rate)
            for number, planes in enumerate(pictures):
                frame = _frame(planes, pix_fmt)
                frame.pts, frame.time_base = number, Fraction(1, rate)
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
    return path


_DRAWN = ("yuv420p", "yuv420p10le", "gray", "gray10le")  # the others are made of yuv420p


def _frame(planes, pix_fmt):
    import av

    drawn = pix_fmt if pix_fmt in _DRAWN else "yuv420p"
    height, width = planes[0].shape
    if drawn.startswith("gray"):
        planes = planes[:1]
    if drawn.endswith("10le"):
        planes = [_deepened(plane) for plane in planes]
    frame = av.VideoFrame(width, height, drawn)
    for target, plane in zip(frame.planes, planes):  # PyAV 10 takes no array of 10 bits
        rows = np.zeros((target.height, target.line_size), np.uint8)
        samples = np.ascontiguousarray(plane).view(np.uint8)
        rows[:, : samples.shape[1]] = samples
        target.update(rows)
    return frame if pix_fmt == drawn else frame.reformat(format=pix_fmt)


def _deepened(plane):
    """8 bits to 10: the two new bits are noise, the same for equal planes."""
    random = np.random.RandomState(int(plane.sum()))
    return plane.astype(np.uint16) * 4 + random.randint(0, 4, plane.shape).astype(np.uint16)


def frames_of(path, pictures, width=None, height=None):
    """(y, u, v) planes of the first pictures of a clip, cropped to even sizes or scaled."""
    import av

    frames = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if len(frames) == pictures:
                break
            size = [extent // 2 * 2 for extent in (width or frame.width, height or frame.height)]
            frame = frame.reformat(*size, format="yuv420p")
            packed = frame.to_ndarray()
            y, rest = packed[: size[1]], packed[size[1] :].reshape(2, size[1] // 2, size[0] // 2)
            frames.append((y, rest[0], rest[1]))
    return frames


class Cache:
    """Clips encoded once per session under one folder."""

    def __init__(self, folder):
        self._folder = folder

    def path(self, clip):
        """The file of this clip, encoded on first use."""
        path = self._folder / clip.name()
        if not path.exists():
            part = path.with_suffix(".part")
            encode(clip.draw(), part, clip.codec, clip.options, clip.container, clip.pix_fmt)
            part.rename(path)
        return path
