"""Batches of network inputs from the cache, made by the same code as `edge_attp.tensors`."""

from __future__ import annotations

from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple, Union

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from edge_attp.engine.pack import ENERGY, REGION, WHOLE, InputSpec
from edge_attp.errors import UsageError
from edge_attp.regions import enlarged_square

from ..attp import Inputs, Maps
from ..network_inputs import energy_input, flow_input, memory_inputs, residual_input, rgb_input
from .cache import Clip
from .crops import (
    Jitter,
    Window,
    cut_flow,
    cut_luma,
    cut_residual,
    cut_rgb,
    draw_around,
    draw_window,
)
from .memory import memory_planes
from .prepared import ClipEntry, Prepared
from .sampling import View, candidates, draw, evenly
from .windows import Square, middle

Key = Tuple[int, int]  # epoch, number of the clip


class Needs(NamedTuple):
    """The parts of a sample to read: `inputs` are fields of Inputs. flow: "vectors" or "optical"."""

    inputs: Tuple[str, ...]
    flow: str = "vectors"
    optical_flow: bool = False


class Batch(NamedTuple):
    """Samples of several clips in order: pictures, or their feature maps.

    clips, gops: where each sample comes from, int64 (N). labels: class numbers, int64 (N).
    """

    inputs: Union[Inputs, Maps]
    optical_flow: Optional[torch.Tensor]
    labels: torch.Tensor
    clips: torch.Tensor
    gops: torch.Tensor

    @property
    def pictures(self) -> Inputs:
        assert isinstance(self.inputs, Inputs)
        return self.inputs

    @property
    def maps(self) -> Maps:
        assert isinstance(self.inputs, dict)
        return self.inputs

    @property
    def origin(self) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return self.labels, self.clips, self.gops

    def to(self, device: torch.device) -> Batch:
        """Copy to a device, with pictures in the memory layout that suits convolutions."""
        if isinstance(self.inputs, dict):
            inputs: Union[Inputs, Maps] = {name: x.to(device) for name, x in self.inputs.items()}
        else:
            inputs = Inputs(*(_moved(tensor, device) for tensor in self.inputs))
        origin = (tensor.to(device) for tensor in self.origin)
        return Batch(inputs, _moved(self.optical_flow, device), *origin)


class Sampling(NamedTuple):
    """Which pictures are used, and what of them. segments, scales, shift and flip are for training, gops and
    pictures (0: all) for evaluation. view: "whole", or "region" for the square that moves. mirrored: every sample
    of an evaluation."""

    frame_types: str = "I+P+B"
    b_frames: str = "correct"
    segments: int = 3
    scales: Sequence[float] = (1.0,)
    flip: bool = False
    gops: int = 0
    pictures: int = 0
    view: str = WHOLE
    shift: float = 0.0
    mirrored: bool = False


