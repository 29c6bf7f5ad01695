"""What this machine is: its board, JetPack, clocks and free memory.

It is read from /proc, /sys and the device tree, so no tool is needed, and below `root`, so that recorded trees
can stand in for machines. What a machine does not tell is None or empty, never an error.
"""

import glob
import os
import re
from typing import Dict, List, NamedTuple, Optional, Tuple

__all__ = ["Board", "Frequency", "Memory", "detect", "jetpack", "read_memory", "release_numbers"]

# Tegra name in the device tree: family, GPU, architecture of the GPU. The board name in
# /etc/nv_tegra_release does not help: L4T R35 says t186ref on an Orin too.
SOCS = {
    "tegra210": ("Jetson Nano or TX1", "GM20B", "sm_53"),
    "tegra186": ("Jetson TX2", "GP10B", "sm_62"),
    "tegra194": ("Jetson Xavier", "GV11B", "sm_72"),
    "tegra234": ("Jetson Orin", "GA10B", "sm_87"),
}
# L4T releases and their JetPack, from NVIDIA's JetPack archive. Newer ones are missing here.
JETPACKS = {
    (32, 4, 2): "4.4",
    (32, 4, 3): "4.4",
    (32, 4, 4): "4.4.1",
    (32, 5, 0): "4.5",
    (32, 5, 1): "4.5.1",
    (32, 6, 1): "4.6",
    (32, 7, 1): "4.6.1",
    (32, 7, 2): "4.6.2",
    (32, 7, 3): "4.6.3",
    (32, 7, 4): "4.6.4",
    (32, 7, 5): "4.6.5",
    (32, 7, 6): "4.6.6",
    (34, 1, 0): "5.0",
    (35, 1, 0): "5.0.2",
    (35, 2, 1): "5.1",
    (35, 3, 1): "5.1.1",
    (35, 4, 1): "5.1.2",
    (35, 5, 0): "5.1.3",
    (35, 6, 0): "5.1.4",
    (36, 3, 0): "6.0",
    (36, 4, 0): "6.1",
    (36, 4, 3): "6.2",
}
GPU_CLOCK = re.compile(r"\.(g[a-z]\d+b|gpu)$")  # 17000000.gp10b; 17000000.gpu from JetPack 6 on


class Frequency(NamedTuple):
    """One clock in Hz: its value when it was read, and the range that it may vary in."""

    name: str
    now_hz: int
    floor_hz: int
    limit_hz: int

    @property
    def is_held(self) -> bool:
        """True if it cannot fall, as after jetson_clocks."""
        return self.floor_hz == self.limit_hz


class Board(NamedTuple):
    """A machine. soc: "tegra186" and the like, or None. gpu_arch: "sm_62", or None if unknown.
    release: of the board's software, "L4T R32.7.1". power_mode: its name in nvpmodel. clocks: of the GPU and of
    each kind of CPU core. temperatures_c: degrees Celsius by thermal zone."""

    name: str
    soc: Optional[str]
    gpu: Optional[str]
    gpu_arch: Optional[str]
    release: Optional[str]
    cpu: str
    cores: int
    memory_bytes: int
    power_mode: Optional[str]
    clocks: Tuple[Frequency, ...]
    temperatures_c: Dict[str, float]


def detect(root: str = "/") -> Board:
    """The machine whose /proc, /sys and /etc are below root."""
    model = _read(root, "proc/device-tree/model")
    soc = _soc(root)
    cpu, cores = _cpu(root)
    family, gpu, gpu_arch = SOCS[soc] if soc else ("", _nvidia_gpu(root), None)
    return Board(
        name=_name(model, family, cpu, cores),
        soc=soc,
        gpu=gpu,
        gpu_arch=gpu_arch,
        release=_release(root),
        cpu=cpu,
        cores=cores,
        memory_bytes=read_memory(root).total,
        power_mode=_power_mode(root),
        clocks=tuple(_gpu_clocks(root) + _cpu_clocks(root)),
        temperatures_c=_temperatures(root),
    )


def _name(model: str, family: str, cpu: str, cores: int) -> str:
    if family and "Jetson" not in model:  # a TX2 calls itself "quill"
        return f"{family} ({model})" if model else family
    plural = "" if cores == 1 else "s"
    return model or f"{cpu or 'unknown processor'}, {cores} core{plural}"


def _soc(root: str) -> Optional[str]:
    found = re.search(r"nvidia,(tegra\d+)\b", _read(root, "proc/device-tree/compatible"))
    return found.group(1) if found and found.group(1) in SOCS else None


def _nvidia_gpu(root: str) -> Optional[str]:
    for path in _paths(root, "proc/driver/nvidia/gpus/*/information"):
        found = re.search(r"^Model:\s*(.+?)\s*$", _read(path), re.M)
        if found:
            return str(found.group(1))
    return None


