"""Shared by the tests of live sources: packets of encoded clips, sources made of them, and contents of pictures."""

import collections

import numpy as np

from edge_attp.bitstream import Source
from edge_attp.bitstream.container import ContainerSource
from edge_attp.sources.timestamps import TIME_BASE


def opened(path):
    """The container of a clip."""
    return ContainerSource(str(path), str(path))


class PacketSource(Source):
    """A source that is a list of packets."""

    time_base = TIME_BASE

    def __init__(self, packets, syntax, time_base=TIME_BASE, sets=(), nal_length_bytes=0):
        super().__init__()
        self.name = self.container = "packets"
        self.syntax, self.codec = syntax, syntax.name
        self.time_base, self.nal_length_bytes = time_base, nal_length_bytes
        self.parameter_sets = list(sets)
        self._packets = packets

    def packets(self):
        for packet in self._packets:
            if isinstance(packet, Exception):
                raise packet
            yield packet


class Counts(collections.Counter):
    """A counter of names."""

    def __call__(self, name, by=1):
        self[name] += by


def contents(pictures):
    """What each picture holds, by pts; references are named by their pts."""
    pictures = list(pictures)
    pts = {picture.decode_index: picture.pts for picture in pictures}
    return {picture.pts: content(picture, pts) for picture in pictures}


NAMES, FLOW = 6, 7  # places in content()


def content(picture, pts):
    """pts: of each decode_index."""
    motion, residual = picture.motion, picture.residual
    named = [pts.get(index, index) for index in motion.reference.ravel().tolist()]
    arrays = [motion.mv, motion.mode, np.array(named), motion.flow()]
    arrays += [residual.y, residual.u, residual.v]
    facts = (picture.kind, picture.poc, picture.integrity, picture.is_random_access)
    return facts + tuple(array.tobytes() for array in arrays)


def referred(picture, pts):
    """The pts of all pictures that this one refers to."""
    indices = np.unique(picture.motion.reference)
    return {pts.get(index, index) for index in indices.tolist() if index >= 0}
