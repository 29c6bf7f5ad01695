"""Second witness of HEVC: the coded residual of intra blocks, checked with every intra prediction there is (8.4.4.2).

The parser gives neither prediction modes nor transform sizes. So an intra block counts as right if it can be cut into
transform blocks of which each, predicted in some mode from FFmpeg's own unfiltered picture, gives FFmpeg's samples bit
for bit when our residual is added. Which neighbours are available follows from the headers and from our modes.
Few modes against hundreds of samples: a wrong residual does not pass.
"""

import numpy as np

INTRA, PCM = 0, 3
PLANAR, DC, HORIZONTAL, VERTICAL = 0, 1, 10, 26
# Table 8-5, modes 2 to 34, and Table 8-6, modes 11 to 25.
_ANGLES = (32, 26, 21, 17, 13, 9, 5, 2, 0, -2, -5, -9, -13, -17, -21, -26)
_ANGLES = dict(enumerate(_ANGLES + (-32,) + _ANGLES[::-1], 2))
_INVERSE = (-4096, -1638, -910, -630, -482, -390, -315, -256)
_INVERSE = dict(enumerate(_INVERSE + _INVERSE[-2::-1], 11))
_FILTER_ABOVE = {8: 7, 16: 1, 32: 0}  # intraHorVerDistThres (8.4.4.2.3)


def check(picture, frame):
    """Returns how many intra 4x4 blocks were checked, and as bool (H4, W4) those that nothing explains."""
    mode = picture.motion.mode
    top, left = frame.top // 4, frame.left // 4
    shape = frame.layout.order.shape
    whole = np.pad(  # what is not displayed belongs to the coding block at the border
        mode,
        [
            (first, total - first - shown)
            for first, total, shown in zip((top, left), shape, mode.shape)
        ],
        mode="edge",
    )
    intra = whole == INTRA
    count = int((mode == INTRA).sum())
    if not count:
        return 0, np.zeros(mode.shape, bool)
    hides = frame.layout.pps.constrained_intra_pred_flag
    usable = intra | (whole == PCM) if hides else np.ones(shape, bool)
    samples = [frame.y] + [frame.u, frame.v] * bool(frame.layout.sps.chroma_format_idc)
    residual = (picture.residual.y, picture.residual.u, picture.residual.v)
    planes = [
        _Plane(truth, coded, frame, usable, 4 if k == 0 else 2)
        for k, (truth, coded) in enumerate(zip(samples, residual))
    ]
    good = _explained(planes[:1], intra)
    if planes[1:]:
        good &= _explained(planes[1:], intra)
    return count, ((mode == INTRA) & ~good[top : top + mode.shape[0], left : left + mode.shape[1]])