def _release(root: str) -> Optional[str]:
    text = _read(root, "etc/nv_tegra_release")
    found = re.search(r"R(\d+) \(release\), REVISION: ([\d.]+)", text)
    return "L4T R{}.{}".format(*found.groups()) if found else None


def _cpu(root: str) -> Tuple[str, int]:
    """Model names of the cores, each once, and the number of cores that are on."""
    text = _read(root, "proc/cpuinfo")
    models: List[str] = []
    for model in re.findall(r"^model name\s*:\s*(.+?)\s*$", text, re.M):
        if model not in models:
            models.append(model)
    return " + ".join(models), len(re.findall(r"^processor\s*:", text, re.M))


def _power_mode(root: str) -> Optional[str]:
    """The mode that `nvpmodel -q` shows: the one chosen last, else the one to boot with."""
    modes = _read(root, "etc/nvpmodel.conf")
    chosen = re.search(r"pmode:\s*(\d+)", _read(root, "var/lib/nvpmodel/status"))
    chosen = chosen or re.search(r"^\s*<\s*PM_CONFIG\s+DEFAULT=(\d+)", modes, re.M)
    if not chosen:
        return None
    names = re.findall(r"^\s*<\s*POWER_MODEL\s+ID=(\d+)\s+NAME=(\S+)", modes, re.M)
    known = {int(number): name for number, name in names}
    return str(known.get(int(chosen.group(1)), f"mode {int(chosen.group(1))}"))


def _gpu_clocks(root: str) -> List[Frequency]:
    folders = [path for path in _paths(root, "sys/class/devfreq/*") if GPU_CLOCK.search(path)]
    found = (_frequency("gpu", path, ("cur_freq", "min_freq", "max_freq"), 1) for path in folders)
    return [frequency for frequency in found if frequency]


def _cpu_clocks(root: str) -> List[Frequency]:
    """The first core of each kind: a TX2 has Denver and A57 cores."""
    found: Dict[Tuple[int, int], Frequency] = {}
    files = ("scaling_cur_freq", "scaling_min_freq", "scaling_max_freq")
    for path in _paths(root, "sys/devices/system/cpu/cpu[0-9]*/cpufreq"):
        name = os.path.basename(os.path.dirname(path))
        frequency = _frequency(name, path, files, 1000)
        if frequency:
            found.setdefault((frequency.floor_hz, frequency.limit_hz), frequency)
    return list(found.values())


def _frequency(
    name: str, folder: str, files: Tuple[str, str, str], unit_hz: int
) -> Optional[Frequency]:
    try:
        now, floor, limit = (unit_hz * int(_read(folder, file)) for file in files)
    except ValueError:  # missing, or not a number: a core that is off has <unknown>
        return None
    return Frequency(name, now, floor, limit)


def _temperatures(root: str) -> Dict[str, float]:
    found = {}
    for path in _paths(root, "sys/class/thermal/thermal_zone*"):
        try:
            celsius = int(_read(path, "temp")) / 1000.0
        except ValueError:
            continue
        found[_read(path, "type") or os.path.basename(path)] = celsius
    return found


class Memory(NamedTuple):
    """In bytes. available: what programs can use without swapping. All 0 if the machine does not tell."""

    total: int
    available: int
    swap_total: int


def read_memory(root: str = "/") -> Memory:
    """What /proc/meminfo below root says."""
    lines = dict(re.findall(r"^(\w+):\s*(\d+) kB", _read(root, "proc/meminfo"), re.M))
    fields = ("MemTotal", "MemAvailable", "SwapTotal")
    return Memory(*(1024 * int(lines.get(field, 0)) for field in fields))


def release_numbers(release: str) -> Optional[Tuple[int, int, int]]:
    """(32, 7, 6) for "L4T R32.7.6", None for any other text. A missing last number is 0."""
    found = re.match(r"L4T R(\d+)\.(\d+)(?:\.(\d+))?$", release)
    if found is None:
        return None
    major, minor, patch = (int(number or 0) for number in found.groups())
    return major, minor, patch


def jetpack(release: str) -> Optional[str]:
    """ "4.6.6" for "L4T R32.7.6", None for a release that the table lacks."""
    numbers = release_numbers(release)
    return None if numbers is None else JETPACKS.get(numbers)


def _paths(root: str, pattern: str) -> List[str]:
    """Sorted, with cpu10 after cpu9."""
    found = glob.glob(os.path.join(glob.escape(root), pattern))
    return sorted(
        found, key=lambda path: [int(n) if n.isdigit() else n for n in re.split(r"(\d+)", path)]
    )


def _read(*path: str) -> str:
    """The text of a file without line feeds and NULs at its end, "" if it cannot be read."""
    try:
        with open(os.path.join(*path), encoding="utf-8", errors="replace") as file:
            return file.read().rstrip("\0\n \t")
    except OSError:
        return ""
