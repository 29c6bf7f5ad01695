"""JetPack by release, memory by /proc/meminfo, and whether the kernel's clock is synchronised."""

import ctypes

import machine_trees as trees
import pytest

from edge_attp.platforms import kernel_clock
from edge_attp.platforms.board import jetpack, read_memory, release_numbers


@pytest.mark.parametrize(
    "release, numbers, version",
    [
        ("L4T R32.7.6", (32, 7, 6), "4.6.6"),
        ("L4T R36.4.3", (36, 4, 3), "6.2"),
        ("L4T R35.1", (35, 1, 0), "5.0.2"),
        ("L4T R99.1.2", (99, 1, 2), None),
        ("Ubuntu 18.04", None, None),
    ],
)
def test_jetpack(release, numbers, version):
    assert release_numbers(release) == numbers and jetpack(release) == version


def test_memory(tmp_path):
    found = read_memory(trees.write(tmp_path, trees.TX2))
    assert found == (8048484 << 10, 6291456 << 10, 4024224 << 10)


def test_memory_that_is_not_told(tmp_path):
    assert read_memory(str(tmp_path)) == (0, 0, 0)


@pytest.mark.parametrize(
    "state, status, answer", [(0, 0x2001, True), (5, 0x2041, False), (-1, 0, None)]
)
def test_the_kernels_clock(monkeypatch, state, status, answer):
    class Library:
        @staticmethod
        def adjtimex(timex):
            timex._obj.status = status
            return state

    monkeypatch.setattr(ctypes, "CDLL", lambda name: Library)
    assert kernel_clock.is_synchronised() is answer


def test_a_library_without_the_call(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert kernel_clock.is_synchronised() is None


def test_this_machines_clock():
    assert kernel_clock.is_synchronised() in (True, False, None)
