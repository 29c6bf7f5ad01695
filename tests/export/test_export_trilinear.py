"""Trilinear pooling in PyTorch against the NumPy reference of eq. (4)-(7)."""

import numpy as np
import pytest
import torch
import trilinear_reference as reference

from edge_attp_export.trilinear import TrilinearPooling

pytestmark = pytest.mark.needs_torch

N, CHANNELS, POSITIONS, FACTORS, PROJECTIONS, CLASSES = 2, 12, 6, 3, 7, 4


@pytest.fixture
def pooling():
    torch.manual_seed(3)
    return TrilinearPooling(CHANNELS, CLASSES, FACTORS, PROJECTIONS)


@pytest.fixture
def features():
    """Feature maps of two I pictures, the motion and the residual."""
    torch.manual_seed(4)
    return [torch.randn(N, CHANNELS, POSITIONS) for _ in range(4)]


def matrices(pooling):
    """U, V, W in the reference's layout: (channels, d * D)."""
    layers = (pooling.u, pooling.v, pooling.w)
    return [layer.weight.detach()[:, :, 0].numpy().T for layer in layers]


def test_pooling_equals_the_reference(pooling, features):
    x, _, y, z = features
    with torch.no_grad():
        pooled = pooling.pool(pooling.u(x), pooling.v(y), pooling.w(z)).numpy()
    maps = [reference.project(m, f.numpy()) for m, f in zip(matrices(pooling), (x, y, z))]
    np.testing.assert_allclose(pooled, reference.pool(*maps, FACTORS), rtol=1e-4, atol=1e-5)


def test_pooling_is_the_trilinear_form_of_the_paper(pooling, features):
    """Projection i of eq. (4) without the Hadamard trick: sum over a, b, c of T_abc x_a y_b z_c."""
    x, _, y, z = (f.numpy().astype(np.float64) for f in features)
    u, v, w = (m.reshape(CHANNELS, PROJECTIONS, FACTORS) for m in matrices(pooling))
    core = np.einsum("aij,bij,cij->iabc", u, v, w)
    expected = np.einsum("iabc,nak,nbk,nck->ni", core, x, y, z)
    maps = [reference.project(m, f) for m, f in zip(matrices(pooling), (x, y, z))]
    np.testing.assert_allclose(reference.pool(*maps, FACTORS), expected, rtol=1e-6)


def test_temporal_scores_equal_the_reference(pooling, features):
    here, there, y, z = features
    with torch.no_grad():
        scores = pooling(pooling.u(here) + pooling.u(there), pooling.v(y), pooling.w(z)).numpy()
    u, v, w = matrices(pooling)
    maps = [reference.project(m, f.numpy()) for m, f in zip((u, u, v, w), features)]
    expected = reference.temporal_scores(*maps, pooling.p.detach().numpy(), FACTORS)
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)


def test_nothing_moving_scores_zero(pooling, features):
    x, _, y, z = features
    ux, wz = pooling.u(x), pooling.w(z)
    assert not pooling(ux, pooling.v(torch.zeros_like(y)), wz).any()


def test_gradient_is_finite_where_nothing_moves(pooling, features):
    """The square root has no slope at 0; a batch must survive a picture whose pooled features are 0."""
    x, _, y, z = features
    y[0] = 0
    y.requires_grad_()
    pooling(pooling.u(x), pooling.v(y), pooling.w(z)).sum().backward()
    assert torch.isfinite(y.grad).all()
    assert not y.grad[0].any() and y.grad[1].any()


def test_sixteen_bit_maps_do_not_overflow(pooling):
    huge = torch.full((1, FACTORS * PROJECTIONS, POSITIONS), 100.0, dtype=torch.float16)
    pooled = pooling.pool(huge, huge, huge)
    assert pooled.dtype == torch.float32
    assert (pooled == FACTORS * POSITIONS * 1e6).all()
