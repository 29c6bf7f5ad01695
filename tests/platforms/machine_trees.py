"""Small /proc, /sys and /etc trees of machines, for detect(root).

Put together from NVIDIA's documentation and public listings of such boards, none of them copied off
a board as a whole: only files that platforms and doctor read, and traps beside them.
"""

import os

MODES_TX2 = """\
# power modes
< PARAM TYPE=FILE NAME=CPU_ONLINE >
CORE_1 /sys/devices/system/cpu/cpu1/online

< POWER_MODEL ID=0 NAME=MAXN >
CPU_ONLINE CORE_1 1
GPU MAX_FREQ 1300500000
< POWER_MODEL ID=1 NAME=MAXQ >
CPU_ONLINE CORE_1 0
GPU MAX_FREQ 850000000
< POWER_MODEL ID=2 NAME=MAXP_CORE_ALL >
< POWER_MODEL ID=3 NAME=MAXP_CORE_ARM >
# mandatory section to configure the default mode
< PM_CONFIG DEFAULT=3 >
"""


def _clock(folder, now, floor, limit):
    """The files of one devfreq device, in Hz."""
    values = {"cur_freq": now, "min_freq": floor, "max_freq": limit}
    return {f"{folder}/{name}": f"{value}\n" for name, value in values.items()}


TX2 = {
    "proc/device-tree/model": "quill\0",
    "proc/device-tree/compatible": "nvidia,quill\0nvidia,tegra186\0",
    "proc/cpuinfo": "".join(
        "processor\t: {}\nmodel name\t: ARMv8 Processor rev {} (v8l)\nCPU part\t: 0x{}\n\n".format(
            *core
        )
        for core in ((0, 3, "d07"), (1, 0, "003"), (2, 0, "003"))
        + tuple((number, 3, "d07") for number in (3, 4, 5))
    ),
    "proc/meminfo": "MemTotal:        8048484 kB\nMemFree:         5519460 kB\n"
    "MemAvailable:    6291456 kB\nSwapTotal:       4024224 kB\n",
    "etc/nv_tegra_release": "# R32 (release), REVISION: 7.6, GCID: 38195985, BOARD: t186ref, "
    "EABI: aarch64, DATE: Tue Nov  5 07:50:47 UTC 2024\n",
    "etc/nvpmodel.conf": MODES_TX2,
    "var/lib/nvpmodel/status": "pmode:0000\n",
    **_clock("sys/class/devfreq/15340000.vic", 115200000, 115200000, 1024000000),
    **_clock("sys/class/devfreq/17000000.gp10b", 1300500000, 1300500000, 1300500000),
    "sys/class/thermal/thermal_zone0/type": "BCPU-therm\n",
    "sys/class/thermal/thermal_zone0/temp": "36500\n",
    "sys/class/thermal/thermal_zone2/type": "GPU-therm\n",
    "sys/class/thermal/thermal_zone2/temp": "34000\n",
    "sys/class/thermal/thermal_zone3/type": "PLL-therm\n",  # its temp cannot be read
    "sys/class/thermal/thermal_zone5/type": "PMIC-Die\n",  # no sensor: always 100
    "sys/class/thermal/thermal_zone5/temp": "100000\n",
}
for _cpu, _khz in ((0, 2035200), (1, 2035200), (2, 2035200), (3, 2035200)):
    for _file in ("cur", "min", "max"):
        TX2[f"sys/devices/system/cpu/cpu{_cpu}/cpufreq/scaling_{_file}_freq"] = f"{_khz}\n"

# As it boots: 15 W, every clock moves.
TX2_IDLE = dict(
    TX2,
    **{
        "sys/class/devfreq/17000000.gp10b/min_freq": "114750000\n",
        "sys/class/devfreq/17000000.gp10b/cur_freq": "114750000\n",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_min_freq": "345600\n",
    },
)
del TX2_IDLE["var/lib/nvpmodel/status"]

# The least power, and jetson_clocks was run: both Denver cores are off.
TX2_MAXQ = dict(
    TX2,
    **{
        "proc/cpuinfo": "".join(
            f"processor\t: {number}\nmodel name\t: ARMv8 Processor rev 3 (v8l)\n\n"
            for number in (0, 3, 4, 5)
        ),
        "var/lib/nvpmodel/status": "pmode:0001\n",
    },
)
for _file in ("cur", "min", "max"):
    TX2_MAXQ[f"sys/class/devfreq/17000000.gp10b/{_file}_freq"] = "850000000\n"
    for _cpu in (0, 1, 2, 3):
        _path = f"sys/devices/system/cpu/cpu{_cpu}/cpufreq/scaling_{_file}_freq"
        if _cpu in (1, 2):
            del TX2_MAXQ[_path]
        else:
            TX2_MAXQ[_path] = "1190400\n"

