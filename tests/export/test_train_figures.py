"""Figures of results: contents, legibility, and complete files."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from edge_attp.errors import UsageError
from edge_attp_export import figures

pytestmark = pytest.mark.needs_torch

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were drawn, laid out."""
    found = []

    def keep(figure, path):
        figure.canvas.draw()
        found.append(figure)

    monkeypatch.setattr(figures, "_save", keep)
    return found


def rows(count):
    """A training's log; validation every other epoch."""
    return [
        {
            "epoch": epoch,
            "train_loss": 2 / (epoch + 1),
            "train_top1": epoch / count,
            "val_loss": 2.5 / (epoch + 1) if epoch % 2 == 0 else None,
            "val_top1": 0.9 * epoch / count if epoch % 2 == 0 else float("nan"),
            "learning_rate": 1e-3,
            "alignment_loss": 0.0,
        }
        for epoch in range(count)
    ]


@pytest.mark.parametrize("classes", [2, 10, 101])
def test_confusion_matrix_is_normalised_by_row_and_labels_do_not_overlap(drawn, classes, tmp_path):
    random = np.random.default_rng(0)
    counts = random.integers(0, 50, (classes, classes))
    counts[0] = 0  # a class without a clip
    labels = [f"Class number {index}" for index in range(classes)]
    figures.confusion_matrix(tmp_path / "c.png", counts, labels, "title")
    axes = drawn[0].axes[0]
    shares = axes.images[0].get_array()
    assert np.allclose(shares.sum(1)[1:], 1) and not shares[0].any()
    written = {
        (int(text.get_position()[1]), int(text.get_position()[0])): int(text.get_text())
        for text in axes.texts
    }
    expected = {tuple(cell): counts[tuple(cell)] for cell in np.argwhere(counts)}
    assert written == (expected if classes <= 30 else {})
    for ticks in (axes.get_xticklabels(), axes.get_yticklabels()):
        boxes = [label.get_window_extent() for label in ticks]
        assert [label.get_text() for label in ticks] == labels
        assert not any(one.overlaps(two) for one, two in zip(boxes, boxes[1:]))


def test_counts_may_be_plain_lists(tmp_path):
    figures.confusion_matrix(tmp_path / "c.png", [[3, 1], [0, 4]], ["a", "b"], "title")
    assert [path.name for path in tmp_path.iterdir()] == ["c.png"]
    assert (tmp_path / "c.png").read_bytes().startswith(PNG)


def test_confusion_matrix_refuses_other_shapes(tmp_path):
    with pytest.raises(ValueError, match=r"2 labels for counts of shape \(3, 3\)"):
        figures.confusion_matrix(tmp_path / "c.png", np.zeros((3, 3), int), ["a", "b"], "title")


def test_curves_draw_what_there_is(drawn, tmp_path):
    figures.curves(tmp_path / "v.png", rows(8))
    losses, hits, rates = drawn[0].axes
    assert [line.get_label() for line in losses.lines] == ["training", "validation"]
    assert losses.lines[1].get_xdata().tolist() == [0, 2, 4, 6]
    assert hits.lines[0].get_ydata().tolist() == [epoch / 8 for epoch in range(8)]
    assert hits.lines[2].get_label() == "best: 0.675, epoch 6"
    assert rates.lines[0].get_ydata().tolist() == [1e-3] * 8


def test_curves_draw_alignment_and_few_epochs(drawn, tmp_path):
    one = [dict(rows(2)[1], alignment_loss=0.25)]
    figures.curves(tmp_path / "v.png", one)
    losses, hits, _ = drawn[0].axes
    assert [line.get_label() for line in losses.lines] == ["training", "alignment, training"]
    assert losses.lines[0].get_marker() == "o"
    assert [line.get_label() for line in hits.lines] == ["training"]


def test_curves_of_a_training_without_epochs(tmp_path):
    figures.curves(tmp_path / "v.png", [])
    assert (tmp_path / "v.png").read_bytes().startswith(PNG)


def test_errors_say_what_to_do(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="cannot be written: No such file"):
        figures.curves(tmp_path / "missing" / "v.png", rows(2))
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(UsageError, match="pip install matplotlib"):
        figures.curves(tmp_path / "v.png", rows(2))
