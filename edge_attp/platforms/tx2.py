"""The target: what a Jetson TX2 has, its power modes, and whether one is set up to be measured.

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
# 256 cores, each one fused multiply-add of two packed halves a cycle.
FLOPS_PER_CYCLE = 256 * 2 * 2
# 128 bits at double data rate.
DRAM_BYTES_PER_CYCLE = 128 // 8 * 2


class Mode(NamedTuple):
    """One power mode: the highest clocks of GPU, of the slowest kind of CPU core and of memory."""

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
    """Whether a board is a TX2 of any make (TX2, TX2i, TX2 NX)."""
    return board.soc == SOC


class Fault(NamedTuple):
    """One setting that keeps a TX2 from being as fast as it can be: "power mode" or "clocks", what is
    wrong with it, and the command that mends it."""

    setting: str
    what: str
    cure: str


def faults(board: Board) -> List[Fault]:
    """What keeps a TX2 from being as fast as it can be."""
    found = []
    if board.power_mode is None:
        found.append(Fault("power mode", "the power mode cannot be read", "sudo nvpmodel -q"))
    elif board.power_mode != FASTEST:
        what = f"the power mode is {board.power_mode}, not {FASTEST}"
        found.append(Fault("power mode", what, "sudo nvpmodel -m 0"))
    loose = [clock.name for clock in board.clocks if not clock.is_held]
    if loose:
        what = "clocks may fall ({})".format(", ".join(loose))
        found.append(Fault("clocks", what, "sudo jetson_clocks"))
    return found


def remarks(board: Board) -> List[str]:
    """The faults, each as a line."""
    return [f"{fault.what}: `{fault.cure}`" for fault in faults(board)]
