"""Stage times as a picture. Knows records only; edge_attp.sinks.draw provides OpenCV."""

from typing import Dict, Tuple

import numpy as np

from edge_attp.bench.record import Report, Times
from edge_attp.errors import SourceError
from edge_attp.sinks import draw

__all__ = ["draw_stages", "save_plot"]

Colour = Tuple[int, int, int]

PAPER_COLOUR = (252, 252, 250)
INK = (40, 44, 52)
FAINT = (218, 220, 226)
BAR = (58, 110, 165)
TAIL = (168, 196, 224)
TOTAL_BAR, TOTAL_TAIL = (196, 92, 58), (232, 188, 170)
TARGET = (200, 40, 40)
WIDTH, LEFT, RIGHT, TOP, ROW, BOTTOM = 900, 130, 230, 76, 34, 46
BAR_HEIGHT = 18
TEXT_SCALE = 0.45
STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
MOST_STEPS = 8


def save_plot(report: Report, path: str) -> None:
    """Writes the picture as a PNG. SourceError if it cannot be written."""
    cv2 = draw.opencv()
    try:
        is_written = cv2.imwrite(path, cv2.cvtColor(draw_stages(report), cv2.COLOR_RGB2BGR))
    except cv2.error:  # no encoder for that suffix
        is_written = False
    if not is_written:
        raise SourceError(f"{path}: cannot be written; the name must end in .png")


def draw_stages(report: Report) -> np.ndarray:
    """One row for each stage: a bar to the median, its tail to the 90th percentile, a mark at the 99th.

    RGB uint8 (height, 900, 3).
    """
    stages: Dict[str, Times] = {**report["stages"], "total": report["total"]}
    rows = list(stages.items())
    canvas = np.full((TOP + ROW * len(rows) + BOTTOM, WIDTH, 3), PAPER_COLOUR, np.uint8)
    scale = _Scale(max(times["p99_ms"] for _, times in rows))
    _axis(canvas, scale, TOP + ROW * len(rows))
    _heading(canvas, report)
    for number, (name, times) in enumerate(rows):
        _row(canvas, scale, TOP + ROW * number + ROW // 2, name, times)
    _target(canvas, scale, report["target"]["pictures_per_s"], TOP + ROW * len(rows))
    return canvas


class _Scale:
    """Milliseconds to columns of the picture, 0 at LEFT."""

    def __init__(self, longest_ms: float) -> None:
        self.step_ms = next((step for step in STEPS if longest_ms / step <= MOST_STEPS), STEPS[-1])
        self.end_ms = self.step_ms * max(1, -(-longest_ms // self.step_ms))

    def x(self, milliseconds: float) -> int:
        share = milliseconds / self.end_ms
        return LEFT + int(round(share * (WIDTH - LEFT - RIGHT)))


def _heading(canvas: np.ndarray, report: Report) -> None:
    pack, rate = report["pack"], report["pictures_per_s"]["pipelined"]
    title = f"{report['machine']}: {rate:.1f} pictures/s"
    rest = f"{pack['name']} {pack['precision']}, {report['backend']}, {_video(report)}"
    draw.write(canvas, title, (16, 26), INK, 0.6)
    draw.write(canvas, rest, (16, 48), INK, TEXT_SCALE)
    draw.write(canvas, "p50 / p90 / p99, ms", (WIDTH - RIGHT + 24, TOP - 4), INK, TEXT_SCALE)


def _video(report: Report) -> str:
    video = report["video"]
    return f"{video['codec']} {video['width']}x{video['height']}"


def _axis(canvas: np.ndarray, scale: _Scale, bottom: int) -> None:
    steps = int(round(scale.end_ms / scale.step_ms))
    for number in range(steps + 1):
        milliseconds = number * scale.step_ms
        canvas[TOP:bottom, scale.x(milliseconds)] = FAINT
        draw.write(
            canvas, f"{milliseconds:g}", (scale.x(milliseconds) - 8, bottom + 16), INK, TEXT_SCALE
        )
    legend = "ms a run: bar p50, tail p90, mark p99"
    draw.write(canvas, legend, (LEFT, bottom + 36), INK, TEXT_SCALE)


def _row(canvas: np.ndarray, scale: _Scale, middle: int, name: str, times: Times) -> None:
    bar, tail = (TOTAL_BAR, TOTAL_TAIL) if name == "total" else (BAR, TAIL)
    p50, p90, p99 = times["p50_ms"], times["p90_ms"], times["p99_ms"]
    _box(canvas, (scale.x(0), scale.x(p90)), middle, BAR_HEIGHT, tail)
    _box(canvas, (scale.x(0), max(scale.x(p50), scale.x(0) + 1)), middle, BAR_HEIGHT, bar)
    _box(canvas, (scale.x(p99) - 1, scale.x(p99) + 1), middle, BAR_HEIGHT, bar)
    draw.write(canvas, name, (16, middle + 5), INK, TEXT_SCALE)
    text = f"{p50:.2f} / {p90:.2f} / {p99:.2f}"
    draw.write(canvas, text, (WIDTH - RIGHT + 24, middle + 5), INK, TEXT_SCALE)


def _target(canvas: np.ndarray, scale: _Scale, pictures_per_s: float, bottom: int) -> None:
    """The time that a picture may take, if it is on the scale."""
    milliseconds = 1000.0 / pictures_per_s
    if milliseconds <= scale.end_ms:
        canvas[TOP:bottom, scale.x(milliseconds)] = TARGET
        text = f"target {pictures_per_s:g}/s"
        draw.write(canvas, text, (scale.x(milliseconds) - 40, TOP - 4), TARGET, TEXT_SCALE)


def _box(
    canvas: np.ndarray, columns: Tuple[int, int], middle: int, height: int, colour: Colour
) -> None:
    top = middle - height // 2
    canvas[top : top + height, columns[0] : columns[1]] = colour
