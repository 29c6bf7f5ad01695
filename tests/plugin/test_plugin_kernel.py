"""The fused scoring kernel against the NumPy reference in float64: shapes, types, extremes, limits."""

import numpy as np
import pytest
import trilinear_reference as reference

# Pictures, projections D, factors d, positions K, classes C: the paper's, the demo pack's, and what
# divides evenly by nothing.
SHAPES = [
    (1, 200, 5, 49, 101),
    (2, 64, 5, 49, 10),
    (1, 1, 1, 1, 1),
    (3, 7, 3, 5, 2),
    (2, 33, 1, 63, 31),
    (1, 31, 2, 65, 33),
    (2, 3, 5, 47, 511),
    (1, 5, 4, 9, 512),
    (1, 9, 1, 3, 513),
    (2, 37, 3, 11, 1000),
    (1, 600, 1, 2, 7),
]
TYPES = [np.float16, np.float32]


def whole_numbers(rng, shape, dtype):
    """Maps whose products and sums are exact in 32 bits."""
    pictures, projections, factors, positions, _ = shape
    size = (pictures, projections * factors, positions)
    return [rng.randint(-3, 4, size).astype(dtype) for _ in range(3)]


def normal_numbers(rng, shape, dtype):
    pictures, projections, factors, positions, _ = shape
    size = (pictures, projections * factors, positions)
    return [rng.standard_normal(size).astype(dtype) for _ in range(3)]


def expected(maps, classifier, factors):
    pooled = reference.pool(*[each.astype(np.float64) for each in maps], factors)
    return reference.classify(pooled, classifier.astype(np.float64))


def rounding_bound(maps, classifier, factors):
    """How far 32-bit sums may move the scores: the root is steep where terms cancel to nothing."""
    wide = [each.astype(np.float64) for each in maps]
    pooled = np.abs(reference.pool(*wide, factors))
    terms = maps[0].shape[1] // classifier.shape[0] * maps[0].shape[2]
    moved = 2.0**-24 * (terms / 32 + 10) * reference.pool(*map(np.abs, wide), factors)
    spread = np.sqrt(pooled + moved) - np.sqrt(np.maximum(pooled - moved, 0))
    spread = np.where(pooled < moved, 2 * np.sqrt(2 * moved), spread)
    length = np.sqrt(pooled.sum(axis=1, keepdims=True))
    relative = spread + 1e-6 * np.sqrt(pooled)
    return 2 * (relative / length) @ np.abs(classifier)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_whole_numbers_give_the_reference(kernel, shape, dtype):
    rng = np.random.RandomState(sum(shape))
    maps = whole_numbers(rng, shape, dtype)
    classifier = rng.standard_normal((shape[1], shape[4])).astype(np.float32)
    scores = kernel(maps, classifier, shape[2])
    atol = 1e-6 * np.abs(classifier).sum(axis=0).max()
    np.testing.assert_allclose(scores, expected(maps, classifier, shape[2]), rtol=2e-6, atol=atol)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("seed", range(12))
def test_random_shapes_stay_within_rounding(kernel, seed, dtype):
    rng = np.random.RandomState(seed)
    shape = [rng.randint(1, most) for most in (4, 90, 7, 60, 1001)]
    maps = normal_numbers(rng, shape, dtype)
    classifier = rng.standard_normal((shape[1], shape[4])).astype(np.float32)
    scores = kernel(maps, classifier, shape[2])
    away = np.abs(scores - expected(maps, classifier, shape[2]))
    assert (away <= rounding_bound(maps, classifier, shape[2])).all(), (shape, away.max())


