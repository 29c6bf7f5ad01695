"""Estimates how long the graphs of a pack would take on a TX2, for when there is none to measure on.

Each layer takes the time of its bytes at the bandwidth of the memory or of its operations at the rate of the GPU,
whichever is longer, plus a launch. What no data sheet says is assumed twice, for the best and for the worst case,
so every result is a range. Nothing here was measured on a TX2.

How good is it? ResNet-50, published at 12.5 ms with TensorRT in FP16, lies inside its range, which a test
checks. MobileNetV1, published at 12.9 ms with an early TensorRT that had no kernels for depthwise convolutions,
lies far above it: an engine that runs them as badly is slower than this estimate.
"""

from typing import Dict, List, NamedTuple, Sequence, Tuple

from edge_attp.platforms.layers import KINDS, Layer
from edge_attp.platforms.tx2 import DRAM_BYTES_PER_CYCLE, FLOPS_PER_CYCLE, MODES, Mode

__all__ = [
    "LABEL",
    "Estimate",
    "HostTimes",
    "KindEstimate",
    "ModeEstimate",
    "Span",
    "estimate",
    "graph_ms",
]


LABEL = "estimate, not measured"


class Span(NamedTuple):
    """A range, lower bound first."""

    low: float
    high: float


class Case(NamedTuple):
    """One set of assumptions. Shares are of the figures in the data sheet; depthwise layers and other work that does
    not use matrix multiplication have shares of their own. cpu_factor: how many times longer CPU stages take at
    2 GHz than on the machine that measured them."""

    dram_share: float
    narrow_dram_share: float
    dense_flops_share: float
    narrow_flops_share: float
    launch_us: float
    fuses_pointwise: bool
    cpu_factor: float


BEST = Case(0.67, 0.60, 0.60, 0.20, 4.0, True, 3.0)
WORST = Case(0.50, 0.25, 0.30, 0.04, 12.0, False, 6.0)
STATED_CPU_HZ = 2.0e9  # of launch_us and cpu_factor

ASSUMPTIONS = (
    "batch 1, FP16, one kernel after the other; every activation goes through DRAM",
    "DRAM at {best.dram_share:.0%} to {worst.dram_share:.0%} of its paper bandwidth for convolutions, "
    "{best.narrow_dram_share:.0%} to {worst.narrow_dram_share:.0%} for depthwise and pointwise work",
    "FP16 at {best.dense_flops_share:.0%} to {worst.dense_flops_share:.0%} of the peak for convolutions, "
    "{best.narrow_flops_share:.0%} to {worst.narrow_flops_share:.0%} for all else",
    "{best.launch_us:.0f} to {worst.launch_us:.0f} us a kernel for its launch at 2 GHz CPU clock",
    "activations and residual sums: inside the convolution at best, kernels of their own at worst",
    "means, gates and the small layers of squeeze-and-excitation: always kernels of their own",
    "the scoring is the fused plugin: one kernel; network inputs are written in place",
    "CPU stages take {best.cpu_factor:.0f} to {worst.cpu_factor:.0f} times as long at 2 GHz as in this "
    "measurement, and more at lower clocks: for a current x86-64 core",
    "the reader thread and the networks run beside each other: the slower one sets the pace",
)


class HostTimes(NamedTuple):
    """What the host measured, in milliseconds of CPU work per scored picture: before the networks (reader thread)
    and after them. keys_per_picture: runs of the appearance graph per scored picture."""

    before_ms: float
    after_ms: float
    keys_per_picture: float


class KindEstimate(NamedTuple):
    """The layers of one kind in the motion graph, at MAX-N."""

    kind: str
    layers: int
    gflop: float
    megabytes: float
    milliseconds: Span


class ModeEstimate(NamedTuple):
    """One power mode. reader_ms: the CPU stages before the networks; pictures_per_s: of the whole pipeline."""

    mode: str
    appearance_ms: Span
    motion_ms: Span
    reader_ms: Span
    pictures_per_s: Span


class Estimate(NamedTuple):
    """The whole estimate. It is never a measurement, and `label` says so wherever it is shown."""

    label: str
    assumptions: Tuple[str, ...]
    modes: Tuple[ModeEstimate, ...]
    motion_kinds: Tuple[KindEstimate, ...]


def estimate(appearance: Sequence[Layer], motion: Sequence[Layer], host: HostTimes) -> Estimate:
    """Pictures per second of the pipeline on a TX2, in each of its power modes."""
    return Estimate(
        LABEL,
        _assumptions(),
        tuple(_mode_estimate(mode, appearance, motion, host) for mode in MODES),
        tuple(_kind_estimates(motion)),
    )


def graph_ms(layers: Sequence[Layer], mode: Mode) -> Span:
    """Milliseconds for one run of a graph."""
    low, high = (
        1000.0 * sum(_layer_s(layer, mode, case) for layer in layers) for case in (BEST, WORST)
    )
    return Span(low, high)


def _layer_s(layer: Layer, mode: Mode, case: Case) -> float:
    moved = layer.read_bytes + layer.written_bytes + layer.weight_bytes
    is_dense = layer.kind == "convolution"
    dram_share = case.dram_share if is_dense else case.narrow_dram_share
    bandwidth = dram_share * DRAM_BYTES_PER_CYCLE * mode.memory_hz
    if case.fuses_pointwise and layer.kind in ("activation", "sum"):
        return (layer.read_bytes - layer.written_bytes) / bandwidth  # the second operand of a sum
    flops_share = case.dense_flops_share if is_dense else case.narrow_flops_share
    rate = flops_share * FLOPS_PER_CYCLE * mode.gpu_hz
    launch_s = 1e-6 * case.launch_us * STATED_CPU_HZ / mode.cpu_hz
    return max(moved / bandwidth, layer.flops / rate) + launch_s


def _mode_estimate(
    mode: Mode, appearance: Sequence[Layer], motion: Sequence[Layer], host: HostTimes
) -> ModeEstimate:
    appearance_ms, motion_ms = graph_ms(appearance, mode), graph_ms(motion, mode)
    readers, rates = [], []
    for case, a_ms, m_ms in zip((BEST, WORST), appearance_ms, motion_ms):
        slower = case.cpu_factor * STATED_CPU_HZ / mode.cpu_hz
        readers.append(slower * host.before_ms)
        networks_ms = m_ms + host.keys_per_picture * a_ms + slower * host.after_ms
        rates.append(1000.0 / max(readers[-1], networks_ms))
    return ModeEstimate(
        mode.name, appearance_ms, motion_ms, Span(*readers), Span(rates[1], rates[0])
    )


def _kind_estimates(layers: Sequence[Layer]) -> List[KindEstimate]:
    found: Dict[str, List[Layer]] = {}
    for layer in layers:
        found.setdefault(layer.kind, []).append(layer)
    return [_kind_estimate(kind, found[kind]) for kind in KINDS if kind in found]


def _kind_estimate(kind: str, layers: Sequence[Layer]) -> KindEstimate:
    moved = sum(layer.read_bytes + layer.written_bytes + layer.weight_bytes for layer in layers)
    flops = sum(layer.flops for layer in layers)
    return KindEstimate(kind, len(layers), flops / 1e9, moved / 1e6, graph_ms(layers, MODES[0]))


def _assumptions() -> Tuple[str, ...]:
    cases = {"best": BEST, "worst": WORST}
    return tuple(text.format(**cases) for text in ASSUMPTIONS)
