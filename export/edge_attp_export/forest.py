"""Extremely randomised trees (Geurts et al., 2006): a strong classifier of a few hundred numbers per clip.

Each node splits at a random place along the best of a few random features. Knows no video.
"""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Tuple

import numpy as np

TREES = 100
FEWEST = 2  # clips of a node that is split


class _Tree(NamedTuple):
    """Nodes in arrays. feature: -1 in leaves. shares: (nodes, classes) of the clips that ended there."""

    feature: np.ndarray
    threshold: np.ndarray
    below: np.ndarray
    above: np.ndarray
    shares: np.ndarray


class Forest(NamedTuple):
    trees: Tuple[_Tree, ...]

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        """x: (N, F). Returns (N, classes), the mean over the trees."""
        found = [tree.shares[_leaves(tree, x)] for tree in self.trees]
        return np.asarray(np.mean(found, 0))


def fit_forest(
    x: np.ndarray, labels: np.ndarray, classes: int, seed: int, trees: int = TREES
) -> Forest:
    """x: float (N, F). labels: class numbers (N)."""
    random = np.random.default_rng(seed)
    one_hot = np.eye(classes)[labels]
    return Forest(tuple(_grow(x, one_hot, random) for _ in range(trees)))


def _grow(x: np.ndarray, one_hot: np.ndarray, random: np.random.Generator) -> _Tree:
    drawn = max(int(x.shape[1] ** 0.5), 1)
    nodes: List[Tuple[int, float, int, int]] = [(-1, 0.0, 0, 0)]
    shares = [one_hot.sum(0)]
    waiting = [(0, np.arange(len(x)))]
    while waiting:
        node, clips = waiting.pop()
        split = _split(x[clips], one_hot[clips], drawn, random)
        if split is None:
            continue
        feature, threshold = split
        is_below = x[clips, feature] < threshold
        nodes[node] = (feature, threshold, len(nodes), len(nodes) + 1)
        for part in (clips[is_below], clips[~is_below]):
            waiting.append((len(nodes), part))
            nodes.append((-1, 0.0, 0, 0))
            shares.append(one_hot[part].sum(0))
    counts = np.array(shares)
    return _Tree(
        feature=np.array([node[0] for node in nodes]),
        threshold=np.array([node[1] for node in nodes]),
        below=np.array([node[2] for node in nodes]),
        above=np.array([node[3] for node in nodes]),
        shares=counts / counts.sum(1, keepdims=True),
    )


def _split(
    x: np.ndarray, one_hot: np.ndarray, drawn: int, random: np.random.Generator
) -> Optional[Tuple[int, float]]:
    """Feature and threshold with the least Gini impurity of a few at random; None for a leaf."""
    if len(x) < FEWEST or (one_hot.sum(0) > 0).sum() < 2:
        return None
    low, high = x.min(0), x.max(0)
    varying = np.flatnonzero(high > low)
    if not len(varying):
        return None
    features = random.permutation(varying)[:drawn]
    low, high = low[features], high[features]
    thresholds = np.maximum(random.uniform(low, high), np.nextafter(low, high))
    is_below = x[:, features] < thresholds
    below = is_below.T @ one_hot
    impurity = _impurity(below) + _impurity(one_hot.sum(0) - below)
    best = int(impurity.argmin())
    return int(features[best]), float(thresholds[best])


def _impurity(weights: np.ndarray) -> np.ndarray:
    """Gini impurity times weight, of each row."""
    total = weights.sum(1)
    return np.asarray(total - np.square(weights).sum(1) / np.maximum(total, 1e-12))


def _leaves(tree: _Tree, x: np.ndarray) -> np.ndarray:
    """The leaf of each clip (N)."""
    node = np.zeros(len(x), int)
    rows = np.arange(len(x))
    while True:
        feature = tree.feature[node]
        inner = feature >= 0
        if not inner.any():
            return node
        is_below = x[rows, np.maximum(feature, 0)] < tree.threshold[node]
        node = np.where(inner, np.where(is_below, tree.below[node], tree.above[node]), node)