NANO = {
    "proc/device-tree/model": "NVIDIA Jetson Nano Developer Kit\0",
    "proc/device-tree/compatible": "nvidia,p3450-0000\0nvidia,jetson-nano\0nvidia,tegra210\0",
    "proc/cpuinfo": "".join(
        f"processor\t: {n}\nmodel name\t: ARMv8 Processor rev 1 (v8l)\n\n" for n in range(4)
    ),
    "proc/meminfo": "MemTotal:        4059172 kB\nMemAvailable:     819200 kB\n",
    "etc/nv_tegra_release": "# R32 (release), REVISION: 6.1, GCID: 27863751, BOARD: t210ref, "
    "EABI: aarch64, DATE: Mon Jul 26 19:20:30 UTC 2021\n",
    "etc/nvpmodel.conf": "< POWER_MODEL ID=0 NAME=MAXN >\n< POWER_MODEL ID=1 NAME=5W >\n"
    "< PM_CONFIG DEFAULT=0 >\n",
    **_clock("sys/class/devfreq/57000000.gpu", 76800000, 76800000, 921600000),
    "sys/class/thermal/thermal_zone0/type": "AO-therm\n",
    "sys/class/thermal/thermal_zone0/temp": "45500\n",
    "sys/class/thermal/thermal_zone2/type": "GPU-therm\n",
    "sys/class/thermal/thermal_zone2/temp": "84500\n",
    "sys/class/thermal/thermal_zone4/type": "PMIC-Die\n",
    "sys/class/thermal/thermal_zone4/temp": "100000\n",
}
XAVIER_NX = {
    "proc/device-tree/model": "NVIDIA Jetson Xavier NX Developer Kit\0",
    "proc/device-tree/compatible": "nvidia,p3509-0000+p3668-0000\0nvidia,tegra194\0",
    "proc/cpuinfo": "".join(
        f"processor\t: {n}\nmodel name\t: ARMv8 Processor rev 0 (v8l)\n\n" for n in range(6)
    ),
    "proc/meminfo": "MemTotal:        7769488 kB\nMemAvailable:    5242880 kB\n",
    "etc/nv_tegra_release": "# R35 (release), REVISION: 3.1, GCID: 32827747, BOARD: t186ref, "
    "EABI: aarch64, DATE: Sun Mar 19 15:19:21 UTC 2023\n",
    "etc/nvpmodel.conf": "< POWER_MODEL ID=2 NAME=MODE_15W_6CORE >\n"
    "< POWER_MODEL ID=8 NAME=MODE_20W_6CORE >\n< PM_CONFIG DEFAULT=8 >\n",
    "var/lib/nvpmodel/status": "pmode:0002\n",
    **_clock("sys/class/devfreq/17000000.gv11b", 204000000, 114750000, 1109250000),
    "sys/class/thermal/thermal_zone1/type": "GPU-therm\n",
    "sys/class/thermal/thermal_zone1/temp": "43500\n",
}
ORIN_JETPACK_5 = {
    "proc/device-tree/model": "NVIDIA Jetson AGX Orin Developer Kit\0",
    "proc/device-tree/compatible": "nvidia,p3737-0000+p3701-0000\0nvidia,p3701-0000\0nvidia,tegra234\0",
    "proc/cpuinfo": "processor\t: 0\nmodel name\t: ARMv8 Processor rev 1 (v8l)\n",
    "proc/meminfo": "MemTotal:       31349008 kB\nMemAvailable:   25165824 kB\n",
    # The board of an Orin is t186ref here.
    "etc/nv_tegra_release": "# R35 (release), REVISION: 4.1, GCID: 33958178, BOARD: t186ref, "
    "EABI: aarch64, DATE: Tue Aug  1 19:57:35 UTC 2023\n",
    "etc/nvpmodel.conf": "< POWER_MODEL ID=0 NAME=MAXN >\n< POWER_MODEL ID=2 NAME=MODE_30W >\n"
    "< PM_CONFIG DEFAULT=2 >\n",
    "var/lib/nvpmodel/status": "pmode:0002\n",
    **_clock("sys/class/devfreq/17000000.ga10b", 306000000, 306000000, 612000000),
}
ORIN_JETPACK_6 = {
    "proc/device-tree/model": "NVIDIA Jetson Orin Nano Developer Kit\0",
    "proc/device-tree/compatible": "nvidia,p3768-0000+p3767-0005\0nvidia,p3767-0005\0nvidia,tegra234\0",
    "etc/nv_tegra_release": "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, "
    "EABI: aarch64, DATE: Wed Jan  8 01:49:37 UTC 2025\n",
    "etc/nvpmodel.conf": "< POWER_MODEL ID=0 NAME=15W >\n< POWER_MODEL ID=2 NAME=MAXN_SUPER >\n",
    "var/lib/nvpmodel/status": "pmode:0007\n",
    **_clock("sys/class/devfreq/17000000.gpu", 306000000, 306000000, 1020000000),
}
PC = {
    "proc/cpuinfo": "".join(
        f"processor\t: {n}\nmodel name\t: AMD EPYC 7543 32-Core Processor\n\n" for n in range(12)
    ),
    "proc/meminfo": "MemTotal:       131072000 kB\nMemAvailable:   120000000 kB\n",
    "proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: \t\t NVIDIA H200\nIRQ:   \t\t 66\n",
}
for _cpu in range(12):
    _folder = f"sys/devices/system/cpu/cpu{_cpu}/cpufreq/"
    PC[_folder + "scaling_cur_freq"] = f"{1500000 + 1000 * _cpu:d}\n"
    PC[_folder + "scaling_min_freq"] = "1500000\n"
    PC[_folder + "scaling_max_freq"] = "2800000\n"


def write(root, tree):
    """Writes a tree below a folder; returns the folder's name for detect()."""
    for name, text in tree.items():
        path = os.path.join(str(root), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    return str(root)
