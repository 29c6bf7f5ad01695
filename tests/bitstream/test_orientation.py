"""Turning arrays, against the display matrix as ISO/IEC 14496-12 defines it."""

import math

import numpy as np
import pytest

from edge_attp.bitstream.orientation import UPRIGHT, Orientation, from_angle, from_matrix
from rigs.turned import ALL, ONE, TERMS, matrix, shown

EACH = pytest.mark.parametrize("orientation", ALL, ids=str)
SIZES = [(16, 8), (7, 5), (1, 9), (30, 22), (33, 18), (35, 47), (3, 2), (1, 1)]


@EACH
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_samples_go_where_the_matrix_sends_them(orientation, size):
    plane = np.arange(size[0] * size[1]).reshape(size[::-1])
    turned = orientation.samples(plane)
    assert np.array_equal(turned, shown(orientation, plane))
    assert turned.shape == orientation.size(*size)[::-1]
    assert np.shares_memory(turned, plane)
    rgb = np.random.RandomState(1).randint(0, 256, size[::-1] + (3,)).astype(np.uint8)
    copy = orientation.rgb(rgb)
    assert np.array_equal(copy, shown(orientation, rgb)) and copy.flags.c_contiguous


@EACH
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_blocks_are_those_in_the_middle_of_their_place(orientation, size):
    width, height = size
    shape = -(-height // 4), -(-width // 4)
    grid = np.arange(shape[0] * shape[1]).reshape(shape)
    turned = orientation.blocks(grid, width, height)
    under = shown(orientation, np.repeat(np.repeat(grid, 4, 0), 4, 1)[:height, :width])
    assert turned.shape == (-(-under.shape[0] // 4), -(-under.shape[1] // 4))
    for y, x in np.ndindex(*turned.shape):
        rows, columns = (
            [min(4 * place + k, length - 1) for k in (1, 2)]
            for place, length in zip((y, x), under.shape)
        )
        assert turned[y, x] in under[np.ix_(rows, columns)]


@EACH
def test_blocks_are_a_view_wherever_all_are_whole(orientation):
    grid = np.arange(12).reshape(3, 4)
    assert np.shares_memory(orientation.blocks(grid, 16, 12), grid)


@EACH
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_vectors_turn_with_their_blocks(orientation, size):
    width, height = size
    random = np.random.RandomState(2)
    shape = (2, -(-height // 4), -(-width // 4))
    flow = random.normal(0, 3, shape).astype(np.float32)
    mv = random.randint(-(2**15), 2**15, shape + (2,)).astype(np.int16)
    a, b, c, d = TERMS[orientation]
    x, y = (orientation.blocks(plane, width, height) for plane in flow)
    turned = orientation.flow(flow, width, height)
    assert np.array_equal(turned, [a * x + c * y, b * x + d * y])
    assert turned.dtype == np.float32 and turned.flags.c_contiguous
    x, y = (orientation.blocks(mv[..., k].astype(int), width, height) for k in range(2))
    turned = orientation.mv(mv, width, height)
    assert np.array_equal(turned, np.stack([a * x + c * y, b * x + d * y], -1))
    assert turned.dtype == np.int16


def test_the_vector_without_opposite_does_not_wrap():
    mv = np.full((2, 1, 1, 2), -(2**15), np.int16)
    assert (Orientation(180, False).mv(mv, 4, 4) == 32767).all()


@EACH
@pytest.mark.parametrize("scale", [(ONE, ONE), (3 * ONE, ONE // 2), (7, 5)], ids=str)
def test_the_matrix_says_which(orientation, scale):
    told = from_matrix(matrix(TERMS[orientation], scale))
    assert told.orientation == orientation and told.is_right_angle
    assert told.clockwise_deg == pytest.approx(orientation.rotation_deg)


@pytest.mark.parametrize(
    "angle, nearest, is_near",
    [
        (0.4, 0, True),
        (359.5, 0, True),
        (-90, 270, True),
        (30, 0, False),
        (60, 90, False),
        (271.5, 270, False),
        (330, 0, False),
    ],
)
@pytest.mark.parametrize("is_mirrored", [False, True])
def test_other_angles_are_rounded_and_known_to_be(angle, nearest, is_near, is_mirrored):
    radians = math.radians(angle)
    sine, cosine = round(math.sin(radians) * ONE), round(math.cos(radians) * ONE)
    side = -1 if is_mirrored else 1
    for told in (
        from_matrix(matrix((side * cosine, side * sine, -sine, cosine), (1, 1))),
        from_angle(angle, is_mirrored),
    ):
        assert told.orientation == Orientation(nearest, is_mirrored)
        assert told.is_right_angle == is_near
        assert told.clockwise_deg == pytest.approx(angle % 360, abs=0.01)


def test_a_matrix_that_maps_to_a_line_says_nothing():
    assert from_matrix((0,) * 9) is None
    assert from_matrix(matrix((1, 1, 1, 1))) is None


def test_words_for_people():
    assert str(UPRIGHT) == ""
    assert str(Orientation(90, False)) == "turned 90 degrees clockwise"
    assert str(Orientation(0, True)) == "mirrored"
    assert str(Orientation(270, True)) == "mirrored and turned 270 degrees clockwise"
