"""The backlog of a live source: what is dropped at what age, and what is handed out afterwards."""

import pytest
from live_doubles import Counts

from edge_attp.sources.backlog import WHOLE_PACKETS, Backlog, Waiting
from edge_attp.types import EncodedPacket

MARK = b"END"
KEY, NEEDED, FREE = "key", "needed", "free"


@pytest.fixture
def count():
    return Counts()


def packet(kind, number, arrived_s, size=10, sets=b"sets"):
    data = b"%d" % number + b"." * (size - len(b"%d" % number))
    encoded = EncodedPacket(data, number, None, kind == KEY)
    return Waiting(encoded, arrived_s, kind != FREE, False, sets if kind == KEY else b"", MARK)


def filled(backlog, kinds, **arguments):
    """One packet a second."""
    for number, kind in enumerate(kinds):
        backlog.put_packet(packet(kind, number, float(number), **arguments))


def taken(backlog, now_s):
    return [item.packet for item in iter(lambda: backlog.take_packet(now_s), None)]


def numbers(packets):
    return [packet.pts for packet in packets]


def marked(packets):
    return [packet.pts for packet in packets if packet.data.startswith(MARK)]


def begun(count, max_lag_s=10.0, skip_nonref_s=2.0, max_bytes=1 << 20):
    """A backlog that is past the packets that are always whole."""
    backlog = Backlog(
        max_lag_s=max_lag_s, skip_nonref_s=skip_nonref_s, max_bytes=max_bytes, count=count
    )
    for number in range(WHOLE_PACKETS):
        backlog.put_packet(packet(KEY if number == 0 else FREE, number, 0.0))
        assert backlog.take_packet(0.0).packet.pts == number
    return backlog


def test_in_time_nothing_is_dropped(count):
    backlog = begun(count)
    filled(backlog, [KEY, NEEDED, FREE])
    assert numbers(taken(backlog, 4.0)) == [0, 1, 2] and count == {}
    assert backlog.take_packet(4.0) is None and len(backlog) == 0


def test_late_packets_that_nobody_refers_to_are_dropped(count):
    backlog = begun(count)
    filled(backlog, [KEY, FREE, NEEDED, FREE, FREE])
    packets = taken(backlog, 5.5)
    assert (numbers(packets), marked(packets)) == ([0, 2, 4], [])
    assert count == {"dropped_nonreference": 2}


def test_the_first_packets_of_a_stream_stay_whole_and_so_do_those_behind_new_parameter_sets(count):
    backlog = Backlog(max_lag_s=1e9, skip_nonref_s=0.0, max_bytes=1 << 20, count=count)
    filled(backlog, [KEY] + [FREE] * 99)
    assert len(taken(backlog, 1000.0)) == WHOLE_PACKETS
    filled(backlog, [KEY] + [FREE] * 99)
    assert len(taken(backlog, 1000.0)) == 1
    filled(backlog, [KEY] + [FREE] * 99, sets=b"others")
    assert len(taken(backlog, 1000.0)) == WHOLE_PACKETS


def test_too_late_all_before_the_newest_key_packet_is_dropped(count):
    backlog = begun(count)
    filled(backlog, [KEY, NEEDED, KEY, FREE, KEY, NEEDED])
    packets = taken(backlog, 10.5)
    assert (numbers(packets), marked(packets)) == ([4, 5], [4])
    assert count == {"dropped_backlog": 4}


def test_without_a_newer_key_packet_reading_catches_up(count):
    backlog = begun(count)
    filled(backlog, [KEY, NEEDED, NEEDED])
    packets = taken(backlog, 15.0)
    assert (numbers(packets), marked(packets)) == ([0, 1, 2], []) and count == {}


def test_hopelessly_late_all_is_dropped_until_the_next_key_packet(count):
    backlog = begun(count)
    filled(backlog, [KEY, NEEDED, NEEDED])
    assert backlog.take_packet(20.5) is None
    for number, kind in enumerate([NEEDED, FREE, KEY, NEEDED], 3):
        backlog.put_packet(packet(kind, number, 20.5))
    packets = taken(backlog, 20.5)
    assert (numbers(packets), marked(packets)) == ([5, 6], [5])
    assert count == {"dropped_backlog": 5}


def test_bytes_are_bounded(count):
    backlog = begun(count, max_bytes=100)
    filled(backlog, [KEY, NEEDED, KEY] + [NEEDED] * 7)
    assert len(backlog) == 10 and backlog.is_full
    backlog.put_packet(packet(NEEDED, 10, 0.0))
    assert len(backlog) == 9
    backlog.put_packet(packet(NEEDED, 11, 0.0))
    backlog.put_packet(packet(NEEDED, 12, 0.0))
    assert len(backlog) == 0  # no key packet to begin with
    backlog.put_packet(packet(NEEDED, 13, 0.0))
    backlog.put_packet(packet(KEY, 14, 0.0))
    packets = taken(backlog, 0.0)
    assert (numbers(packets), marked(packets)) == ([14], [14])
    assert count == {"dropped_backlog": 14}  # 2, 11 and 1


def test_a_gap_of_the_source_is_marked_also_if_its_packet_is_dropped(count):
    backlog = begun(count)
    backlog.put_packet(packet(KEY, 0, 0.0)._replace(is_cut=True))
    assert marked(taken(backlog, 0.0)) == [0]
    backlog.put_packet(packet(KEY, 1, 0.0)._replace(is_cut=True))
    backlog.put_packet(packet(KEY, 2, 9.0))
    assert marked(taken(backlog, 11.0)) == [2]
    assert count == {"dropped_backlog": 1}


def test_a_recording_waits(count):
    backlog = begun(count, max_bytes=50)
    backlog.keeps_all = True
    filled(backlog, [KEY, NEEDED, FREE, NEEDED, KEY, FREE, FREE])
    assert backlog.is_full
    assert numbers(taken(backlog, 1e6)) == list(range(7)) and count == {}


def test_cleared(count):
    backlog = begun(count)
    filled(backlog, [KEY, NEEDED])
    backlog.clear()
    assert backlog.take_packet(0.0) is None and not backlog.is_full and count == {}
