"""Third witness: the coded residual of intra macroblocks, checked with every intra prediction there is (clause 8.3).

The parser gives no prediction modes. So a macroblock counts as right if some choice of modes, predicted from FFmpeg's
own unfiltered picture, gives FFmpeg's samples bit for bit when our residual is added. Which neighbours are available
(slices, constrained_intra_pred_flag) is not known either: every case is tried. Few modes against hundreds of samples:
a wrong residual does not pass.
"""

import numpy as np

INTRA = 0


def check(picture, frame):
    """Returns how many intra 4x4 blocks were checked, and as bool (H4, W4) those of macroblocks nothing explains."""
    mode = picture.motion.mode
    wrong = np.zeros(mode.shape, bool)
    is_intra = _on_coded_grid(
        mode == INTRA, frame.y.shape, frame.left // 4, frame.top // 4, 4, False
    )
    macroblocks = np.argwhere(is_intra.reshape(frame.y.shape[0] // 16, 4, -1, 4).any((1, 3)))
    if not len(macroblocks):
        return 0, wrong
    residual = picture.residual
    good = _luma_fits(_Plane(frame.y, residual.y, frame.left, frame.top), macroblocks)
    half = frame.left // 2, frame.top // 2
    good &= _chroma_fits(
        _Plane(frame.u, residual.u, *half), _Plane(frame.v, residual.v, *half), macroblocks
    )
    for row, column in macroblocks[~good]:
        y, x = 4 * row - frame.top // 4, 4 * column - frame.left // 4
        part = np.s_[max(y, 0) : y + 4, max(x, 0) : x + 4]
        wrong[part] = (mode == INTRA)[part]
    return int((mode == INTRA).sum()), wrong


def _on_coded_grid(values, shape, left, top, unit, fill):
    """Puts what covers the displayed part where it belongs in an array that covers the coded picture."""
    out = np.full((shape[0] // unit, shape[1] // unit), fill, values.dtype)
    height, width = values.shape[0], values.shape[1]
    inside = out[top : top + height, left : left + width]
    inside[...] = values[: inside.shape[0], : inside.shape[1]]
    return out


class _Plane:
    """FFmpeg's samples and our residual over the coded picture; only displayed samples have a residual to compare."""

    def __init__(self, truth, residual, left, top):
        self._truth = np.pad(truth.astype(np.int32), ((1, 0), (1, 16)), mode="edge")
        self._residual = _on_coded_grid(residual.astype(np.int32), truth.shape, left, top, 1, 0)
        self._shown = _on_coded_grid(
            np.ones(residual.shape, bool), truth.shape, left, top, 1, False
        )

    def edges(self, rows, columns, size):
        """Neighbours of blocks at these sample positions: left (N, size), corner (N,), top (N, 2 * size)."""
        down = rows[:, None] + 1 + np.arange(size)
        along = columns[:, None] + 1 + np.arange(2 * size)
        width = self._truth.shape[1] - 1
        return (
            self._truth[down, columns[:, None]],
            self._truth[rows, columns],
            self._truth[rows[:, None], np.minimum(along, width)],
        )

    def blocks(self, rows, columns, size):
        """What a prediction of these blocks must come to: residual, FFmpeg's samples and which are displayed."""
        r, c = (
            rows[:, None, None] + np.arange(size)[:, None],
            columns[:, None, None] + np.arange(size),
        )
        return self._residual[r, c], self._truth[r + 1, c + 1], ~self._shown[r, c]


def _fits(prediction, blocks):
    """bool (N,): clip(prediction + residual) is FFmpeg's block. prediction: (N, size, size)."""
    residual, truth, hidden = blocks
    ours = np.clip(prediction + residual, 0, 255)
    return ((ours == truth) | hidden).all((1, 2))


def _luma_fits(plane, macroblocks):
    """Intra_16x16, or Intra_4x4, or Intra_8x8: one of the three explains the whole macroblock."""
    good = np.zeros(len(macroblocks), bool)
    for size, predictions in ((16, _intra_16x16), (4, _intra_4x4), (8, _intra_8x8)):
        rest = macroblocks[~good]
        steps = np.arange(0, 16, size)
        y = (16 * rest[:, 0, None, None] + steps[:, None] + 0 * steps).ravel()
        x = (16 * rest[:, 1, None, None] + 0 * steps[:, None] + steps).ravel()
        blocks = plane.blocks(y, x, size)
        fits = np.zeros(y.size, bool)
        for prediction in predictions(*plane.edges(y, x, size)):
            fits |= _fits(prediction, blocks)
        good[~good] = fits.reshape(len(rest), steps.size**2).all(1)
    return good


def _chroma_fits(cb, cr, macroblocks):
    """One mode for both chroma planes."""
    rows, columns = 8 * macroblocks[:, 0], 8 * macroblocks[:, 1]
    good = np.zeros(len(macroblocks), bool)
    blocks = [plane.blocks(rows, columns, 8) for plane in (cb, cr)]
    predictions = (_intra_chroma(*plane.edges(rows, columns, 8)) for plane in (cb, cr))
    for in_cb, in_cr in zip(*predictions):
        good |= _fits(in_cb, blocks[0]) & _fits(in_cr, blocks[1])
    return good


def _flat(value, size):
    return np.broadcast_to(np.asarray(value)[:, None, None], (len(value), size, size))


def _dc(left, top):
    """The mean of both edges, of one, and 128 where neither is available."""
    size = left.shape[1]
    log2 = size.bit_length() - 1
    across, down = top[:, :size].sum(1), left.sum(1)
    both = (across + down + size) >> (log2 + 1)
    one = [(edge + size // 2) >> log2 for edge in (across, down)]
    return [_flat(value, size) for value in (both, *one, np.full(len(left), 128))]


def _vertical_and_horizontal(left, top):
    size = left.shape[1]
    shape = (len(left), size, size)
    return [np.broadcast_to(top[:, None, :size], shape), np.broadcast_to(left[:, :, None], shape)]


def _planar(left, corner, top, size, factor):
    """Intra_16x16_Plane (8.3.3.4) and Intra_Chroma_Plane (8.3.4.4)."""
    half = size // 2
    across = np.concatenate([corner[:, None], top[:, :size]], 1)
    down = np.concatenate([corner[:, None], left], 1)
    steps = np.arange(1, half + 1)
    h, v = ((edge[:, half + steps] - edge[:, half - steps]) @ steps for edge in (across, down))
    b, c = (factor * h + 32) >> 6, (factor * v + 32) >> 6
    a = 16 * (left[:, -1] + top[:, size - 1])
    ramp = np.arange(size) - (half - 1)
    slope = b[:, None, None] * ramp + c[:, None, None] * ramp[:, None]
    return np.clip((a[:, None, None] + slope + 16) >> 5, 0, 255)


def _intra_16x16(left, corner, top):
    """8.3.3."""
    return (
        _vertical_and_horizontal(left, top) + _dc(left, top) + [_planar(left, corner, top, 16, 5)]
    )


def _intra_chroma(left, corner, top):
    """8.3.4, 4:2:0: DC differs per 4x4 block and with what is available."""
    predictions = _vertical_and_horizontal(left, top) + [_planar(left, corner, top, 8, 34)]
    for has_left in (True, False):
        for has_top in (True, False):
            block = np.empty((len(left), 8, 8), np.int32)
            for y in (0, 4):
                for x in (0, 4):
                    value = _chroma_dc(
                        left[:, y : y + 4], top[:, x : x + 4], has_left, has_top, x > y, x < y
                    )
                    block[:, y : y + 4, x : x + 4] = value
            predictions.append(block)
    return predictions


def _chroma_dc(left, top, has_left, has_top, prefers_top, prefers_left):
    """One 4x4 block of Intra_Chroma_DC (8.3.4.1-3)."""
    both, above, beside, neither = _dc(left, top)
    if has_left and has_top and not prefers_top and not prefers_left:
        return both
    if has_top and (prefers_top or not has_left or not prefers_left):
        return above
    return beside if has_left else neither


def _intra_4x4(left, corner, top):
    """8.3.1.2, with the samples above and to the right as they are, or replaced by the last one above."""
    for above in (top, _without_right(top)):
        yield from _directional(left, corner, above)
    yield from _vertical_and_horizontal(left, top) + _dc(left, top)


def _intra_8x8(left, corner, top):
    """8.3.2.2, for every case of the reference sample filter."""
    for above in (top, _without_right(top)):
        yield from _directional(*_filtered(left, corner, above, True))
        for has_corner in (True, False):
            smooth_left, smooth_corner, smooth_top = _filtered(left, corner, above, has_corner)
            yield from _vertical_and_horizontal(smooth_left, smooth_top) + _dc(
                smooth_left, smooth_top
            )
            yield from _directional(smooth_left, smooth_corner, smooth_top)


def _without_right(top):
    size = top.shape[1] // 2
    return np.concatenate([top[:, :size], np.repeat(top[:, size - 1 : size], size, 1)], 1)


def _filtered(left, corner, top, has_corner):
    """Reference sample filtering process for Intra_8x8 (8.3.2.2.1)."""

    def smooth(edge):
        before = corner[:, None] if has_corner else edge[:, :1]
        longer = np.concatenate([before, edge, edge[:, -1:]], 1)
        return (longer[:, :-2] + 2 * longer[:, 1:-1] + longer[:, 2:] + 2) >> 2

    return smooth(left), (left[:, 0] + 2 * corner + top[:, 0] + 2) >> 2, smooth(top)


def _directional(left, corner, top):
    """The six diagonal modes of Intra_4x4 and Intra_8x8, which are the same on an edge of other length."""
    size = left.shape[1]
    edge = np.concatenate([left[:, ::-1], corner[:, None], top], 1)

    def sample(k):  # k = 0: corner, k > 0: above, k < 0: to the left
        return edge[:, min(size + k, edge.shape[1] - 1)]

    def two(k):
        return (sample(k) + sample(k + 1) + 1) >> 1

    def three(k):
        return (sample(k - 1) + 2 * sample(k) + sample(k + 1) + 2) >> 2

    def vertical_right(x, y):
        z = 2 * x - y
        if z >= 0:
            return three(x - y // 2) if z % 2 else two(x - y // 2)
        return three(0) if z == -1 else three(2 * x + 1 - y)

    def horizontal_down(x, y):
        z = 2 * y - x
        if z >= 0:
            return three(x // 2 - y) if z % 2 else two(x // 2 - y - 1)
        return three(0) if z == -1 else three(x - 2 * y - 1)

    def horizontal_up(x, y):
        z = x + 2 * y
        if z > 2 * size - 3:
            return sample(-size)
        if z == 2 * size - 3:
            return (sample(1 - size) + 3 * sample(-size) + 2) >> 2
        k = -(y + x // 2) - 1
        return three(k - 1) if z % 2 else two(k - 1)

    modes = (
        lambda x, y: three(x + y + 2),  # Diagonal_Down_Left
        lambda x, y: three(x - y),  # Diagonal_Down_Right
        vertical_right,
        horizontal_down,
        lambda x, y: three(x + y // 2 + 2) if y % 2 else two(x + y // 2 + 1),  # Vertical_Left
        horizontal_up,
    )
    for mode in modes:
        prediction = np.empty((len(left), size, size), np.int32)
        for y in range(size):
            for x in range(size):
                prediction[:, y, x] = mode(x, y)
        yield prediction
