"""Windows that are made larger."""

import random

import pytest

from edge_attp.regions import enlarged_square, widened
from edge_attp.types import Region

SHAPE = 256, 340


@pytest.mark.parametrize(
    ("scale", "least", "expected"),
    [
        (1.0, 0.0, (104, 80, 64)),
        (1.25, 0.0, (96, 72, 80)),
        (1.0, 0.5, (72, 48, 128)),
        (9.0, 0.0, (8, 0, 256)),
    ],
)
def test_a_square_grows_about_its_centre(scale, least, expected):
    assert enlarged_square((104, 80, 64), scale, least, SHAPE) == expected


def test_squares_stay_inside_on_the_grid_and_hold_what_they_held():
    drawn = random.Random(5)
    for _ in range(500):
        shape = drawn.randint(64, 400), drawn.randint(64, 400)
        side = drawn.randint(1, min(shape) // 8) * 8
        x, y = (drawn.randint(0, (length - side) // 8) * 8 for length in shape[::-1])
        scale, least = drawn.uniform(1, 4), drawn.uniform(0, 1)
        left, top, larger = enlarged_square((x, y, side), scale, least, shape)
        assert left % 8 == top % 8 == larger % 8 == 0 and larger >= side
        assert 0 <= left <= x and x + side <= left + larger <= shape[1]
        assert 0 <= top <= y and y + side <= top + larger <= shape[0]


def test_the_box_and_the_number_stay():
    region = Region(3, 104, 80, 64, (110, 84, 150, 140), 0.1)
    assert widened(region, 1.25, 0.0, SHAPE) == region._replace(x_px=96, y_px=72, side_px=80)
