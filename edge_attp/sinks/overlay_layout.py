"""What the overlay video looks like: the picture with its motion, a column of facts, a legend."""

from typing import Optional, Tuple

import numpy as np

from edge_attp.recognition import ScoredPicture, top
from edge_attp.sinks import draw
from edge_attp.sinks.base import Header
from edge_attp.sinks.draw import Marks, Size
from edge_attp.timing import TARGET_MS

__all__ = ["Layout", "heat_size"]

VIEW_WIDTH, VIEW_HEIGHT = 960, 576  # the picture is scaled to fit in
COLUMN, MARGIN = 304, 16
INNER = COLUMN - 2 * MARGIN
LABELS = 5
CERTAIN = 0.6  # from here on a label is shown as recognised
COLUMN_HEIGHT = 500
HEAT_HEIGHT = 180.0
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
        self._heat = heat_size(header)
        self.size = (self._view[0] + COLUMN, self._body + draw.LEGEND_HEIGHT)
        title = f"{header.model} on {header.backend.split(',')[0]}"
        self._legend = draw.legend(self.size[0], title, bit_depth=header.bit_depth)

    def draw(
        self,
        picture: ScoredPicture,
        behind: Optional[np.ndarray],
        marks: Marks,
        heat: np.ndarray,
    ) -> np.ndarray:
        """One picture of the overlay, RGB uint8 (height, width, 3).

        behind: RGB of any size or None. heat: of the residual, RGB uint8 of heat_size().
        """
        width, height = self.size
        canvas = np.empty((height, width, 3), np.uint8)
        canvas[...] = draw.CANVAS
        canvas[self._body :] = self._legend
        top_edge = (self._body - self._view[1]) // 2
        if behind is not None:
            behind = draw.resize(behind, self._view, "cubic")
        view = draw.draw_motion(behind, marks, self._view)
        canvas[top_edge : top_edge + self._view[1], : self._view[0]] = view
        self._draw_regions(canvas[top_edge : top_edge + self._view[1]], picture)
        self._draw_place(canvas, picture, top_edge)
        self._draw_answer(canvas, picture, top_edge + self._view[1])
        y = self._draw_heat(canvas, heat, MARGIN)
        y = self._draw_labels(canvas, picture, y + 34)
        self._draw_timing(canvas, y + 26)
        return canvas

    def _draw_regions(self, canvas: np.ndarray, picture: ScoredPicture) -> None:
        """A square around each region, with its number and best label; the one that speaks for the picture is
        brighter."""
        scale = self._view[0] / self._header.width, self._view[1] / self._header.height
        for scored in reversed(picture.regions):
            if scored.region is None:
                continue
            region = scored.region
            corners = (
                (region.x_px, region.y_px),
                (
                    region.x_px + region.side_px,
                    region.y_px + region.side_px,
                ),
            )
            (left, top_edge), (right, bottom) = (
                (int(x * scale[0]), int(y * scale[1])) for x, y in corners
            )
            colour = LIGHT if scored is picture.decisive else DIM
            draw.frame(canvas, (left, top_edge, right - 1, bottom - 1), colour)
            label, probability = top(scored.probabilities, self._header.labels, 1)[0]
            text = f"{region.id}  {label[:24]}  {probability:.2f}"
            draw.write(canvas, text, (left + 6, max(top_edge, 0) + 18), colour)

    def _draw_place(self, canvas: np.ndarray, picture: ScoredPicture, y: int) -> None:
        text = "{:7.2f} s   {}{}   picture {}".format(
            picture.start_s, picture.kind, " key" if picture.is_key else "", picture.decode_index
        )
        if picture.is_idle:
            text += "   idle"
        if picture.integrity != "ok":
            text += "   " + picture.integrity
        _shade(canvas, 0, y, 250, y + 26)
        draw.write(canvas, text, (10, y + 18), LIGHT)

    def _draw_answer(self, canvas: np.ndarray, picture: ScoredPicture, bottom: int) -> None:
        if picture.smoothed is None:
            return
        label, probability = top(picture.smoothed, self._header.labels, 1)[0]
        colour = GOOD if probability >= CERTAIN else LIGHT
        text = f"{label}  {probability:.2f}"
        _shade(canvas, 0, bottom - 50, min(self._view[0], 40 + _big_width(text)), bottom)
        _write_big(canvas, text, (16, bottom - 16), colour)

    def _draw_heat(self, canvas: np.ndarray, heat: np.ndarray, y: int) -> int:
        draw.write(canvas, "residual", (self._left, y + 10), DIM)
        y += 20
        width, height = self._heat
        x = self._left + (INNER - width) // 2
        canvas[y : y + height, x : x + width] = heat
        return y + height

    def _draw_labels(self, canvas: np.ndarray, picture: ScoredPicture, y: int) -> int:
        note = "" if self._header.is_trained else "  (untrained: no meaning)"
        end = draw.write(canvas, "action", (self._left, y), DIM)
        draw.write(canvas, note, (end, y), BAD)
        if picture.smoothed is None:
            return y + 30 * min(LABELS, len(self._header.labels))
        for label, probability in top(picture.smoothed, self._header.labels, LABELS):
            y += 30
            colour = GOOD if probability >= CERTAIN else PLAIN
            draw.write(canvas, label[:24], (self._left, y - 10), LIGHT)
            draw.write(canvas, f"{probability:.2f}", (self._left + INNER - 30, y - 10), LIGHT)
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
        canvas[y : y + 6, self._left : self._left + INNER] = TRACK
        canvas[y : y + 6, self._left : self._pixel(share)] = colour

    def _pixel(self, share: float) -> int:
        return self._left + int(round(INNER * min(max(share, 0.0), 1.0)))


def heat_size(header: Header) -> Size:
    """Size of the residual's heat picture in the column."""
    height = min(INNER * header.height / header.width, HEAT_HEIGHT)
    return _even(height * header.width / header.height), _even(height)


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
