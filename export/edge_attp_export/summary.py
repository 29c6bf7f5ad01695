"""Parameters and multiply-accumulates of a model, counted without allocating its weights."""

from __future__ import annotations

from typing import Any, Callable, Iterable, List, NamedTuple

import torch
from torch import nn

from .architecture import Architecture
from .attp import ATTP, POSITIONS, SIDE

KEY_PARTS = ("LiteNet_I", "U", "FC of I")  # computed for a key picture, once per GOP


class Row(NamedTuple):
    """One part of the model. `macs` are multiply-accumulates for one picture."""

    part: str
    parameters: int
    macs: int


class Cost(NamedTuple):
    """Multiply-accumulates of a key picture, and of a P or B picture with key features kept or not."""

    key: int
    kept: int
    not_kept: int


def count(architecture: Architecture) -> List[Row]:
    """Count every part of the model; the sum of `parameters` is the whole model's.

    Multiply-accumulates are those of convolutions, projections and classifiers, as usually
    published; normalisation is folded away, and activations and the pooling's products are below a
    percent. The Fourier transforms of BP are not counted.
    """
    with torch.device("meta"):
        model = ATTP(architecture).eval()
    rows = [
        Row(
            f"LiteNet_{name}",
            parameters(net.parameters()),
            multiply_accumulates(net, _picture(net.in_channels, SIDE // net.step)),
        )
        for name, net in model.networks()
    ]
    return rows + _head_rows(model)


def _picture(channels: int, side: int) -> torch.Tensor:
    return torch.empty(1, channels, side, side, device="meta")


def _head_rows(model: ATTP) -> List[Row]:
    if model.architecture.has_classifiers:
        return [
            Row(f"FC of {name}", parameters(fc.parameters()), fc.get_parameter("weight").numel())
            for name, fc in model.classifiers.items()
        ]
    if not model.architecture.is_trilinear:
        return [Row("P", model.bilinear.p.numel(), model.bilinear.p.numel())]
    pooling = model.pooling
    projections = (("U", pooling.u), ("V", pooling.v), ("W", pooling.w))
    rows = [Row(part, p.weight.numel(), p.weight.numel() * POSITIONS) for part, p in projections]
    return [*rows, Row("P", pooling.p.numel(), pooling.p.numel())]


def cost(architecture: Architecture, rows: Iterable[Row]) -> Cost:
    """The cost of a picture, with and without keeping the features of I pictures."""
    rows = list(rows)
    key = sum(row.macs for row in rows if row.part in KEY_PARTS)
    kept = sum(row.macs for row in rows) - key
    return Cost(key, kept, kept + key * (2 if architecture.is_temporal else 1))


def multiply_accumulates(module: nn.Module, example: torch.Tensor) -> int:
    """Multiply-accumulates of all convolutions and linear layers for `example`, a batch of one."""
    total = 0

    def add_layer(layer: nn.Module, _inputs: Any, output: torch.Tensor) -> None:
        nonlocal total
        assert isinstance(layer, (nn.Conv2d, nn.Linear))
        total += output.numel() * layer.weight[0].numel()

    hooks = [
        layer.register_forward_hook(add_layer)
        for layer in module.modules()
        if isinstance(layer, (nn.Conv2d, nn.Linear))
    ]
    with torch.no_grad():
        module(example)
    for hook in hooks:
        hook.remove()
    return total


def parameters(tensors: Iterable[torch.Tensor]) -> int:
    """Number of elements."""
    return sum(tensor.numel() for tensor in tensors)


def print_summary(architecture: Architecture, write: Callable[[str], Any] = print) -> None:
    """Write a table of the parts and the cost of a picture, beside the paper's figures."""
    rows = count(architecture)
    of = f"{architecture.modalities} of {architecture.backbone}"
    write(f"{of}, {SIDE} x {SIDE}, {architecture.classes} classes")
    write(f"{'part':<12}{'parameters':>12}{'GMAC':>8}")
    for row in [*rows, Row("all", sum(r.parameters for r in rows), sum(r.macs for r in rows))]:
        write(f"{row.part:<12}{row.parameters:>12,}{row.macs / 1e9:>8.3f}")
    key, kept, not_kept = (macs / 1e9 for macs in cost(architecture, rows))
    write(f"a key picture: {key:.2f} GMAC")
    write(f"a P or B picture, features of the key pictures kept: {kept:.2f} GMAC")
    write(f"a P or B picture, nothing kept: {not_kept:.2f} GMAC")
    write("the paper's ATTP (table 2): 23.4 M parameters, 3.0 GFLOPs per picture")
