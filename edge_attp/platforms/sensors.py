"""Temperatures and electrical power of a Jetson, from /sys below `root`.

Power comes from the INA3221 meters of the board, with three rails each. NVIDIA's driver in L4T R32 (kernel 4.9)
reports milliwatts; the driver of the mainline kernel, in L4T R34 and newer, reports voltage and current. What a
machine does not report is left out, never an error.
"""

import glob
import os
from typing import Dict, Iterator, List, NamedTuple, Tuple

from edge_attp.platforms.board import detect

__all__ = ["Sensors", "read_sensors"]

# On a TX2 and a Nano, this zone always reports 100 degrees.
NO_SENSOR = "PMIC-Die"
METERS = "sys/bus/i2c/drivers/ina3221*/*/"
CHANNELS = 3


class Sensors(NamedTuple):
    """temperatures_c: degrees Celsius by thermal zone. power_w: watts by rail, which must not be added up: the input
    of the board ("VDD_IN") is one of them."""

    temperatures_c: Dict[str, float]
    power_w: Dict[str, float]


def read_sensors(root: str = "/") -> Sensors:
    """The current values below root."""
    temperatures_c = detect(root).temperatures_c
    temperatures_c.pop(NO_SENSOR, None)
    rails = list(_rails_of_r32(root)) + list(_rails_of_hwmon(root))
    return Sensors(temperatures_c, dict(rails))


def _rails_of_r32(root: str) -> Iterator[Tuple[str, float]]:
    for folder in _folders(root, METERS + "iio:device*"):
        for channel in range(CHANNELS):
            try:
                name = _text(folder, f"rail_name_{channel}")
                yield name, int(_text(folder, f"in_power{channel}_input")) / 1e3
            except (OSError, ValueError):  # not connected
                continue


def _rails_of_hwmon(root: str) -> Iterator[Tuple[str, float]]:
    for folder in _folders(root, METERS + "hwmon/hwmon*"):
        for channel in range(1, CHANNELS + 1):
            try:
                name = _text(folder, f"in{channel}_label")
                millivolts = int(_text(folder, f"in{channel}_input"))
                milliamperes = int(_text(folder, f"curr{channel}_input"))
            except (OSError, ValueError):
                continue
            yield name, millivolts * milliamperes / 1e6


def _folders(root: str, pattern: str) -> List[str]:
    return sorted(glob.glob(os.path.join(glob.escape(root), pattern)))


def _text(folder: str, name: str) -> str:
    with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
        return file.read().strip()
