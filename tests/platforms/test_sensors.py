"""Temperatures and power are read from the files of each generation of the board's software."""

import machine_trees as trees
import pytest

from edge_attp.platforms.sensors import read_sensors

METER = "sys/bus/i2c/drivers/ina3221x/0-004%d/iio:device%d/"
# Rails as a TX2 has them, three to a meter.
TX2_POWER = dict(
    trees.TX2,
    **{
        METER % (0, 0) + "rail_name_0": "VDD_SYS_GPU\n",
        METER % (0, 0) + "in_power0_input": "3205\n",
        METER % (0, 0) + "rail_name_1": "VDD_SYS_SOC\n",
        METER % (0, 0) + "in_power1_input": "1219\n",
        METER % (0, 0) + "rail_name_2": "VDD_4V0_WIFI\n",
        METER % (0, 0) + "in_power2_input": "19\n",
        METER % (1, 1) + "rail_name_0": "VDD_IN\n",
        METER % (1, 1) + "in_power0_input": "7631\n",
        METER % (1, 1) + "rail_name_1": "VDD_SYS_CPU\n",
        METER % (1, 1) + "in_power1_input": "<unknown>\n",
        "sys/class/thermal/thermal_zone5/type": "PMIC-Die\n",
        "sys/class/thermal/thermal_zone5/temp": "100000\n",
    },
)
HWMON = "sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon3/"
ORIN_POWER = dict(
    trees.ORIN_JETPACK_6,
    **{
        HWMON + "in1_label": "VDD_IN\n",
        HWMON + "in1_input": "5008\n",
        HWMON + "curr1_input": "1000\n",
        HWMON + "in2_label": "VDD_CPU_GPU_CV\n",
        HWMON + "in2_input": "5000\n",
        HWMON + "curr2_input": "248\n",
        HWMON + "in3_label": "NC\n",  # without a current
        HWMON + "in7_label": "sum of shunt voltages\n",
        HWMON + "in7_input": "8000\n",
        "sys/class/thermal/thermal_zone8/type": "tj-thermal\n",
        "sys/class/thermal/thermal_zone8/temp": "51375\n",
    },
)


def test_tx2(tmp_path):
    found = read_sensors(trees.write(tmp_path, TX2_POWER))
    assert found.temperatures_c == {"BCPU-therm": 36.5, "GPU-therm": 34.0}
    assert found.power_w == pytest.approx(
        {"VDD_SYS_GPU": 3.205, "VDD_SYS_SOC": 1.219, "VDD_4V0_WIFI": 0.019, "VDD_IN": 7.631}
    )


def test_orin(tmp_path):
    found = read_sensors(trees.write(tmp_path, ORIN_POWER))
    assert found.temperatures_c == {"tj-thermal": 51.375}
    assert found.power_w == pytest.approx({"VDD_IN": 5.008, "VDD_CPU_GPU_CV": 1.24})


def test_a_machine_without_meters(tmp_path):
    assert read_sensors(trees.write(tmp_path, trees.PC)) == ({}, {})


def test_this_machine():
    assert all(-100 < celsius < 200 for celsius in read_sensors().temperatures_c.values())
