"""The backbones as plain NumPy functions of a state dictionary, written from the papers' tables.

Independent of the PyTorch modules: it reads parameters by the names that torchvision's checkpoints use, so it proves
names, shapes, strides, padding and activations at once.
"""

import numpy as np

EPSILON, TENSORFLOWS_EPSILON = 1e-5, 1e-3  # of batch normalisation


def mobilenet_v2(state, x):
    """Feature map of MobileNetV2 1.0 (arXiv:1801.04381, table 2)."""
    stages = "1 16 1 1|6 24 2 2|6 32 3 2|6 64 4 2|6 96 3 1|6 160 3 2|6 320 1 1"
    x = relu6(conv_norm(state, "features.0", x, 2))
    block = 1
    for expansion, channels, repeats, first_stride in _table(stages):
        for index in range(repeats):
            stride = first_stride if index == 0 else 1
            y, layer = x, 0
            if expansion > 1:
                y, layer = relu6(conv_norm(state, f"features.{block}.conv.0", y)), 1
            y = relu6(conv_norm(state, f"features.{block}.conv.{layer}", y, stride))
            y = convolve(y, state[f"features.{block}.conv.{layer + 1}.weight"])
            y = normalise(state, f"features.{block}.conv.{layer + 2}", y)
            assert y.shape[1] == channels
            x = x + y if stride == 1 and x.shape[1] == channels else y
            block += 1
    return relu6(conv_norm(state, f"features.{block}", x))


def efficientnet(state, x, depth):
    """Feature map of EfficientNet-B0 (depth 1.0) or B1 (depth 1.1) (arXiv:1905.11946, table 1)."""
    stages = "1 16 1 1 3|6 24 2 2 3|6 40 2 2 5|6 80 3 2 3|6 112 3 1 5|6 192 4 2 5|6 320 1 1 3"
    x = silu(conv_norm(state, "features.0", x, 2))
    for stage, (expansion, channels, repeats, first_stride, kernel) in enumerate(_table(stages), 1):
        for index in range(int(np.ceil(repeats * depth))):
            stride = first_stride if index == 0 else 1
            y, layer, path = x, 0, f"features.{stage}.{index}.block"
            if expansion > 1:
                y, layer = silu(conv_norm(state, f"{path}.0", y)), 1
            assert state[f"{path}.{layer}.0.weight"].shape[2] == kernel
            y = silu(conv_norm(state, f"{path}.{layer}", y, stride))
            y = y * squeeze_gate(state, f"{path}.{layer + 1}", y)
            y = conv_norm(state, f"{path}.{layer + 2}", y)
            assert y.shape[1] == channels
            x = x + y if stride == 1 and x.shape[1] == channels else y
    return silu(conv_norm(state, "features.8", x))


def efficientnet_lite(state, x, depth):
    """Feature map of EfficientNet-Lite0 (depth 1.0) or Lite1 (depth 1.1), padded and normalised as in TensorFlow."""

    def layer(path, y, stride=1):
        y = convolve_same(y, state[f"{path}.0.weight"], stride)
        return normalise(state, f"{path}.1", y, TENSORFLOWS_EPSILON)

    stages = "1 16 1 1 3|6 24 2 2 3|6 40 2 2 5|6 80 3 2 3|6 112 3 1 5|6 192 4 2 5|6 320 1 1 3"
    x = relu6(layer("features.0", x, 2))
    for stage, (expansion, channels, repeats, first_stride, kernel) in enumerate(_table(stages), 1):
        grown = repeats if stage in (1, 7) else int(np.ceil(repeats * depth))
        for index in range(grown):
            stride = first_stride if index == 0 else 1
            y, number, path = x, 0, f"features.{stage}.{index}.block"
            if expansion > 1:
                y, number = relu6(layer(f"{path}.0", y)), 1
            assert state[f"{path}.{number}.0.weight"].shape[2] == kernel
            y = relu6(layer(f"{path}.{number}", y, stride))
            y = layer(f"{path}.{number + 1}", y)
            assert y.shape[1] == channels
            x = x + y if stride == 1 and x.shape[1] == channels else y
    return relu6(layer("features.8", x))


def squeeze_gate(state, path, x):
    mean = x.mean(axis=(2, 3), keepdims=True)
    hidden = silu(convolve(mean, state[f"{path}.fc1.weight"]) + _column(state[f"{path}.fc1.bias"]))
    return sigmoid(
        convolve(hidden, state[f"{path}.fc2.weight"]) + _column(state[f"{path}.fc2.bias"])
    )


def conv_norm(state, path, x, stride=1):
    """Convolution `path`.0 and batch normalisation `path`.1."""
    return normalise(state, f"{path}.1", convolve(x, state[f"{path}.0.weight"], stride))


def convolve_same(x, weight, stride):
    """Convolution to ceil(size / stride) outputs; of an odd number of zeros, the odd one comes last."""
    kernel = weight.shape[2]
    totals = [max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in x.shape[2:]]
    return convolve(x, weight, stride, [(total // 2, total - total // 2) for total in totals])


def convolve(x, weight, stride=1, pads=None):
    """Cross-correlation with zero padding of half a kernel; depthwise where weight has one input channel."""
    half = weight.shape[2] // 2
    x = np.pad(x, [(0, 0), (0, 0), *(pads or [(half, half)] * 2)])
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    if weight.shape[1] == 1:
        return np.einsum("nchwij,cij->nchw", windows, weight[:, 0])
    return np.einsum("nchwij,ocij->nohw", windows, weight, optimize=True)


def normalise(state, path, x, epsilon=EPSILON):
    scale = state[f"{path}.weight"] / np.sqrt(state[f"{path}.running_var"] + epsilon)
    return (x - _column(state[f"{path}.running_mean"])) * _column(scale) + _column(
        state[f"{path}.bias"]
    )


def relu6(x):
    return np.clip(x, 0, 6)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def silu(x):
    return x * sigmoid(x)


def _column(values):
    return values[:, None, None]


def _table(text):
    return [tuple(int(number) for number in row.split()) for row in text.split("|")]
