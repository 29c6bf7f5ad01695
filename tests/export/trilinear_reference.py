"""Trilinear pooling in NumPy, written from the paper's equations alone; Python 3.6, no torch, float64.

X, Y, Z are feature maps (N, c, K); U, V, W are projections (c, d * D) whose column i * d + j is column j of the
paper's U_i; P is (D, classes).
"""

import numpy as np


def project(projection, features):
    """U'x at every position: (c, d * D) and (N, c, K) -> (N, d * D, K)."""
    return np.einsum("cp,nck->npk", projection.astype(np.float64), features.astype(np.float64))


def pool(ux, vy, wz, factors):
    """Eq. (4), summed over the positions as in eq. (5) and (6): three (N, d * D, K) -> (N, D)."""
    count, rows, positions = ux.shape
    pooled = np.zeros((count, rows // factors))
    for i in range(rows // factors):
        group = slice(i * factors, (i + 1) * factors)
        for k in range(positions):
            product = ux[:, group, k] * vy[:, group, k] * wz[:, group, k]
            pooled[:, i] += product.sum(axis=1)
    return pooled


def classify(pooled, classifier):
    """Signed square root, l2 normalisation, P'f (sections 3.3 and 3.4): (N, D) -> (N, classes)."""
    rooted = np.sign(pooled) * np.sqrt(np.abs(pooled))
    length = np.sqrt((rooted**2).sum(axis=1, keepdims=True))
    return rooted / np.maximum(length, 1e-12) @ classifier


def temporal_scores(ux_here, ux_there, vy, wz, classifier, factors):
    """Eq. (7) as it stands, two poolings added, then the classifier."""
    maps = [array.astype(np.float64) for array in (ux_here, ux_there, vy, wz)]
    here, there, motion, residual = maps
    pooled = pool(here, motion, residual, factors) + pool(there, motion, residual, factors)
    return classify(pooled, classifier.astype(np.float64))
