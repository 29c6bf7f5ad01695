"""The target board: what a Jetson TX2 has, its power modes, and whether one is set up to be measured.

Sources: NVIDIA's Jetson TX2 data sheet and the nvpmodel table of L4T R32.
"""

from typing import List, NamedTuple

from edge_attp.platforms.board import Board

__all__ = [
    "DRAM_BYTES_PER_CYCLE",
    "FLOPS_PER_CYCLE",
    "Fault",
    "MODES",
    "Mode",
    "faults",
    "is_tx2",
    "remarks",
]

SOC = "tegra186"
FASTEST = "MAXN"
# 256 cores, each with one fused multiply-add of two packed halves per cycle.
FLOPS_PER_CYCLE = 256 * 2 * 2
# 128 bits at double data rate.
DRAM_BYTES_PER_CYCLE = 128 // 8 * 2


class Mode(NamedTuple):
    """One power mode: the highest clocks of the GPU, of the slowest kind of CPU core, and of the memory."""

    name: str
    gpu_hz: float
    cpu_hz: float
    memory_hz: float


MODES = (
    Mode("MAX-N", 1.30e9, 2.0e9, 1866e6),
    Mode("MAX-P", 1.12e9, 1.4e9, 1600e6),
    Mode("MAX-Q", 0.85e9, 1.2e9, 1331e6),
)


def is_tx2(board: Board) -> bool:
    """Whether a board is a TX2 of any kind (TX2, TX2i, TX2 NX)."""
    return board.soc == SOC


class Fault(NamedTuple):
    """One setting that slows a TX2 down: "power mode" or "clocks", what is wrong with it, and the command that fixes
    it."""

    setting: str
    what: str
    fix: str


def faults(board: Board) -> List[Fault]:
    """The settings that slow a TX2 down."""
    found = []
    if board.power_mode is None:
        found.append(Fault("power mode", "the power mode cannot be read", "sudo nvpmodel -q"))
    elif board.power_mode != FASTEST:
        what = f"the power mode is {board.power_mode}, not {FASTEST}"
        found.append(Fault("power mode", what, "sudo nvpmodel -m 0"))
    loose = [clock.name for clock in board.clocks if not clock.is_held]
    if loose:
        what = f"clocks may fall ({', '.join(loose)})"
        found.append(Fault("clocks", what, "sudo jetson_clocks"))
    return found


def remarks(board: Board) -> List[str]:
    """The faults, one line each."""
    return [f"{fault.what}: `{fault.fix}`" for fault in faults(board)]
