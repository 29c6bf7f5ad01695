"""Compact bilinear pooling: the tensor sketch against its definition, and the kernel it estimates."""

from itertools import product

import numpy as np
import pytest
import torch

from edge_attp_export.bilinear import PAIRS, CompactBilinearPooling

pytestmark = pytest.mark.needs_torch

CHANNELS, SIZE, POSITIONS, CLASSES = 5, 11, 3, 4


def sketch(pooling, pair, x, y):
    """Count sketch of the sum over positions of x y', entry by entry; x, y: (channels, K)."""
    bucket, sign = pooling.bucket.numpy(), pooling.sign.numpy()
    a, b = pair
    out = np.zeros(pooling.size)
    for i, j in product(range(x.shape[0]), range(y.shape[0])):
        place = (bucket[a, i] + bucket[b, j]) % pooling.size
        out[place] += sign[a, i] * sign[b, j] * (x[i] * y[j]).sum()
    return out


def test_pooling_is_the_count_sketch_of_the_outer_products():
    torch.manual_seed(1)
    pooling = CompactBilinearPooling(CHANNELS, CLASSES, SIZE)
    maps = [torch.randn(2, CHANNELS, POSITIONS) for _ in range(3)]
    pooled = pooling.pool(maps).numpy()
    assert pooled.shape == (3, 2, SIZE)
    for index, (a, b) in enumerate(PAIRS):
        for n in range(2):
            expected = sketch(pooling, (a, b), maps[a][n].numpy(), maps[b][n].numpy())
            np.testing.assert_allclose(pooled[index, n], expected, atol=1e-5)


def test_scores_are_those_of_rooted_and_normalised_sketches():
    torch.manual_seed(2)
    pooling = CompactBilinearPooling(CHANNELS, CLASSES, SIZE)
    maps = [torch.randn(2, CHANNELS, POSITIONS) for _ in range(3)]
    with torch.no_grad():
        scores, pooled = pooling(maps).numpy(), pooling.pool(maps).numpy().astype(np.float64)
    rooted = np.sign(pooled) * np.sqrt(np.abs(pooled))
    unit = rooted / np.linalg.norm(rooted, axis=2, keepdims=True)
    np.testing.assert_allclose(scores, unit @ pooling.p.detach().numpy(), atol=1e-5)


def test_sketch_estimates_the_bilinear_form_without_bias():
    """E <TS(x, y), TS(x', y')> = <x, x'> <y, y'>, within five standard errors.

    The second moment of the error of a tensor sketch of two factors is at most (2 + 3^2) / size times the product
    of the squared norms (Avron, Nguyen and Woodruff, NIPS 2014, lemma 2).
    """
    torch.manual_seed(3)
    draws, channels, size = 600, 16, 64
    x = torch.randn(channels)
    y = torch.randn(channels)
    xx, yy = x + 0.5 * torch.randn(channels), y + 0.5 * torch.randn(channels)
    maps = [torch.stack([first, second])[:, :, None] for first, second in ((x, xx), (y, yy))]
    maps.append(torch.zeros(2, channels, 1))
    estimates = []
    for _ in range(draws):
        first, second = CompactBilinearPooling(channels, 2, size).pool(maps)[0]
        estimates.append(float(first @ second))
    truth = float((x @ xx) * (y @ yy))
    norms = float(x.norm() * y.norm() * xx.norm() * yy.norm())
    deviation = np.sqrt(11 / size) * norms
    assert abs(np.mean(estimates) - truth) < 5 * deviation / np.sqrt(draws)
    assert np.std(estimates) < deviation
    assert abs(truth) > 10 * deviation / np.sqrt(draws), "the test would accept an estimate of 0"
