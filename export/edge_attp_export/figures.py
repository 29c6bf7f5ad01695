"""Figures of results as PNG: a confusion matrix, the curves of a training, reliability, a sheet of clips.

Matplotlib is imported late and used without pyplot: no window system, no global state.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, List, Mapping, Sequence, Tuple

import numpy as np
from numpy.typing import ArrayLike

from edge_attp.errors import UsageError

from .calibration import Reliability
from .files import replacing

MOST_COUNTED = 30  # largest number of classes with counts written into the cells
DPI = 120
SHEET_COLUMNS, SHEET_CELL_IN = 3, 4.2
# Okabe and Ito's colours, which everybody can distinguish; line styles do the same in grey.
BLUE, VERMILION, GREEN, BLACK = "#0072B2", "#D55E00", "#009E73", "#333333"

Row = Mapping[str, Any]
Line = Tuple[str, str, str, str]  # column of the log, name, colour, line style
LOSSES: Tuple[Line, ...] = (
    ("train_loss", "training", BLUE, "-"),
    ("val_loss", "validation", VERMILION, "--"),
    ("alignment_loss", "alignment, training", GREEN, ":"),
)
HITS: Tuple[Line, ...] = (
    ("train_top1", "training", BLUE, "-"),
    ("val_top1", "validation", VERMILION, "--"),
)
RATES: Tuple[Line, ...] = (("learning_rate", "learning rate", BLACK, "-"),)


def confusion_matrix(path: Path, counts: ArrayLike, labels: Sequence[str], title: str) -> None:
    """Draw counts, int (C, C): a row for each true class, a column for each predicted one.

    Shades are shares of the row; counts are written in for up to 30 classes. Raises UsageError if
    Matplotlib is missing or the file cannot be written.
    """
    counts, classes = np.asarray(counts), len(labels)
    if counts.shape != (classes, classes):
        raise ValueError(f"{classes} labels for counts of shape {counts.shape}")
    cell_in, size_pt = (0.42, 9) if classes <= MOST_COUNTED else (0.16, 6)
    longest_in = max(map(len, labels)) * size_pt * 0.0095
    side_in = max(3.2, cell_in * classes) + longest_in + 0.8
    figure = _figure(side_in + 0.6, side_in)
    axes = figure.add_subplot()
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    bar = figure.colorbar(image, ax=axes, fraction=0.03, pad=0.02, aspect=40)
    bar.set_label("share of the true class")
    bar.outline.set_visible(False)
    turned = longest_in > cell_in * max(1, 7 // classes)  # if there are few, cells are wider
    axes.set_xticks(range(classes), labels, rotation=90 if turned else 0, fontsize=size_pt)
    axes.set_yticks(range(classes), labels, fontsize=size_pt)
    axes.set(xlabel="predicted", ylabel="true", title=title)
    _grid(axes, classes)
    if classes <= MOST_COUNTED:
        _write_counts(axes, counts, shares)
    _save(figure, path)


def _grid(axes: Any, classes: int) -> None:
    """Draw thin lines between the cells instead of ticks, so that the eye can follow a row."""
    edges = np.arange(classes + 1) - 0.5
    axes.set_xticks(edges, minor=True)
    axes.set_yticks(edges, minor=True)
    axes.grid(which="minor", color="#dddddd", linewidth=0.5)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)


def _write_counts(axes: Any, counts: np.ndarray, shares: np.ndarray) -> None:
    digits = len(str(counts.max()))
    size = {1: 9, 2: 9, 3: 8}.get(digits, 6)
    for row, column in np.argwhere(counts > 0):
        colour = "white" if shares[row, column] > 0.55 else "black"
        text = str(counts[row, column])
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=size)


def curves(path: Path, rows: Sequence[Row]) -> None:
    """Draw a training's log: losses, top-1 and learning rate over epochs.

    A row has epoch, train_loss, train_top1, val_loss, val_top1 (shares of 1), learning_rate and
    alignment_loss. Values that are None, NaN or missing are left out, and so are columns of zeros.
    Raises UsageError like confusion_matrix().
    """
    figure = _figure(7.0, 7.0)
    losses, hits, rates = figure.subplots(
        3, 1, sharex=True, gridspec_kw={"height_ratios": (3, 3, 1.2)}
    )
    _lines(losses, rows, LOSSES)
    _lines(hits, rows, HITS)
    _lines(rates, rows, RATES)
    _mark_best(hits, rows)
    losses.set(ylabel="loss")
    hits.set(ylabel="top-1", ylim=(0, 1))
    rates.set(ylabel="learning rate", xlabel="epoch")
    rates.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    rates.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    epochs = [row["epoch"] for row in rows]
    rates.set_xlim(min(epochs, default=1) - 0.5, max(epochs, default=1) + 0.5)
    for axes in (losses, hits):
        if axes.lines:
            axes.legend(frameon=False)
    _save(figure, path)


def _lines(axes: Any, rows: Sequence[Row], lines: Sequence[Line]) -> None:
    """Draw the columns that are not all zeros."""
    largest = 0.0
    for column, name, colour, style in lines:
        points = _points(rows, column)
        if not any(value for _, value in points):
            continue
        largest = max([largest, *(value for _, value in points)])
        marker = "o" if len(points) < 15 else None  # a line of one point would be invisible
        axes.plot(*zip(*points), style, color=colour, label=name, marker=marker, markersize=3.5)
    axes.set_ylim(0, 1.1 * largest or 1)
    axes.grid(color="#e5e5e5", linewidth=0.7)
    axes.spines[["top", "right"]].set_visible(False)


def _mark_best(axes: Any, rows: Sequence[Row]) -> None:
    points = _points(rows, "val_top1")
    if points:
        epoch, best = max(points, key=lambda point: point[1])
        label = f"best: {best:.3f}, epoch {epoch:g}"
        axes.plot(epoch, best, "D", color=VERMILION, markersize=6, label=label)


def _points(rows: Sequence[Row], column: str) -> List[Tuple[float, float]]:
    """(epoch, value) of the rows that have one."""
    pairs = [(row["epoch"], row.get(column)) for row in rows]
    return [(float(e), float(v)) for e, v in pairs if v is not None and math.isfinite(float(v))]


def reliability(path: Path, parts: Mapping[str, Reliability], title: str) -> None:
    """Draw how often answers are right against the probability that they state. parts: at most three, by name.

    Bars are 95 % intervals of independent answers (Wilson), which those of one group are not. Raises UsageError like
    confusion_matrix().
    """
    figure = _figure(4.8, 4.6)
    axes = figure.add_subplot()
    axes.plot((0, 1), (0, 1), ":", color=BLACK, linewidth=1, label="as often as stated")
    least = 1.0
    for (name, found), colour, mark in zip(parts.items(), (VERMILION, BLUE, GREEN), "so^"):
        low, high = _wilson(found.right, found.counts)
        bars = np.stack([found.right - low, high - found.right])
        style = dict(fmt=f"-{mark}", color=colour, capsize=2, markersize=5, linewidth=1.2)
        label = f"{name}: error {found.error:.3f}"
        axes.errorbar(found.stated, found.right, bars, label=label, **style)
        least = min(least, float(found.stated[0]), float(low.min()))
    floor = max(least - 0.05, 0.0)
    axes.set(xlim=(floor, 1.01), ylim=(floor, 1.02), title=title)
    axes.set(xlabel="stated probability of the answer", ylabel="share of right answers")
    axes.legend(frameon=False, loc="lower right")
    axes.grid(color="#e5e5e5", linewidth=0.7)
    axes.spines[["top", "right"]].set_visible(False)
    _save(figure, path)


def sheet(path: Path, pictures: Sequence[np.ndarray], captions: Sequence[str], title: str) -> None:
    """Draw pictures, RGB uint8 (H, W, 3) of one shape, in columns, each above its caption of two lines.

    Raises UsageError like confusion_matrix().
    """
    columns = min(SHEET_COLUMNS, len(pictures))
    rows = math.ceil(len(pictures) / columns)
    height, width = pictures[0].shape[:2]
    cell_in = SHEET_CELL_IN, SHEET_CELL_IN * height / width + 0.42
    figure = _figure(columns * cell_in[0], rows * cell_in[1] + 0.4)
    figure.suptitle(title, fontsize=10)
    cells = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in cells:
        axes.set_axis_off()
    for axes, picture, caption in zip(cells, pictures, captions):
        axes.imshow(picture, interpolation="antialiased")
        axes.set_title(caption, fontsize=7, loc="left", y=0, pad=-4, va="top")
    _save(figure, path)


def _wilson(share: np.ndarray, counts: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """95 % intervals of shares of so many."""
    z = 1.96
    middle = (share + z * z / (2 * counts)) / (1 + z * z / counts)
    half = z * np.sqrt(share * (1 - share) / counts + (z / (2 * counts)) ** 2)
    half = half / (1 + z * z / counts)
    return np.minimum(middle - half, share), np.maximum(middle + half, share)


def _figure(width_in: float, height_in: float) -> Any:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError("figures need Matplotlib: pip install matplotlib") from error
    figure = Figure(figsize=(width_in, height_in), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Any, path: Path) -> None:
    try:
        with replacing(path) as part:
            figure.savefig(part, format="png", bbox_inches="tight", pad_inches=0.15)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
