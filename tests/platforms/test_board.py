"""Machines are told apart by their files, and settings of a TX2 are judged by them."""

import machine_trees as trees
import pytest

from edge_attp.platforms import Frequency, detect, tx2


def board(tmp_path, tree):
    return detect(trees.write(tmp_path, tree))


def test_tx2(tmp_path):
    found = board(tmp_path, trees.TX2)
    assert found.name == "Jetson TX2 (quill)" and tx2.is_tx2(found)
    assert (found.soc, found.gpu, found.gpu_arch) == ("tegra186", "GP10B", "sm_62")
    assert found.release == "L4T R32.7.6" and found.power_mode == "MAXN"
    assert found.cores == 6 and found.memory_bytes == 8048484 * 1024
    assert found.cpu == "ARMv8 Processor rev 3 (v8l) + ARMv8 Processor rev 0 (v8l)"
    assert found.temperatures_c == {"BCPU-therm": 36.5, "GPU-therm": 34.0, "PMIC-Die": 100.0}
    assert found.clocks[0] == Frequency("gpu", 1300500000, 1300500000, 1300500000)
    assert [clock.name for clock in found.clocks] == ["gpu", "cpu0"]  # no video engine


def test_tx2_at_full_speed_has_no_remarks(tmp_path):
    assert tx2.remarks(board(tmp_path, trees.TX2)) == []


def test_tx2_as_it_boots_is_remarked_on(tmp_path):
    found = board(tmp_path, trees.TX2_IDLE)
    assert found.power_mode == "MAXP_CORE_ARM"  # the default of the configuration
    mode, clocks = tx2.remarks(found)
    assert "MAXP_CORE_ARM" in mode and "nvpmodel -m 0" in mode
    assert "gpu, cpu0" in clocks and "jetson_clocks" in clocks


def test_tx2_at_its_least_power_is_remarked_on(tmp_path):
    found = board(tmp_path, trees.TX2_MAXQ)
    assert found.cores == 4 and found.clocks[0].limit_hz == 850000000
    (fault,) = tx2.faults(found)
    assert fault == ("power mode", "the power mode is MAXQ, not MAXN", "sudo nvpmodel -m 0")


def test_tx2_without_its_mode_is_remarked_on(tmp_path):
    tree = {name: text for name, text in trees.TX2.items() if "nvpmodel" not in name}
    assert ["cannot be read" in text for text in tx2.remarks(board(tmp_path, tree))] == [True]


@pytest.mark.parametrize(
    "tree, release, mode, limit_hz",
    [
        (trees.ORIN_JETPACK_5, "L4T R35.4.1", "MODE_30W", 612000000),
        (trees.ORIN_JETPACK_6, "L4T R36.4.3", "mode 7", 1020000000),
    ],
)
def test_orin_is_no_tx2(tmp_path, tree, release, mode, limit_hz):
    found = board(tmp_path, tree)
    assert found.name == tree["proc/device-tree/model"].rstrip("\0")
    assert not tx2.is_tx2(found) and found.gpu_arch == "sm_87"
    assert (found.release, found.power_mode) == (release, mode)
    assert [(clock.name, clock.limit_hz) for clock in found.clocks] == [("gpu", limit_hz)]


@pytest.mark.parametrize(
    "tree, soc, gpu, mode",
    [
        (trees.NANO, "tegra210", "GM20B", "MAXN"),
        (trees.XAVIER_NX, "tegra194", "GV11B", "MODE_15W_6CORE"),
    ],
)
def test_nano_and_xavier(tmp_path, tree, soc, gpu, mode):
    found = board(tmp_path, tree)
    assert found.name == tree["proc/device-tree/model"].rstrip("\0")
    assert (found.soc, found.gpu, found.power_mode) == (soc, gpu, mode)
    assert found.clocks[0].name == "gpu" and not found.clocks[0].is_held


def test_pc(tmp_path):
    found = board(tmp_path, trees.PC)
    assert found.name == "AMD EPYC 7543 32-Core Processor, 12 cores"
    assert (found.soc, found.gpu, found.gpu_arch) == (None, "NVIDIA H200", None)
    assert found.release is found.power_mode is None and found.temperatures_c == {}
    assert found.clocks == (Frequency("cpu0", 1500000000, 1500000000, 2800000000),)
    assert not found.clocks[0].is_held


def test_a_machine_that_tells_nothing(tmp_path):
    found = board(tmp_path, {})
    assert found.name == "unknown processor, 0 cores" and found.memory_bytes == 0
    assert found.clocks == () and found.power_mode is None and not tx2.is_tx2(found)


def test_another_board_with_a_device_tree(tmp_path):
    found = board(
        tmp_path,
        {
            "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
            "proc/device-tree/compatible": "raspberrypi,4-model-b\0brcm,bcm2711\0",
        },
    )
    assert found.name == "Raspberry Pi 4 Model B Rev 1.4" and found.soc is None


def test_this_machine():
    found = detect()
    assert found.name and found.cores >= 1 and found.memory_bytes > 1 << 20