class ClipSamples(Dataset[Batch]):
    """Batches of one clip each. A Key gives the same samples on every machine and in every worker.

    `training` draws at random; otherwise pictures are evenly spread and crops are the pack's centre
    crop. Raises UsageError if no clip has a picture of the requested types.
    """

    def __init__(
        self,
        prepared: Prepared,
        entries: Sequence[ClipEntry],
        spec: InputSpec,
        needs: Needs,
        sampling: Sampling,
        training: bool,
        seed: int = 0,
    ) -> None:
        self.prepared = prepared
        self._spec = spec
        self._needs = needs
        self._sampling = sampling
        self._training = training
        self._seed = seed
        self._numbers = {label: number for number, label in enumerate(prepared.labels)}
        self.entries = list(entries)
        self.skipped = self._skip()

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, key: Key) -> Batch:
        epoch, number = key
        entry = self.entries[number]
        clip = self.prepared.clip(entry.name)
        found = self._candidates(clip)
        random = torch.Generator().manual_seed(_mixed(self._seed, epoch, number))
        label = entry.label
        if self._training:
            views = draw(found, self._sampling.segments, random)
            windows: List[Optional[Window]] = [self._window(clip, view, random) for view in views]
        else:
            views = evenly(found, self._sampling.gops, self._sampling.pictures)
            windows = [self._fixed(clip, view) for view in views]
        samples = [self._read(clip, view, window) for view, window in zip(views, windows)]
        labels = [
            self.prepared.mirror.get(label, label) if window and window.mirrored else label
            for window in windows
        ]
        return Batch(
            Inputs(*(_stacked(samples, name) for name in Inputs._fields)),
            _stacked(samples, "optical_flow"),
            torch.tensor([self._numbers[label] for label in labels]),
            torch.full((len(views),), number),
            torch.tensor([view.gop for view in views]),
        )

    def moments(self, number: int) -> List[Tuple[int, int, bool]]:
        """For each sample of a clip in evaluation: GOP and decode_index of its picture, whether nothing moves in it."""
        clip, sampling = self.prepared.clip(self.entries[number].name), self._sampling
        found = []
        for view in evenly(self._candidates(clip), sampling.gops, sampling.pictures):
            index = _shown(clip, view)
            decode_index = 0 if index is None else clip.pictures[index].decode_index
            is_idle = sampling.view == REGION and index is not None and clip.moment(index).is_idle
            found.append((view.gop, decode_index, is_idle))
        return found

    def _skip(self) -> List[str]:
        """Drop clips without usable pictures; return their names."""
        usable = []
        for entry in self.entries:
            clip = self.prepared.clip(entry.name)
            if any(self._candidates(clip)):
                usable.append(entry)
        skipped = {entry.name for entry in self.entries} - {entry.name for entry in usable}
        if not usable:
            kinds = f"{self._sampling.frame_types}, B pictures: {self._sampling.b_frames}"
            raise UsageError(f"{self.prepared.folder}: no clip has pictures of {kinds}")
        self.entries = usable
        return sorted(skipped)

    def _candidates(self, clip: Clip) -> List[List[Optional[int]]]:
        sampling = self._sampling
        return candidates(clip.pictures, clip.gops, sampling.frame_types, sampling.b_frames)

    def _window(self, clip: Clip, view: View, random: torch.Generator) -> Window:
        spec, size = self._spec, (clip.width, clip.height)
        sampling = self._sampling
        if sampling.view == REGION:
            jitter = Jitter(sampling.scales, sampling.shift, sampling.flip)
            square = self._square(clip, view)
            return draw_around(square, size, spec.resize, spec.crop, jitter, random)
        return draw_window(size, spec.resize, spec.crop, sampling.scales, sampling.flip, random)

    def _fixed(self, clip: Clip, view: View) -> Optional[Window]:
        """What evaluation sees: the region, or all of the picture, which needs no window unless it is mirrored."""
        mirrored = self._sampling.mirrored
        if self._sampling.view == REGION:
            square = self._square(clip, view)
            return Window(square.x, square.y, square.side, square.side, mirrored)
        return Window(0, 0, clip.width, clip.height, mirrored) if mirrored else None

    def _square(self, clip: Clip, view: View) -> Square:
        """The region of a picture; that of a GOP's first picture if only key pictures are used."""
        index = _shown(clip, view)
        if index is None:
            return middle((clip.width, clip.height))
        spec, square = self._spec, clip.moment(index).square
        shape = clip.height, clip.width
        return Square(*enlarged_square(square, spec.region_scale, spec.region_least, shape))

    def _read(self, clip: Clip, view: View, window: Optional[Window]) -> Dict[str, np.ndarray]:
        """The network inputs of one view, by name."""
        resize = self._spec.crop if self._training else self._spec.resize
        reader = _Reader(clip, self._spec, window, resize)
        needed: Set[str] = set(self._needs.inputs)
        sample = {}
        if "rgb" in needed:
            sample["rgb"] = reader.rgb(view.gop)
        if "neighbour" in needed:
            same = view.neighbour == view.gop
            sample["neighbour"] = sample["rgb"] if same else reader.rgb(view.neighbour)
        if view.picture is None:
            return sample
        if self._spec.memory and "flow" in needed:
            as_p = self._sampling.b_frames == "as-p"
            planes = memory_planes(clip, self._spec.memory, self._spec.speed_memory, as_p)
            sample["flow"], sample["residual"] = reader.memory(planes[view.picture])
            return sample
        if "flow" in needed and self._needs.flow == "optical":
            sample["flow"] = reader.flow(clip.optical_flow(view.picture))
        elif "flow" in needed:
            as_p = self._sampling.b_frames == "as-p"
            sample["flow"] = reader.flow(clip.flow(view.picture, as_p))
        if "residual" in needed:
            sample["residual"] = reader.residual(view.picture)
        if self._needs.optical_flow:
            sample["optical_flow"] = reader.flow(clip.optical_flow(view.picture))
        return sample


