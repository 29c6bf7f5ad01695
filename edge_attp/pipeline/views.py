"""What the networks are shown of a picture: all of it, or windows around what moves, in the engine's buffers.

Belongs to the reading thread. Knows nothing of results.
"""

import math
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from edge_attp.bitstream import CompressedVideo, Picture
from edge_attp.bitstream.source import ASSUMED_RATE
from edge_attp.engine import Buffers, InputSpec
from edge_attp.engine.pack import ENERGY, in_steps
from edge_attp.errors import UnsupportedStream
from edge_attp.log import logger
from edge_attp.pipeline.networks import Pool
from edge_attp.recognition import GopState
from edge_attp.regions import LEAST_PX, RegionFinder, widened
from edge_attp.tensors import (
    MotionMemory,
    fill_energy,
    fill_flow,
    fill_memory,
    fill_residual,
    fill_rgb,
)
from edge_attp.timing import Clock
from edge_attp.types import Region

__all__ = [
    "InputFiller",
    "KeyPicture",
    "MotionViews",
    "RegionViews",
    "View",
    "Viewer",
    "WholeViews",
]

# How often a region's appearance is computed again in a GOP because its window has changed; then it stays.
MOST_AGAIN = 3
FULL_DENSITY = 0.1  # of activity in a box; what walks past a camera has 0.1 to 0.5
FORGET_S = 1.0  # a region that was away for longer counts as new


class View(NamedTuple):
    """Network inputs cut out of one picture. region: None is the whole picture. state: of its appearance; the thread of
    the networks fills it. appearance: filled buffers of appearance.onnx where that is to run. motion: filled buffers of
    motion.onnx where the picture is to be scored. logits: scores that need no network, (classes,)."""

    region: Optional[Region]
    state: GopState
    appearance: Optional[Buffers]
    motion: Optional[Buffers]
    logits: Optional[np.ndarray] = None


class KeyPicture:
    """A key picture, decoded when it is first looked at. decode: raises ValueError if it cannot be."""

    def __init__(self, decode: Callable[[Picture], np.ndarray], picture: Picture, clock: Clock):
        self._decode = decode
        self._picture: Optional[Picture] = picture
        self._clock = clock
        self._rgb: Optional[np.ndarray] = None

    def rgb(self) -> Optional[np.ndarray]:
        """RGB uint8 (height, width, 3), None if it cannot be decoded."""
        picture, self._picture = self._picture, None
        if picture is not None:
            try:
                with self._clock.stage("decode_key"):
                    self._rgb = self._decode(picture)
            except ValueError as error:  # CorruptStream, or bytes that are mixed with a neighbour's
                logger.warning("key picture %d is not used: %s", picture.decode_index, error)
        return self._rgb


class _Planes(NamedTuple):
    """A part of a residual."""

    y: np.ndarray
    u: np.ndarray
    v: np.ndarray


class InputFiller:
    """Cuts network inputs out of pictures, into buffers of the pools. region: None is the whole picture.
    has_appearance: a network looks at key pictures."""

    def __init__(
        self, spec: InputSpec, pools: Dict[str, Pool], clock: Clock, bit_depth: int
    ) -> None:
        self._spec = spec
        self._pools = pools
        self._clock = clock
        self._bit_depth = bit_depth
        self.has_appearance = "appearance" in pools
        self._memory = MotionMemory(spec.memory, spec.speed_memory) if spec.memory else None

    def add_picture(self, picture: Picture) -> None:
        """Takes every picture in decoding order, for what is a mean over pictures."""
        if self._memory is None or picture.is_random_access:
            return
        assert picture.residual is not None
        with self._clock.stage("tensors"):
            flow = picture.motion.flow()
            self._memory.add_picture(flow, picture.residual.y, self._bit_depth)

    def seen(self, region: Region, shape: Tuple[int, int]) -> Region:
        """The region with the window that the networks see. shape: (height, width) of the picture."""
        spec = self._spec
        return widened(region, spec.region_scale, spec.region_least, shape)

    def fill_appearance(self, rgb: np.ndarray, region: Optional[Region]) -> Buffers:
        """Filled buffers of appearance.onnx."""
        buffers, spec = self._pools["appearance"].take_buffers(), self._spec
        with self._clock.stage("tensors"):
            part = rgb[_window(region, 1)]
            fill_rgb(part, buffers.inputs["rgb"][0], spec.resize, spec.rgb.mean, spec.rgb.std)
        return buffers

    def fill_motion(self, picture: Picture, regions: Sequence[Optional[Region]]) -> List[Buffers]:
        """Filled buffers of motion.onnx for each of these regions."""
        taken = [self._pools["motion"].take_buffers() for _ in regions]
        with self._clock.stage("tensors"):
            planes = picture.motion.flow() if self._memory is None else self._memory.planes
            for buffers, region in zip(taken, regions):
                part = planes[(slice(None), *_window(region, 4))]
                flow, residual = (buffers.inputs[name][0] for name in ("flow", "residual"))
                if self._memory is None:
                    self._fill_flow(picture, part, region, flow)
                    self._fill_residual(picture, region, residual)
                else:
                    self._fill_means(picture, part, region, flow, residual)
        return taken

    def _fill_flow(
        self, picture: Picture, part: np.ndarray, region: Optional[Region], out: np.ndarray
    ) -> None:
        spec = self._spec
        grid = in_steps(spec.resize, spec.flow_step)
        fill_flow(part, _size(picture, region), out, grid, spec.flow_scale * spec.flow_step)

    def _fill_means(
        self,
        picture: Picture,
        part: np.ndarray,
        region: Optional[Region],
        flow: np.ndarray,
        energy: np.ndarray,
    ) -> None:
        spec, size = self._spec, _size(picture, region)
        (mean,), (std,) = spec.residual
        grid, scale = in_steps(spec.resize, spec.flow_step), spec.flow_scale * spec.flow_step
        fill_memory(part, size, flow, energy, grid, scale, mean, std)

    def _fill_residual(self, picture: Picture, region: Optional[Region], out: np.ndarray) -> None:
        spec, residual = self._spec, picture.residual
        assert residual is not None
        luma, chroma = _window(region, 1), _window(region, 2)
        mean, std = spec.residual
        grid = in_steps(spec.resize, spec.residual_step)
        if spec.residual_kind == ENERGY:
            fill_energy(residual.y[luma], out, grid, mean[0], std[0], self._bit_depth)
            return
        planes = _Planes(residual.y[luma], residual.u[chroma], residual.v[chroma])
        fill_residual(planes, out, grid, mean, std, self._bit_depth)