class _Plane:
    """FFmpeg's samples and our residual over the coded picture. unit: samples that a 4x4 luma block has across."""

    def __init__(self, truth, residual, frame, usable, unit):
        self.unit, self.bit_depth, self.layout = unit, frame.bit_depth, frame.layout
        self.truth = truth.astype(np.int32)
        self._usable = usable
        top, left = frame.top * unit // 4, frame.left * unit // 4
        self._residual = np.zeros(truth.shape, np.int32)
        self._shown = np.zeros(truth.shape, bool)
        part = np.s_[top : top + residual.shape[0], left : left + residual.shape[1]]
        self._residual[part] = residual
        self._shown[part] = True

    def blocks(self, y, x, size):
        """What a prediction of the blocks at these samples must come to: residual, truth, and what is not displayed."""
        at = (y[:, None, None] + np.arange(size)[:, None], x[:, None, None] + np.arange(size))
        return self._residual[at], self.truth[at], ~self._shown[at]

    def edge(self, y, x, size):
        """Neighbouring samples, from lower left by the corner to upper right: int32 (N, 4 * size + 1) (8.4.4.2.2)."""
        down = np.r_[np.arange(2 * size)[::-1], np.full(2 * size + 1, -1)]
        along = np.r_[np.full(2 * size + 1, -1), np.arange(2 * size)]
        rows, columns = y[:, None] + down, x[:, None] + along
        height, width = self.truth.shape
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        rows, columns = np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)
        there, here = (rows // self.unit, columns // self.unit), (y // self.unit, x // self.unit)
        order, region = self.layout.order, self.layout.region
        available = inside & (order[there] < order[here][:, None]) & self._usable[there]
        available &= region[there] == region[here][:, None]
        return self._substituted(self.truth[rows, columns], available)

    def _substituted(self, samples, available):
        """What is not available repeats the sample before it; at the beginning, the first one that is."""
        place = np.where(available, np.arange(samples.shape[1]), -1)
        place = np.maximum.accumulate(place, axis=1)
        first = np.argmax(available, axis=1)
        place = np.where(place < 0, first[:, None], place)
        samples = np.take_along_axis(samples, place, axis=1)
        samples[~available.any(1)] = 1 << (self.bit_depth - 1)
        return samples


def _explained(planes, intra):
    """bool (H4, W4): blocks that lie in some transform block, as large as need be, that some mode explains.

    planes: luma, or both chroma planes, which share their modes.
    """
    unit, sps = planes[0].unit, planes[0].layout.sps
    good = np.zeros(intra.shape, bool)
    least = 2 if unit == 4 else 3  # in luma samples: chroma blocks end at 4x4, too
    for log2 in range(max(least, sps.max_tb_log2), max(least, sps.min_tb_log2) - 1, -1):
        _try(planes, intra, good, (1 << log2) // 4)
    return good


def _try(planes, intra, good, across):
    """Marks what transform blocks of `across` 4x4 luma blocks explain."""
    unit = planes[0].unit
    height, width = (extent // across for extent in intra.shape)

    def tiles(blocks):
        return blocks[: height * across, : width * across].reshape(height, across, width, across)

    y, x = np.nonzero(tiles(intra).all((1, 3)) & ~tiles(good).all((1, 3)))
    fits = _fits(planes, y * across * unit, x * across * unit, across * unit)
    for row, column in zip(y[fits] * across, x[fits] * across):
        good[row : row + across, column : column + across] = True


def _fits(planes, y, x, size):
    """bool (N,): some mode explains the blocks at these samples in all planes."""
    fits = np.zeros(y.size, bool)
    parts = [(plane, plane.edge(y, x, size), plane.blocks(y, x, size)) for plane in planes]
    for mode in range(35):
        rest = np.flatnonzero(~fits)
        if not rest.size:
            break
        same = np.ones(rest.size, bool)
        for plane, edge, (residual, truth, hidden) in parts:
            ours = predict(
                edge[rest], size, mode, plane.bit_depth, plane.layout.sps, plane.unit == 4
            )
            ours = np.clip(ours + residual[rest], 0, (1 << plane.bit_depth) - 1)
            same &= ((ours == truth[rest]) | hidden[rest]).all((1, 2))
        fits[rest[same]] = True
    return fits


def predict(edge, size, mode, bit_depth, sps, is_luma):
    """Intra prediction: (N, 4 * size + 1) neighbours, see _Plane.edge, to (N, size, size) samples."""
    corner = 2 * size
    if is_luma:
        edge = _filtered(edge, size, mode, bit_depth, sps.strong_intra_smoothing_enabled_flag)
    smooth = is_luma and size < 32
    if mode == PLANAR:
        return _planar(edge, size)
    left, top = edge[:, corner - 1 :: -1], edge[:, corner + 1 :]
    if mode == DC:
        return _dc(left, top, size, smooth)
    prediction = _angular(edge, size, mode)
    if smooth and mode == VERTICAL:
        slope = (left[:, :size] - edge[:, corner, None]) >> 1
        prediction[:, :, 0] = np.clip(top[:, :1] + slope, 0, (1 << bit_depth) - 1)
    if smooth and mode == HORIZONTAL:
        slope = (top[:, :size] - edge[:, corner, None]) >> 1
        prediction[:, 0, :] = np.clip(left[:, :1] + slope, 0, (1 << bit_depth) - 1)
    return prediction


def _filtered(edge, size, mode, bit_depth, strong):
    """Filtering process of neighbouring samples (8.4.4.2.3), luma."""
    distance = min(abs(mode - VERTICAL), abs(mode - HORIZONTAL))
    if mode == DC or size == 4 or distance <= _FILTER_ABOVE[size]:
        return edge
    out = edge.copy()
    out[:, 1:-1] = (edge[:, :-2] + 2 * edge[:, 1:-1] + edge[:, 2:] + 2) >> 2
    if strong and size == 32:
        first, corner, last = edge[:, :1], edge[:, 64:65], edge[:, -1:]
        flat = (abs(corner + last - 2 * edge[:, 96:97]) < 1 << (bit_depth - 5)) & (
            abs(corner + first - 2 * edge[:, 32:33]) < 1 << (bit_depth - 5)
        )
        k = np.arange(65)
        rising = ((64 - k) * first + k * corner + 32) >> 6
        falling = ((64 - k) * corner + k * last + 32) >> 6
        out = np.where(flat, np.concatenate([rising, falling[:, 1:]], 1), out)
    return out


def _planar(edge, size):
    """8.4.4.2.4."""
    corner = 2 * size
    left, top = edge[:, corner - 1 : size - 1 : -1, None], edge[:, None, corner + 1 : -size]
    below, right = edge[:, size - 1, None, None], edge[:, corner + 1 + size, None, None]
    x, y = np.arange(size), np.arange(size)[:, None]
    across = (size - 1 - x) * left + (x + 1) * right
    down = (size - 1 - y) * top + (y + 1) * below
    return (across + down + size) >> size.bit_length()


def _dc(left, top, size, smooth):
    """8.4.4.2.5."""
    left, top = left[:, :size], top[:, :size]
    mean = (left.sum(1) + top.sum(1) + size) >> size.bit_length()
    out = np.repeat(mean, size * size).reshape(-1, size, size)
    if smooth:
        out[:, 0, :] = (top + 3 * mean[:, None] + 2) >> 2
        out[:, :, 0] = (left + 3 * mean[:, None] + 2) >> 2
        out[:, 0, 0] = (left[:, 0] + 2 * mean + top[:, 0] + 2) >> 2
    return out


def _angular(edge, size, mode):
    """8.4.4.2.6, without the smoothing of the first row or column."""
    corner, angle = 2 * size, _ANGLES[mode]
    sign = 1 if mode >= 18 else -1  # the main edge lies above, or to the left

    def place(k):  # ref[k]; before the corner it continues on the other edge
        return corner + sign * k if k >= 0 else corner - sign * ((k * _INVERSE[mode] + 128) >> 8)

    steps = [(n + 1) * angle for n in range(size)]
    first = np.array([[place(n + (step >> 5) + 1) for n in range(size)] for step in steps])
    second = np.array(
        [[place(n + (step >> 5) + 1 + bool(step & 31)) for n in range(size)] for step in steps]
    )
    fraction = np.array(steps)[:, None] & 31
    prediction = ((32 - fraction) * edge[:, first] + fraction * edge[:, second] + 16) >> 5
    return prediction if mode >= 18 else prediction.transpose(0, 2, 1)
