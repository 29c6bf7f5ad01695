"""Trilinear pooling in PyTorch against the NumPy reference of eq. (4)-(7)."""

import pytest

torch = pytest.importorskip("torch")

import numpy as np  # noqa: E402
import trilinear_reference as reference  # noqa: E402

from edge_attp_export.attp import ATTP, Architecture  # noqa: E402
from edge_attp_export.summary import count, print_summary  # noqa: E402
from edge_attp_export.trilinear import TrilinearPooling  # noqa: E402

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
    """U, V, W as the reference wants them: (channels, d * D)."""
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


def test_three_b1_and_projections_make_the_papers_parameters():
    """Table 2 of the paper: 23.4 million; three B1 without classifier heads, U, V, W and P."""
    rows = {row.part: row for row in count(Architecture("efficientnet_b1", 51))}
    assert rows["LiteNet_I"].parameters == 6513184
    assert rows["LiteNet_MV"].parameters == 6513184 - 32 * 3 * 3
    assert rows["U"].parameters == rows["V"].parameters == rows["W"].parameters == 1280 * 5 * 200
    assert rows["P"].parameters == 200 * 51
    total = sum(row.parameters for row in rows.values())
    assert round(total / 1e6, 1) == 23.4
    with torch.device("meta"):
        model = ATTP(Architecture("efficientnet_b1", 51))
    assert total == sum(parameter.numel() for parameter in model.parameters())


def test_summary_prints_parts_and_costs():
    lines = []
    print_summary(Architecture("efficientnet_b1", 51), lines.append)
    assert lines[-3].split() == ["all", "23,389,464"]
    assert "0.63 GMAC" in lines[-2] and "1.26 GMAC" in lines[-1]
