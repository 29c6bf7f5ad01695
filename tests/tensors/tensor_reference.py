"""Plain float64 NumPy reference of the network inputs, from the definition in edge_attp.tensors.

Each axis is one dense matrix of weights; nothing is skipped, cached or cropped early.
"""

import numpy as np

BT601 = np.array([[1.0, 0.0, 1.402], [1.0, -0.344136286, -0.714136286], [1.0, 1.772, 0.0]])


def axis(length, step, resized):
    """Weights (resized, samples): length luma samples, each plane sample `step` of them wide."""
    samples = -(-length // step)
    weights = np.zeros((resized, samples))
    for k in range(resized):
        if length > resized * step:
            left, right = k * length / resized, (k + 1) * length / resized
            for i in range(samples):
                overlap = min(right, (i + 1) * step) - max(left, i * step)
                weights[k, i] = max(0.0, overlap) / (right - left)
        else:
            position = (k + 0.5) * length / resized / step - 0.5
            for i in (int(np.floor(position)), int(np.floor(position)) + 1):
                weights[k, min(max(i, 0), samples - 1)] += 1 - abs(position - i)
    return weights


def resize(plane, size, step, resized):
    """plane (h, w) of a picture of size (width, height) to (resized height, resized width)."""
    rows = axis(size[1], step, resized[1])
    columns = axis(size[0], step, resized[0])
    return rows @ plane.astype(np.float64) @ columns.T


def crop(planes, size):
    """The middle `size` = (width, height) of (c, h, w)."""
    top = (planes.shape[1] - size[1]) // 2
    left = (planes.shape[2] - size[0]) // 2
    return planes[:, top : top + size[1], left : left + size[0]]


def normalise(planes, mean, std):
    return (planes - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))


def rgb(picture, resized, cropped, mean, std):
    size = picture.shape[1], picture.shape[0]
    planes = [resize(picture[:, :, c], size, 1, resized) for c in range(3)]
    return normalise(crop(np.stack(planes), cropped) / 255, mean, std)


def flow(field, size, resized, cropped, scale):
    planes = [resize(field[c], size, 4, resized) * resized[c] / size[c] for c in range(2)]
    return np.clip(crop(np.stack(planes), cropped) * scale, -1, 1)


def residual(y, u, v, resized, cropped, mean, std, bit_depth=8):
    size = y.shape[1], y.shape[0]
    yuv = np.stack([resize(plane, size, step, resized) for plane, step in ((y, 1), (u, 2), (v, 2))])
    planes = np.tensordot(BT601, yuv, axes=1) / (2**bit_depth - 1)
    return normalise(crop(planes, cropped), mean, std)


def energy(luma, resized, cropped, mean, std, bit_depth=8):
    height, width = luma.shape
    magnitudes = np.abs(luma.astype(np.float64)) / 2 ** (bit_depth - 8)
    rows, columns = range(0, height, 4), range(0, width, 4)
    blocks = np.array([[magnitudes[y : y + 4, x : x + 4].mean() for x in columns] for y in rows])
    plane = resize(blocks, (width, height), 4, resized)
    return crop((plane[None] - mean) / std, cropped)