def _shown(clip: Clip, view: View) -> Optional[int]:
    """The picture of a view; the first one of its GOP if only key pictures are used, None if the GOP has none."""
    if view.picture is not None:
        return view.picture
    return next((n for n, entry in enumerate(clip.pictures) if entry.gop == view.gop), None)


class _Reader:
    """Fills network inputs from one clip, or from a window of it.

    resize: the size from which the pack's centre crop is taken.
    """

    def __init__(
        self,
        clip: Clip,
        spec: InputSpec,
        window: Optional[Window],
        resize: Tuple[int, int],
    ) -> None:
        self._clip = clip
        self._spec = spec
        self._window = window
        self._resize = resize

    def rgb(self, gop: int) -> np.ndarray:
        rgb = self._clip.key(gop)
        if self._window is not None:
            rgb = cut_rgb(rgb, self._window)
        return rgb_input(rgb, self._spec, self._resize)

    def flow(self, flow: np.ndarray) -> np.ndarray:
        size = self._clip.width, self._clip.height
        if self._window is not None:
            flow, size = cut_flow(flow, self._window), (self._window.width, self._window.height)
        return flow_input(flow, size, self._spec, self._resize)

    def memory(self, planes: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        size = self._clip.width, self._clip.height
        if self._window is not None:
            planes, size = cut_flow(planes, self._window), (self._window.width, self._window.height)
        return memory_inputs(planes, size, self._spec, self._resize)

    def residual(self, picture: int) -> np.ndarray:
        if self._spec.residual_kind == ENERGY:
            luma = self._clip.luma(picture).astype(np.int16, copy=False)
            if self._window is not None:
                luma = cut_luma(luma, self._window)
            return energy_input(luma, self._spec, self._resize, self._clip.bit_depth)
        residual = self._clip.residual(picture)
        if self._window is not None:
            residual = cut_residual(residual, self._window)
        return residual_input(residual, self._spec, self._resize, self._clip.bit_depth)


class _EpochSampler(DistributedSampler[Batch]):
    """Yields Keys, so that persistent workers know the epoch."""

    def __iter__(self) -> Iterator[Key]:  # type: ignore[override]
        for number in super().__iter__():
            yield self.epoch, int(number)  # type: ignore[call-overload]


def make_loader(
    samples: ClipSamples,
    clips: int,
    workers: int,
    shuffle: bool,
    rank: int = 0,
    world: int = 1,
    seed: int = 0,
) -> Tuple[DataLoader[Batch], _EpochSampler]:
    """Batches of `clips` clips each, distributed over `world` processes; call set_epoch() on the
    sampler before each epoch. With `shuffle`, an incomplete last batch is dropped unless it is the only
    one, and all processes get equal shares."""
    sampler = _EpochSampler(samples, world, rank, shuffle, seed, drop_last=False)
    loader = DataLoader(
        samples,
        batch_size=clips,
        sampler=sampler,
        num_workers=workers,
        collate_fn=joined,
        persistent_workers=workers > 0,
        drop_last=shuffle and len(samples) >= clips * world,
    )
    return loader, sampler


def joined(batches: Sequence[Batch]) -> Batch:
    """Join several batches."""
    pictures = [batch.pictures for batch in batches]
    return Batch(
        Inputs(*(_cat(tensors) for tensors in zip(*pictures))),
        _cat([batch.optical_flow for batch in batches]),
        *(torch.cat(tensors) for tensors in zip(*(batch.origin for batch in batches))),
    )


def _cat(tensors: Sequence[Optional[torch.Tensor]]) -> Optional[torch.Tensor]:
    given = [tensor for tensor in tensors if tensor is not None]
    return torch.cat(given) if given else None


def _stacked(samples: Sequence[Dict[str, np.ndarray]], name: str) -> Optional[torch.Tensor]:
    if not samples or name not in samples[0]:
        return None
    return torch.from_numpy(np.stack([sample[name] for sample in samples]))


def _moved(tensor: Optional[torch.Tensor], device: torch.device) -> Optional[torch.Tensor]:
    if tensor is None:
        return None
    return tensor.to(device, memory_format=torch.channels_last)


def _mixed(*numbers: int) -> int:
    """One seed from several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