def test_every_half_is_widened_right(kernel):
    """One picture for each of the 65536 halves, beside a projection that is one."""
    halves = np.arange(65536, dtype=np.uint16).view(np.float16)
    maps = [np.ones((65536, 2, 1), np.float16) for _ in range(3)]
    maps[1][:, 0, 0] = halves
    scores = kernel(maps, np.eye(2, dtype=np.float32), 1)
    is_finite = np.isfinite(halves)
    wanted = expected([each[is_finite] for each in maps], np.eye(2), 1)
    np.testing.assert_allclose(scores[is_finite], wanted, rtol=1e-6)
    assert np.isnan(scores[~is_finite, 0]).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_halves_do_not_overflow(kernel, sign):
    maps = [np.full((1, 1000, 49), 65504, np.float16) for _ in range(3)]
    maps[2][:, ::2] *= sign
    classifier = np.random.RandomState(0).standard_normal((200, 11)).astype(np.float32)
    maps[0][:, :500] *= -1
    wanted = expected(maps, classifier, 5)
    np.testing.assert_allclose(kernel(maps, classifier, 5), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", TYPES)
def test_the_smallest_numbers_do_not_vanish(kernel, dtype):
    smallest = np.float16(2.0**-24)
    maps = [np.full((1, 6, 5), smallest, dtype) for _ in range(3)]
    classifier = np.arange(6, dtype=np.float32).reshape(3, 2)
    np.testing.assert_allclose(
        kernel(maps, classifier, 2), expected(maps, classifier, 2), rtol=1e-6
    )


def test_a_length_below_epsilon_is_divided_by_epsilon(kernel):
    maps = [np.full((1, 4, 1), value, np.float32) for value in (1e-13, 1e-13, 1)]
    scores = kernel(maps, np.ones((4, 1)), 1)
    np.testing.assert_allclose(scores, [[4 * 1e-13 / 1e-12]], rtol=1e-5)


@pytest.mark.parametrize("dtype", TYPES)
def test_nothing_pooled_scores_nothing(kernel, dtype):
    maps = [np.zeros((2, 6, 5), dtype) for _ in range(3)]
    assert (kernel(maps, np.ones((3, 4)), 2) == 0).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_broken_picture_leaves_the_others_alone(kernel, value):
    rng = np.random.RandomState(1)
    shape = (3, 5, 3, 7, 4)
    maps = normal_numbers(rng, shape, np.float16)
    classifier = rng.standard_normal((5, 4)).astype(np.float32)
    whole = kernel(maps, classifier, 3)
    maps[1][1, 4, 2] = value
    scores = kernel(maps, classifier, 3)
    assert np.isnan(scores[1]).all()
    np.testing.assert_array_equal(scores[[0, 2]], whole[[0, 2]])


def test_a_picture_scores_the_same_in_any_batch(kernel):
    """Rows that begin at odd elements are read in another way than rows that begin at even ones."""
    rng = np.random.RandomState(2)
    maps = whole_numbers(rng, (5, 3, 3, 5, 4), np.float16)
    classifier = rng.standard_normal((3, 4)).astype(np.float32)
    alone = [kernel([each[[i]] for each in maps], classifier, 3) for i in range(5)]
    np.testing.assert_array_equal(kernel(maps, classifier, 3), np.concatenate(alone))


def test_no_picture_is_no_work(kernel):
    assert kernel([np.zeros((0, 6, 5), np.float16)] * 3, np.ones((3, 4)), 2).shape == (0, 4)


def test_the_largest_sizes_are_served(kernel):
    rng = np.random.RandomState(3)
    maps = whole_numbers(rng, (1, 8192, 1, 1, 3), np.float16)
    classifier = rng.standard_normal((8192, 3)).astype(np.float32)
    wanted = expected(maps, classifier, 1)
    np.testing.assert_allclose(kernel(maps, classifier, 1), wanted, rtol=1e-4, atol=1e-4)
    maps = [np.ones((1, 1, 1), np.float32)] * 3
    row = np.arange(65536, dtype=np.float32)[None]
    np.testing.assert_array_equal(kernel(maps, row, 1), row)


@pytest.mark.parametrize(
    "shape, factors, says",
    [
        ((1, 6, 5, 3, 4), 0, "factors must be between 1"),
        ((1, 6, 5, 3, 4), 2**24 + 1, "factors must be between 1"),
        ((1, 7, 5, 3, 4), 2, "no multiple of the attribute factors"),
        ((1, 6, 5, 4, 4), 2, "classifier's rows"),
        ((2**31, 6, 5, 3, 4), 2, "batch is larger"),
        ((1, 8193, 5, 8193, 4), 1, "1 to 8192 projections"),
        ((1, 0, 5, 0, 4), 1, "1 to 8192 projections"),
        ((1, 6, 2**23 + 1, 3, 4), 2, "factors * positions"),
        ((1, 6, 0, 3, 4), 2, "factors * positions"),
        ((1, 6, 5, 3, 65537), 2, "1 to 65536 classes"),
        ((1, 6, 5, 3, 0), 2, "1 to 65536 classes"),
    ],
)
def test_what_is_not_served_is_refused(kernel, shape, factors, says):
    maps = [np.zeros((1, 1, 1), np.float16)] * 3
    with pytest.raises(ValueError) as error:
        kernel(maps, np.zeros((1, 1)), factors, shape)
    assert says in str(error.value)


@pytest.mark.parametrize("which", range(3))
def test_a_map_that_starts_between_words_is_refused(kernel, which):
    maps = [np.zeros((1, 6, 5), np.float16) for _ in range(3)]
    maps[which] = np.zeros(31, np.float16)[1:].reshape(1, 6, 5)
    with pytest.raises(ValueError) as error:
        kernel(maps, np.zeros((3, 1)), 2)
    assert "multiple of four bytes" in str(error.value)


@pytest.mark.parametrize("dtype", TYPES)
def test_threads_between_barriers_may_run_in_any_order(host_builds, dtype):
    from kernel_library import KernelLibrary

    kernel = KernelLibrary(host_builds("scoring_host"))
    rng = np.random.RandomState(4)
    for shape in SHAPES:
        maps = normal_numbers(rng, shape, dtype)
        classifier = rng.standard_normal((shape[1], shape[4]))
        forwards = kernel(maps, classifier, shape[2])
        kernel.library.run_backwards(1)
        backwards = kernel(maps, classifier, shape[2])
        kernel.library.run_backwards(0)
        np.testing.assert_array_equal(forwards, backwards)
