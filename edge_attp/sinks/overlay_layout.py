"""What the overlay video looks like: the picture with its motion, a column of facts, a legend."""

from typing import Any, Optional, Tuple

import numpy as np

from edge_attp.recognition import Result, top
from edge_attp.sinks import draw
from edge_attp.sinks.base import Header
from edge_attp.timing import TARGET_MS

__all__ = ["Layout"]

VIEW_WIDTH, VIEW_HEIGHT = 960, 576  # the picture is scaled to fit in
COLUMN, MARGIN = 304, 16
LABELS = 5
CERTAIN = 0.6  # from here on a label is shown as recognised
COLUMN_HEIGHT = 500
LIGHT, DIM = (235, 235, 235), (150, 155, 165)
GOOD, PLAIN, BAD = (96, 200, 120), (96, 140, 200), (235, 110, 90)
TRACK = (48, 52, 62)
STAGE_COLOURS = (
    ("parse", (110, 168, 254)),
    ("tensors", (129, 220, 188)),
    ("motion", (250, 176, 90)),
    ("score", (222, 130, 220)),
)


class Layout:
    """Places everything once; draw() then fills one canvas per picture. `size`: (width, height)."""

    def __init__(self, header: Header) -> None:
        self._header = header
        scale = min(VIEW_WIDTH / header.width, VIEW_HEIGHT / header.height)
        self._view = (_even(header.width * scale), _even(header.height * scale))
        self._body = max(self._view[1], COLUMN_HEIGHT)
        self._left = self._view[0] + MARGIN
        self._inner = COLUMN - 2 * MARGIN
        heat_height = min(self._inner * header.height / header.width, 180.0)
        self._heat = (_even(heat_height * header.width / header.height), _even(heat_height))
        self.size = (self._view[0] + COLUMN, self._body + draw.LEGEND_HEIGHT)
        title = "{} on {}".format(header.model, header.backend.split(",")[0])
        self._legend = draw.legend(self.size[0], title, bit_depth=header.bit_depth)

    def fit_heat(self, heat: np.ndarray) -> np.ndarray:
        """The residual's heat picture in the size that it has in the column."""
        cv2 = draw.opencv()
        return cv2.resize(heat, self._heat, interpolation=cv2.INTER_AREA)

    def draw(
        self,
        result: Result,
        behind: Optional[np.ndarray],
        motion: Any,
        flow: np.ndarray,
        heat: np.ndarray,
    ) -> np.ndarray:
        """One picture of the overlay, RGB uint8 (height, width, 3).

        behind: RGB of any size or None. motion, flow: see draw.draw_motion. heat: from fit_heat().
        """
        width, height = self.size
        canvas = np.empty((height, width, 3), np.uint8)
        canvas[...] = draw.CANVAS
        canvas[self._body :] = self._legend
        top_edge = (self._body - self._view[1]) // 2
        view = draw.draw_motion(self._scaled(behind), motion, self._view, flow=flow)
        canvas[top_edge : top_edge + self._view[1], : self._view[0]] = view
        self._draw_place(canvas, result, top_edge)
        self._draw_answer(canvas, result, top_edge + self._view[1])
        y = self._draw_heat(canvas, heat, MARGIN)
        y = self._draw_labels(canvas, result, y + 34)
        self._draw_timing(canvas, y + 26)
        return canvas

    def _scaled(self, behind: Optional[np.ndarray]) -> Optional[np.ndarray]:
        if behind is None:
            return None
        cv2 = draw.opencv()
        grows = behind.shape[1] < self._view[0]
        way = cv2.INTER_CUBIC if grows else cv2.INTER_AREA
        return cv2.resize(behind, self._view, interpolation=way)

    def _draw_place(self, canvas: np.ndarray, result: Result, y: int) -> None:
        text = "{:7.2f} s   {}{}   picture {}".format(
            result.start_s, result.kind, " key" if result.is_key else "", result.decode_index
        )
        if result.integrity != "ok":
            text += "   " + result.integrity
        _shade(canvas, 0, y, 250, y + 26)
        draw.write(canvas, text, (10, y + 18), LIGHT)

    def _draw_answer(self, canvas: np.ndarray, result: Result, bottom: int) -> None:
        if result.smoothed is None:
            return
        label, probability = top(result.smoothed, self._header.labels, 1)[0]
        colour = GOOD if probability >= CERTAIN else LIGHT
        text = f"{label}  {probability:.2f}"
        _shade(canvas, 0, bottom - 50, min(self._view[0], 40 + _big_width(text)), bottom)
        _write_big(canvas, text, (16, bottom - 16), colour)

    def _draw_heat(self, canvas: np.ndarray, heat: np.ndarray, y: int) -> int:
        draw.write(canvas, "residual", (self._left, y + 10), DIM)
        y += 20
        x = self._left + (self._inner - self._heat[0]) // 2
        canvas[y : y + heat.shape[0], x : x + heat.shape[1]] = heat
        return y + heat.shape[0]

    def _draw_labels(self, canvas: np.ndarray, result: Result, y: int) -> int:
        note = "" if self._header.is_trained else "  (untrained: no meaning)"
        end = draw.write(canvas, "action", (self._left, y), DIM)
        draw.write(canvas, note, (end, y), BAD)
        if result.smoothed is None:
            return y + 30 * min(LABELS, len(self._header.labels))
        for label, probability in top(result.smoothed, self._header.labels, LABELS):
            y += 30
            colour = GOOD if probability >= CERTAIN else PLAIN
            draw.write(canvas, label[:24], (self._left, y - 10), LIGHT)
            draw.write(canvas, f"{probability:.2f}", (self._left + self._inner - 30, y - 10), LIGHT)
            self._bar(canvas, y - 4, probability, colour)
        return y

    def _draw_timing(self, canvas: np.ndarray, y: int) -> None:
        """Work of the newest scored picture, stage after stage, on a bar that is TARGET_MS long."""
        clock = self._header.clock
        draw.write(canvas, f"ms a picture, of {TARGET_MS:.0f}", (self._left, y), DIM)
        self._bar(canvas, y + 10, 0.0, TRACK)
        start, x = 0.0, self._left
        for name, colour in STAGE_COLOURS:
            share = clock.last_ms(name) / TARGET_MS
            left, right = (self._pixel(value) for value in (start, start + share))
            canvas[y + 10 : y + 16, left:right] = colour
            start += share
            canvas[y + 26 : y + 34, x : x + 8] = colour
            x = draw.write(canvas, name, (x + 12, y + 34), LIGHT) + 10

    def _bar(self, canvas: np.ndarray, y: int, share: float, colour: Tuple[int, int, int]) -> None:
        canvas[y : y + 6, self._left : self._left + self._inner] = TRACK
        canvas[y : y + 6, self._left : self._pixel(share)] = colour

    def _pixel(self, share: float) -> int:
        return self._left + int(round(self._inner * min(max(share, 0.0), 1.0)))


def _even(length: float) -> int:
    return max(2, int(length / 2 + 0.5) * 2)


def _shade(canvas: np.ndarray, left: int, top_edge: int, right: int, bottom: int) -> None:
    """Darkens a rectangle so that text on it can be read."""
    part = canvas[top_edge:bottom, left:right]
    part[...] = part // 3


def _big_width(text: str) -> int:
    cv2 = draw.opencv()
    return int(cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, 0.9, 1)[0][0])


def _write_big(
    canvas: np.ndarray, text: str, origin: Tuple[int, int], colour: Tuple[int, int, int]
) -> None:
    cv2 = draw.opencv()
    cv2.putText(canvas, text, origin, cv2.FONT_HERSHEY_DUPLEX, 0.9, colour, 1, cv2.LINE_AA)
