"""Network inputs: the native kernel against the plain reference, and what the definition implies."""

import hashlib
from collections import namedtuple

import numpy as np
import pytest
import tensor_reference as reference

from edge_attp.tensors import (
    MotionMemory,
    fill_energy,
    fill_flow,
    fill_means,
    fill_residual,
    fill_rgb,
)

RESIZE, CROP = (340, 256), (224, 224)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
RESIDUAL_MEAN, RESIDUAL_STD = (0.01, 0.0, -0.02), (0.05, 0.06, 0.07)
# Shrinking, growing, both at once, identity, odd sides, sides that are no multiple of 4, tiny.
SIZES = [
    (1920, 1080),
    (640, 480),
    (340, 256),
    (176, 144),
    (200, 900),
    (97, 61),
    (341, 255),
    (2, 2),
    (1, 1),
]

Planes = namedtuple("Planes", "y u v")


def output(channels, crop=CROP):
    return np.full((channels, crop[1], crop[0]), np.nan, np.float32)


def picture(size, seed=1):
    return np.random.RandomState(seed).randint(0, 256, (size[1], size[0], 3)).astype(np.uint8)


def field(size, seed=2, strength=15):
    shape = (2, -(-size[1] // 4), -(-size[0] // 4))
    return np.random.RandomState(seed).normal(0, strength, shape).astype(np.float32)


def exact_field(size):
    """Without a logarithm, which is another one on every machine."""
    shape = (2, -(-size[1] // 4), -(-size[0] // 4))
    steps = np.random.RandomState(2).randint(-6000, 6001, shape)
    return (steps / 128.0).astype(np.float32)


def planes(size, seed=3, peak=255):
    random = np.random.RandomState(seed)
    half = (-(-size[1] // 2), -(-size[0] // 2))
    shapes = (size[::-1], half, half)
    return Planes(*(random.randint(-peak, peak + 1, shape).astype(np.int16) for shape in shapes))


def close(got, expected):
    assert got.dtype == np.float32 and got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_rgb_is_the_reference(size):
    out = output(3)
    fill_rgb(picture(size), out, RESIZE, MEAN, STD)
    close(out, reference.rgb(picture(size), RESIZE, CROP, MEAN, STD))


@pytest.mark.parametrize("size", SIZES)
def test_flow_is_the_reference(size):
    out = output(2)
    fill_flow(field(size), size, out, RESIZE, 0.05)
    close(out, reference.flow(field(size), size, RESIZE, CROP, 0.05))


@pytest.mark.parametrize("size", SIZES)
def test_residual_is_the_reference(size):
    out = output(3)
    fill_residual(planes(size), out, RESIZE, RESIDUAL_MEAN, RESIDUAL_STD)
    close(out, reference.residual(*planes(size), RESIZE, CROP, RESIDUAL_MEAN, RESIDUAL_STD))


def test_residual_of_ten_bits_is_scaled_by_its_peak():
    source, out = planes((64, 48), peak=1023), output(3)
    fill_residual(source, out, RESIZE, RESIDUAL_MEAN, RESIDUAL_STD, bit_depth=10)
    close(out, reference.residual(*source, RESIZE, CROP, RESIDUAL_MEAN, RESIDUAL_STD, 10))


# The grid of a network that reads the vectors as they are, and one that is finer than most pictures here.
@pytest.mark.parametrize("resize, crop", [((85, 64), (56, 56)), (RESIZE, CROP)])
@pytest.mark.parametrize("size", SIZES)
def test_energy_is_the_reference(size, resize, crop):
    out = output(1, crop)
    fill_energy(planes(size).y, out, resize, 3.0, 8.0)
    close(out, reference.energy(planes(size).y, resize, crop, 3.0, 8.0))


def test_energy_does_not_depend_on_the_bit_depth():
    luma, out, deep = planes((64, 48)).y, output(1), output(1)
    fill_energy(luma, out, RESIZE, 3.0, 8.0)
    fill_energy(luma * 4, deep, RESIZE, 3.0, 8.0, bit_depth=10)
    close(deep, out)


def test_energy_of_the_largest_samples_does_not_overflow():
    out = output(1, (1, 1))
    fill_energy(np.full((64, 64), -32768, np.int16), out, (1, 1), 0.0, 1.0)
    assert out[0, 0, 0] == 32768.0


def test_energy_and_flow_show_the_same_places():
    size, grid = (200, 120), (48, 48)
    marked = np.zeros((30, 50), np.float32)
    marked[7, 31] = marked[20, 3] = 8.0
    flow, energy = output(2, grid), output(1, grid)
    fill_flow(np.stack([marked, marked]), size, flow, grid, 0.1 * size[0] / grid[0])
    luma = np.kron(marked, np.tile([[1, -1], [-1, 1]], (2, 2))).astype(np.int16)
    fill_energy(luma, energy, grid, 0.0, 10.0)
    np.testing.assert_allclose(energy[0], flow[0], atol=1e-6)


def test_energy_of_a_window_reads_nothing_else():
    whole = planes((176, 144)).y
    window, changed = (slice(24, 104), slice(40, 120)), whole.copy()
    changed[...] = 32000
    changed[window] = whole[window]
    out, expected = output(1, (20, 20)), output(1, (20, 20))
    fill_energy(changed[window], out, (20, 20), 0.0, 8.0)
    fill_energy(np.ascontiguousarray(whole[window]), expected, (20, 20), 0.0, 8.0)
    np.testing.assert_array_equal(out, expected)


def test_energy_without_a_coded_residual_is_zero():
    out = output(1)
    fill_energy(np.zeros((48, 64), np.int16), out, RESIZE, 0.0, 8.0)
    assert not out.any()


@pytest.mark.parametrize("resize, crop", [((85, 64), (56, 56)), (RESIZE, CROP)])
@pytest.mark.parametrize("size", SIZES)
def test_means_are_resized_as_a_flow(size, resize, crop):
    out, flow = output(1, crop), output(2, crop)
    means = np.abs(field(size, strength=0.1)[0])
    fill_means(means, size, out, resize, 0.1, 8.0)
    scale = size[0] / resize[0] / 8.0
    fill_flow(np.stack([means, means]), size, flow, resize, scale)
    close(out[0], flow[0] - np.float32(0.1 / 8.0))


def test_means_of_another_size_are_refused():
    with pytest.raises(ValueError, match="means: expected float32"):
        fill_means(np.zeros((12, 17), np.float32), (64, 48), output(1), RESIZE, 0.0, 8.0)


def test_memory_is_an_exponential_mean():
    memory, size = MotionMemory(4.0), (64, 48)
    share, expected, weight = 1 - np.exp(-1 / 4.0), 0.0, 0.0
    for seed in range(9):
        flow, luma = field(size, seed), planes(size, seed).y
        memory.add_picture(flow, luma)
        energy = np.abs(luma).reshape(12, 4, 16, 4).mean((1, 3))
        expected = (1 - share) * expected + share * np.concatenate(
            [flow, np.abs(flow), energy[None]]
        )
        weight = (1 - share) * weight + share
        np.testing.assert_allclose(memory.planes, expected / weight, rtol=1e-4, atol=1e-4)


def test_speed_may_reach_back_further():
    memory, plain, long, size = (
        MotionMemory(4.0, 16.0),
        MotionMemory(4.0),
        MotionMemory(16.0),
        (64, 48),
    )
    for seed in range(9):
        for one in (memory, plain, long):
            one.add_picture(field(size, seed), planes(size, seed).y)
    expected = np.concatenate([plain.planes[:2], long.planes[2:4], plain.planes[4:]])
    np.testing.assert_array_equal(memory.planes, expected)


def test_memory_begins_with_the_first_picture_and_with_those_of_another_size():
    memory = MotionMemory(4.0)
    for size in ((64, 48), (80, 48)):
        for seed in (1, 1):
            memory.add_picture(field(size, seed), planes(size, seed).y)
        np.testing.assert_allclose(memory.planes[:2], field(size, 1), rtol=1e-5)


def test_energy_of_something_else_is_refused():
    with pytest.raises(ValueError, match="luma: expected int16"):
        fill_energy(np.zeros((48, 64), np.uint8), output(1), RESIZE, 0.0, 8.0)
    with pytest.raises(ValueError, match="out: expected float32"):
        fill_energy(planes((64, 48)).y, output(3), RESIZE, 0.0, 8.0)


@pytest.mark.parametrize("crop", [(224, 224), (340, 256), (1, 1), (339, 255), (100, 31)])
def test_crop_is_the_middle_of_the_resized_picture(crop):
    whole, part = output(3, RESIZE), output(3, crop)
    fill_rgb(picture((320, 240)), whole, RESIZE, MEAN, STD)
    fill_rgb(picture((320, 240)), part, RESIZE, MEAN, STD)
    np.testing.assert_array_equal(part, reference.crop(whole, crop))


def test_picture_of_the_resized_size_is_only_cropped():
    source, out = picture(RESIZE), output(3)
    fill_rgb(source, out, RESIZE, (0, 0, 0), (1, 1, 1))
    np.testing.assert_allclose(out, source[16:240, 58:282].transpose(2, 0, 1) / 255.0, atol=1e-6)


def test_flow_is_in_pixels_of_the_resized_picture():
    size, out = (680, 1024), output(2)
    constant = np.empty((2, 256, 170), np.float32)
    constant[0], constant[1] = 6.0, -8.0
    fill_flow(constant, size, out, RESIZE, 0.1)
    np.testing.assert_allclose(out[0], 0.1 * 6 / 2, rtol=1e-6)
    np.testing.assert_allclose(out[1], 0.1 * -8 / 4, rtol=1e-6)


def test_flow_is_what_it_always_was():
    """Byte for byte, on every machine: models were trained on it."""
    value = hashlib.sha1()
    for size in SIZES:
        out = output(2)
        fill_flow(exact_field(size), size, out, RESIZE, 0.05)
        value.update(out.tobytes())
    assert value.hexdigest() == "c813dd34bae0b9196807b209d06e98352f18cb74"


def test_flow_is_clipped_to_one():
    out = output(2)
    fill_flow(field((340, 256), strength=500), (340, 256), out, RESIZE, 0.05)
    assert out.min() == -1.0 and out.max() == 1.0


def test_mirrored_flow_gives_the_mirrored_input():
    size, plain, mirrored = (344, 240), output(2), output(2)
    fill_flow(field(size), size, plain, RESIZE, 0.05)
    flipped = field(size)[:, :, ::-1] * np.array([-1, 1], np.float32)[:, None, None]
    fill_flow(np.ascontiguousarray(flipped), size, mirrored, RESIZE, 0.05)
    np.testing.assert_allclose(mirrored[0], -plain[0, :, ::-1], atol=1e-6)
    np.testing.assert_allclose(mirrored[1], plain[1, :, ::-1], atol=1e-6)


def test_grey_residual_has_no_colour_and_chroma_has_its_own():
    shape, half = (256, 340), (128, 170)
    zero = np.zeros(half, np.int16)
    out = output(3)
    fill_residual(Planes(np.full(shape, 51, np.int16), zero, zero), out, RESIZE, (0,) * 3, (1,) * 3)
    np.testing.assert_allclose(out, 0.2, rtol=1e-6)
    blue = Planes(np.zeros(shape, np.int16), np.full(half, 51, np.int16), zero)
    fill_residual(blue, out, RESIZE, (0,) * 3, (1,) * 3)
    np.testing.assert_allclose(out[0], 0.0)
    np.testing.assert_allclose(out[1], -0.344136 * 0.2, rtol=1e-5)
    np.testing.assert_allclose(out[2], 1.772 * 0.2, rtol=1e-5)


def test_planes_with_longer_rows_are_read_in_place():
    size = (176, 144)
    wide = [np.pad(plane, ((0, 3), (0, 16)), mode="edge") for plane in planes(size)]
    views = Planes(wide[0][:144, :176], wide[1][:72, :88], wide[2][:72, :88])
    out, expected = output(3), output(3)
    fill_residual(views, out, RESIZE, RESIDUAL_MEAN, RESIDUAL_STD)
    fill_residual(Planes(*map(np.array, views)), expected, RESIZE, RESIDUAL_MEAN, RESIDUAL_STD)
    np.testing.assert_array_equal(out, expected)


def test_nothing_beyond_the_output_is_written():
    guarded = np.full((5, 224, 224), 7, np.float32)
    fill_rgb(picture((320, 240)), guarded[1:4], RESIZE, MEAN, STD)
    assert (guarded[0] == 7).all() and (guarded[4] == 7).all() and not (guarded[1:4] == 7).all()


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(rgb=np.zeros((4, 4, 3), np.float32)), "rgb: expected uint8"),
        (dict(rgb=np.zeros((4, 4), np.uint8)), "rgb: expected uint8"),
        (dict(rgb=np.zeros((4, 8, 3), np.uint8)[:, ::2]), "must be adjacent"),
        (dict(out=np.zeros((3, 224, 224))), "out: expected float32"),
        (dict(out=np.zeros((3, 224, 448), np.float32)[:, :, ::2]), "C-contiguous"),
        (dict(out=np.zeros((3, 257, 224), np.float32)), "larger than the resized picture"),
    ],
)
def test_wrong_arrays_are_refused(change, message):
    arguments = dict(rgb=picture((4, 4)), out=output(3), resize=RESIZE, mean=MEAN, std=STD)
    arguments.update(change)
    with pytest.raises(ValueError, match=message):
        fill_rgb(**arguments)


def test_flow_of_another_picture_is_refused():
    with pytest.raises(ValueError, match="flow: expected float32"):
        fill_flow(field((320, 240)), (340, 256), output(2), RESIZE, 0.05)


def test_chroma_of_another_size_is_refused():
    source = planes((64, 64))
    with pytest.raises(ValueError, match="residual.u: expected int16"):
        fill_residual(source._replace(u=source.y), output(3), RESIZE, MEAN, STD)
