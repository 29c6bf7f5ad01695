"""Half an hour with a camera that is cut off, killed and changed all the time: nothing grows.

EDGE_ATTP_SOAK_S is how long, in seconds. `pytest -s` shows memory, descriptors and threads as they are.
"""

import gc
import itertools
import os
import threading
import time

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.needs_av, pytest.mark.needs_gstreamer]

SOAK_S = float(os.environ.get("EDGE_ATTP_SOAK_S", "1800"))
PICTURES = 50  # from one fault to the next
# What the allocator and FFmpeg keep for later; a leak of one connection or one picture in ten is larger.
GROWTH_BYTES = 6 << 20


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def faults(server, middle):
    """One after the other, for ever."""
    sizes = itertools.cycle(["640x360", "340x256"])
    while True:
        yield middle.cut
        yield lambda: server.tell("size " + next(sizes))
        yield lambda: (server.kill(), time.sleep(0.5), server.start())
        yield lambda: hold(middle, 2.0)


def hold(middle, seconds):
    middle.is_held = True
    time.sleep(seconds)
    middle.is_held = False


def measured(view):
    view.seen.clear()
    gc.collect()
    found = (resident_bytes(), descriptors(), threading.active_count())
    packets = view.source.counters["packets"]
    print(
        "{:6d} packets, {:.1f} MB, {} descriptors, {} threads".format(
            *(packets, found[0] / 1e6) + found[1:]
        )
    )
    return found


def test_nothing_grows(camera, relay, viewer):
    server = camera()
    middle = relay(server)
    view = viewer(middle.address)
    began_s, plan, records = time.monotonic(), faults(server, middle), []
    while time.monotonic() - began_s < SOAK_S:
        for _ in range(4):
            next(plan)()
            view.wait_for(PICTURES)
        records.append(measured(view))
    print(view.source.counters)
    settled = len(records) // 3
    first, last = records[settled:][:5], records[-5:]
    for what, limit in ((0, GROWTH_BYTES), (1, 0), (2, 0)):
        growth = min(record[what] for record in last) - min(record[what] for record in first)
        assert growth <= limit, (what, records)
    assert view.source.counters["reconnects"] > len(records)
