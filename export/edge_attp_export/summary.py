"""Parameters and multiply-accumulates of a model, counted without making its weights."""

from __future__ import annotations

from typing import Any, Callable, Iterable, List, NamedTuple

import torch
from torch import nn

from .attp import ATTP, FLOW, POSITIONS, RESIDUAL, RGB, SIDE, Architecture

HMDB_CLASSES = 51  # the size of P in the paper's own setting


class Row(NamedTuple):
    """One part of the model. `macs` are multiply-accumulates for one picture."""

    part: str
    parameters: int
    macs: int


def count(architecture: Architecture) -> List[Row]:
    """Count every part of the model; the sum of `parameters` is the whole model's.

    Multiply-accumulates are those of convolutions and projections, as usually published;
    normalisation is folded away, and activations and the pooling's products are below a percent.
    """
    with torch.device("meta"):
        model = ATTP(architecture).eval()
    pooling = model.pooling
    return [
        *(
            Row(part, parameters(net.parameters()), multiply_accumulates(net, _picture(channels)))
            for part, net, channels in (
                ("LiteNet_I", model.litenet_i, RGB),
                ("LiteNet_MV", model.litenet_mv, FLOW),
                ("LiteNet_R", model.litenet_r, RESIDUAL),
            )
        ),
        *(
            Row(part, projection.weight.numel(), projection.weight.numel() * POSITIONS)
            for part, projection in (("U", pooling.u), ("V", pooling.v), ("W", pooling.w))
        ),
        Row("P", pooling.p.numel(), pooling.p.numel()),
    ]


def multiply_accumulates(module: nn.Module, example: torch.Tensor) -> int:
    """Count those of every convolution and linear layer for `example`, a batch of one."""
    total = 0

    def add(layer: nn.Module, _inputs: Any, output: torch.Tensor) -> None:
        nonlocal total
        assert isinstance(layer, (nn.Conv2d, nn.Linear))
        total += output.numel() * layer.weight[0].numel()

    hooks = [
        layer.register_forward_hook(add)
        for layer in module.modules()
        if isinstance(layer, (nn.Conv2d, nn.Linear))
    ]
    with torch.no_grad():
        module(example)
    for hook in hooks:
        hook.remove()
    return total


def parameters(tensors: Iterable[torch.Tensor]) -> int:
    """Count the elements."""
    return sum(tensor.numel() for tensor in tensors)


def print_summary(architecture: Architecture, write: Callable[[str], Any] = print) -> None:
    """Write a table of parts, and what one key picture and one P or B picture cost."""
    rows = count(architecture)
    cost = {row.part: row.macs for row in rows}
    write(f"{architecture.backbone}, {SIDE} x {SIDE}, {architecture.classes} classes")
    write(f"{'part':<12}{'parameters':>12}{'GMAC':>8}")
    for row in rows:
        write(f"{row.part:<12}{row.parameters:>12,}{row.macs / 1e9:>8.3f}")
    write(f"{'all':<12}{sum(row.parameters for row in rows):>12,}")
    key = cost["LiteNet_I"] + cost["U"]
    motion = sum(cost[part] for part in ("LiteNet_MV", "LiteNet_R", "V", "W", "P"))
    write(f"a key picture (appearance.onnx): {key / 1e9:.2f} GMAC")
    write(f"a P or B picture (motion.onnx):  {motion / 1e9:.2f} GMAC")


def _picture(channels: int) -> torch.Tensor:
    return torch.empty(1, channels, SIDE, SIDE, device="meta")
