"""Rotated media: scenes coded in another orientation, and the metadata that tells players so.

The numbers here are those of the standards; the package is asked for none of them.
"""

import shutil

import numpy as np

from edge_attp.bitstream.mp4 import write_matrix
from edge_attp.bitstream.orientation import Orientation
from streamwriter.bits import Bits, annex_b, escaped
from truth import nal

ONE = 1 << 16
# a, b, c, d of the display matrix: a sample at (p, q) is shown at (a p + c q, b p + d q), y down.
TERMS = {
    Orientation(0, False): (1, 0, 0, 1),
    Orientation(90, False): (0, 1, -1, 0),
    Orientation(180, False): (-1, 0, 0, -1),
    Orientation(270, False): (0, -1, 1, 0),
    Orientation(0, True): (-1, 0, 0, 1),
    Orientation(90, True): (0, -1, -1, 0),
    Orientation(180, True): (1, 0, 0, -1),
    Orientation(270, True): (0, 1, 1, 0),
}
ALL = sorted(TERMS)
TURNED = [orientation for orientation in ALL if TERMS[orientation] != (1, 0, 0, 1)]


def matrix(terms, scale=(ONE, ONE)):
    """The nine numbers. scale: of what is shown, across and down."""
    a, b, c, d = terms
    return a * scale[0], b * scale[1], 0, c * scale[0], d * scale[1], 0, 0, 0, 1 << 30


def shown(orientation, plane):
    """A plane (height, width, ...) as players show it: each sample goes where the matrix sends its centre."""
    a, b, c, d = TERMS[orientation]
    height, width = plane.shape[:2]
    # The centre of each sample, from the centre of the picture, in half samples.
    q, p = np.mgrid[1 - height : height : 2, 1 - width : width : 2]
    size = (width, height) if a == 0 else (height, width)
    turned = np.empty(size + plane.shape[2:], plane.dtype)
    turned[(b * p + d * q + size[0] - 1) // 2, (a * p + c * q + size[1] - 1) // 2] = plane
    return turned


def coded(orientation, plane):
    """The plane that is shown as this one."""
    probe = np.arange(6).reshape(2, 3)
    for back in ALL:
        if np.array_equal(shown(orientation, shown(back, probe)), probe):
            return shown(back, plane)
    raise AssertionError("the eight orientations are a group")


def with_matrix(path, target, nine):
    """A copy of an MP4 file with this display matrix."""
    shutil.copy(str(path), str(target))
    write_matrix(str(target), nine)
    return target


def sei(codec, hor_flip=0, ver_flip=0, anticlockwise_rotation=0, cancel=False):
    """An SEI NAL unit with a display orientation message (H.264 D.1.27, HEVC D.2.17)."""
    bits = Bits().u(1, int(cancel))
    if not cancel:
        bits.u(1, hor_flip).u(1, ver_flip).u(16, anticlockwise_rotation)
        bits.u(2, 0b10)  # repetition period 0 and no extension; HEVC: persistence_flag
    payload = bits.payload()
    # A message of another kind comes first.
    messages = bytes([5, 20]) + b"sixteen and four..!?" + bytes([47, len(payload)]) + payload
    header = b"\x06" if codec == "h264" else b"\x4e\x01"
    return header + escaped(messages + b"\x80")


def with_sei(data, codec, messages):
    """An Annex B stream of pictures of one slice; messages: SEI NAL units by number of the picture."""
    units, number = [], 0
    for unit in nal.annex_b_nal_units(data):
        kind = unit[0] & 31 if codec == "h264" else unit[0] >> 1 & 63
        if kind in ((1, 5) if codec == "h264" else range(32)):
            units += [messages[number]] if number in messages else []
            number += 1
        units.append(unit)
    return annex_b(units)