def _size(picture: Picture, region: Optional[Region]) -> Tuple[int, int]:
    """Width and height of what is seen, in luma samples."""
    if region is not None:
        return region.side_px, region.side_px
    height, width = picture.shape
    return width, height


def _window(region: Optional[Region], sample_px: int) -> Tuple[slice, slice]:
    """Rows and columns of a region in an array whose samples are sample_px luma samples wide."""
    if region is None:
        return slice(None), slice(None)
    x, y, side = (value // sample_px for value in (region.x_px, region.y_px, region.side_px))
    return slice(y, y + side), slice(x, x + side)


class Viewer:
    """Decides what the networks are shown. For each picture, in decoding order: add_key() if it is a key picture,
    add_picture(), then cut_views(). needs_key: no picture can be scored before the first GOP has begun."""

    needs_key = True

    @property
    def is_idle(self) -> bool:
        """Whether nothing moves in the newest picture."""
        return False

    def add_key(self, key: KeyPicture) -> bool:
        """Takes a key picture; returns whether it begins a GOP."""
        raise NotImplementedError

    def add_picture(self, picture: Picture) -> None:
        """Takes every picture, whether it is to be scored or not."""

    def cut_views(self, picture: Picture, gop: int, is_wanted: bool) -> Tuple[View, ...]:
        """The inputs of this picture. gop: its number. is_wanted: it is to be scored."""
        raise NotImplementedError


class WholeViews(Viewer):
    """One view of the whole picture. wait: see GopState."""

    def __init__(self, filler: InputFiller, wait: bool) -> None:
        self._filler = filler
        self.needs_key = filler.has_appearance
        self._state = GopState(wait)
        self._rgb: Optional[np.ndarray] = None  # of a key picture, until it is filled in

    def add_key(self, key: KeyPicture) -> bool:
        if not self._filler.has_appearance:
            return True
        self._rgb = key.rgb()
        return self._rgb is not None

    def add_picture(self, picture: Picture) -> None:
        self._filler.add_picture(picture)

    def cut_views(self, picture: Picture, gop: int, is_wanted: bool) -> Tuple[View, ...]:
        rgb, self._rgb = self._rgb, None
        appearance = None if rgb is None else self._filler.fill_appearance(rgb, None)
        motion = self._filler.fill_motion(picture, (None,))[0] if is_wanted else None
        if appearance is None and motion is None:
            return ()
        return (View(None, self._state, appearance, motion),)


class _Followed:
    """A region that was viewed. last: decode_index of the newest picture that shows it."""

    def __init__(self, decode_index: int) -> None:
        self.state = GopState(wait=False)
        self.last = decode_index
        self._gop = -1
        self._window: Tuple[int, ...] = ()  # that its appearance is of
        self._again = 0  # times that was computed again in this GOP

    def needs_appearance(self, region: Region, gop: int) -> bool:
        """Whether its appearance is to be computed; if so, counts that as done."""
        window, is_new = (region.x_px, region.y_px, region.side_px), gop != self._gop
        if not is_new and (window == self._window or self._again >= MOST_AGAIN):
            return False
        self._again = 0 if is_new else self._again + 1
        self._gop, self._window = gop, window
        return True


class FoundRegions(Viewer):
    """Keeps the regions in which something moves, up to `most`."""

    needs_key = False

    def __init__(self, video: CompressedVideo, most: int, clock: Clock) -> None:
        self._clock = clock
        self._most = most
        self._bit_depth = video.bit_depth
        self._rate = float(video.frame_rate or ASSUMED_RATE)
        self._regions: Tuple[Region, ...] = ()
        self._shape = (0, 0)
        self._finder: Optional[RegionFinder] = None

    @property
    def is_idle(self) -> bool:
        return not self._regions

    def add_key(self, key: KeyPicture) -> bool:
        return True

    def add_picture(self, picture: Picture) -> None:
        with self._clock.stage("regions"):
            if self._finder is None or picture.shape != self._shape:
                self._finder = self._new_finder(picture.shape)
            self._regions = self._finder.add_picture(picture).regions

    def _new_finder(self, shape: Tuple[int, int]) -> RegionFinder:
        """A finder for the size that pictures have from now on; regions are numbered anew."""
        height, width = shape
        if min(height, width) < LEAST_PX:
            raise UnsupportedStream(
                f"regions need pictures of at least {LEAST_PX}x{LEAST_PX}, these have {width}x{height}: "
                "use --regions off"
            )
        self._shape = shape
        return RegionFinder(width, height, self._bit_depth, self._rate, max_regions=self._most)


class MotionViews(FoundRegions):
    """The regions themselves, each with one logit: sigmoid(logit) = 1 - exp(-d / FULL_DENSITY), where d is the mean
    activity in the box of the region, 0 to about 1."""

    def cut_views(self, picture: Picture, gop: int, is_wanted: bool) -> Tuple[View, ...]:
        regions = self._regions if is_wanted else ()
        return tuple(View(r, GopState(), None, None, self._logits(r)) for r in regions)

    def _logits(self, region: Region) -> np.ndarray:
        height, width = self._shape
        left, top, right, bottom = region.box
        density = region.activity * height * width / max((right - left) * (bottom - top), 1)
        ratio = min(max(density / FULL_DENSITY, 1e-5), 20.0)  # what lies beyond rounds to 0 or 1
        return np.array([math.log(math.expm1(ratio))], np.float32)


class RegionViews(FoundRegions):
    """A view of each region in which something moves, up to `most`; none, and is_idle, where nothing does.

    A region's appearance comes from the newest key picture before it that can be decoded, and is computed with
    the first picture of a GOP that shows the region: a key picture that shows nothing that moves is not even
    decoded. It is computed again where the window changes, MOST_AGAIN times a GOP. A region never waits for the
    next key picture, as its first GOP would as a whole picture: it may not be there any more. Where no network looks
    at key pictures, none is decoded.
    """

    def __init__(
        self, filler: InputFiller, video: CompressedVideo, most: int, clock: Clock
    ) -> None:
        super().__init__(video, most, clock)
        self._filler = filler
        self.needs_key = filler.has_appearance
        self._kept_pictures = FORGET_S * self._rate
        self._key: Optional[KeyPicture] = None
        self._rgb: Optional[np.ndarray] = None
        self._followed: Dict[int, _Followed] = {}

    def add_key(self, key: KeyPicture) -> bool:
        if self._filler.has_appearance:
            self._key = key
        return True

    def add_picture(self, picture: Picture) -> None:
        super().add_picture(picture)
        self._filler.add_picture(picture)
        self._regions = tuple(self._filler.seen(one, self._shape) for one in self._regions)
        self._forget_before(picture.decode_index - self._kept_pictures)
        for region in self._regions:
            if region.id in self._followed:
                self._followed[region.id].last = picture.decode_index

    def _new_finder(self, shape: Tuple[int, int]) -> RegionFinder:
        self._followed.clear()
        return super()._new_finder(shape)

    def cut_views(self, picture: Picture, gop: int, is_wanted: bool) -> Tuple[View, ...]:
        if not (is_wanted and self._regions):
            return ()
        rgb = self._key_rgb()
        if rgb is None and self.needs_key:
            return ()
        views = []
        for region, motion in zip(self._regions, self._filler.fill_motion(picture, self._regions)):
            followed = self._followed.setdefault(region.id, _Followed(picture.decode_index))
            appearance = None
            if rgb is not None and followed.needs_appearance(region, gop):
                appearance = self._filler.fill_appearance(rgb, region)
            views.append(View(region, followed.state, appearance, motion))
        return tuple(views)

    def _forget_before(self, decode_index: float) -> None:
        for number in [n for n, seen in self._followed.items() if seen.last < decode_index]:
            del self._followed[number]

    def _key_rgb(self) -> Optional[np.ndarray]:
        key, self._key = self._key, None
        rgb = None if key is None else key.rgb()
        if rgb is not None:
            self._rgb = rgb
        return self._rgb
