"""The spool: order, bounds, what a killed process and a full disk leave behind."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from edge_attp.sinks.spool import Spool

BIG = 1 << 20


def drain(spool):
    """Takes all messages out."""
    found = []
    while True:
        message = spool.peek_message()
        if message is None:
            return found
        found.append(message.data)
        spool.acknowledge(message)


def numbers(messages):
    return [int(message.split()[0]) for message in messages]


def newest_file(folder):
    return max(path for path in folder.iterdir() if path.suffix == ".messages")


def filled(folder, count, size=BIG):
    spool = Spool(str(folder), size)
    for number in range(count):
        spool.put_message(b"%d" % number)
    return spool


def test_first_in_first_out(tmp_path):
    spool = filled(tmp_path, 5)
    assert len(spool) == 5
    assert spool.peek_message() == spool.peek_message()
    assert numbers(drain(spool)) == [0, 1, 2, 3, 4]
    assert len(spool) == 0 and spool.peek_message() is None
    spool.put_message(b"5 after the end")
    assert numbers(drain(spool)) == [5]


def test_what_was_not_acknowledged_is_there_next_time(tmp_path):
    spool = filled(tmp_path, 6)
    for _ in range(2):
        spool.acknowledge(spool.peek_message())
    spool.close()
    spool.close()
    spool = Spool(str(tmp_path), BIG)
    spool.put_message(b"6")
    assert numbers(drain(spool)) == [2, 3, 4, 5, 6] and spool.counts["torn"] == 0
    spool.close()
    spool = Spool(str(tmp_path), BIG)
    assert len(spool) == 0 and spool.peek_message() is None


def test_random_use_over_many_openings(tmp_path):
    """Against a list: puts, acknowledgements and openings in any order."""
    random.seed(1)
    spool, expected, number = Spool(str(tmp_path), BIG), [], 0
    for _ in range(2000):
        choice = random.random()
        if choice < 0.5:
            spool.put_message(b"%d %s" % (number, b"x" * random.randint(0, 3000)))
            expected.append(number)
            number += 1
        elif choice < 0.98 and expected:
            message = spool.peek_message()
            assert int(message.data.split()[0]) == expected.pop(0)
            spool.acknowledge(message)
        else:
            spool.close()
            spool = Spool(str(tmp_path), BIG)
        assert len(spool) == len(expected)
    assert numbers(drain(spool)) == expected and number > 900


def test_the_oldest_go_when_it_is_full(tmp_path):
    spool = Spool(str(tmp_path), 8000)
    for number in range(100):
        spool.put_message(b"%03d" % number + b"." * 189)  # 200 bytes with the header
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 8000 + 40
    left = numbers(message[:3] for message in drain(spool))
    assert left == list(range(100 - len(left), 100)) and len(left) >= 35
    assert spool.counts["dropped"] == 100 - len(left)


def test_an_acknowledgement_that_comes_too_late_takes_nothing_away(tmp_path):
    spool = Spool(str(tmp_path), 1000)
    spool.put_message(b"0" * 100)
    late = spool.peek_message()
    for number in range(1, 12):
        spool.put_message(b"%d" % number * 100)
    waiting = len(spool)
    spool.acknowledge(late)
    assert len(spool) == waiting
    now = spool.peek_message()
    spool.acknowledge(now)
    spool.acknowledge(now)
    assert len(spool) == waiting - 1


def test_a_message_larger_than_the_spool_is_counted(tmp_path):
    spool = filled(tmp_path, 2, 1000)
    spool.put_message(b"." * 1000)
    assert len(spool) == 2 and spool.counts["dropped"] == 1


@pytest.mark.parametrize("cut", [1, 5, 9, 30])
def test_a_torn_message_is_dropped_and_nothing_before_it(tmp_path, cut):
    spool = filled(tmp_path, 3)
    spool.put_message(b"3" + b"." * 40)
    spool.close()
    file = newest_file(tmp_path)
    file.write_bytes(file.read_bytes()[:-cut])
    spool = Spool(str(tmp_path), BIG)
    assert spool.counts["torn"] == 1
    spool.put_message(b"4")
    assert numbers(drain(spool)) == [0, 1, 2, 4]


def test_bytes_that_changed_are_found(tmp_path):
    filled(tmp_path, 4).close()
    file = newest_file(tmp_path)
    data = bytearray(file.read_bytes())
    data[2 * 9 + 8] ^= 1  # the third message
    file.write_bytes(bytes(data))
    spool = Spool(str(tmp_path), BIG)
    assert spool.counts["torn"] == 1 and numbers(drain(spool)) == [0, 1]


def test_bytes_that_change_while_it_is_open_are_passed_over(tmp_path):
    spool = filled(tmp_path, 3)
    file = newest_file(tmp_path)
    file.write_bytes(b"\xff" * file.stat().st_size)
    assert spool.peek_message() is None and spool.counts["torn"] == 3
    spool.put_message(b"3")
    assert numbers(drain(spool)) == [3]


def test_a_broken_position_gives_messages_again_and_loses_none(tmp_path):
    spool = filled(tmp_path, 3)
    spool.acknowledge(spool.peek_message())
    spool.close()
    (tmp_path / "position").write_bytes(b"\xff" * 20)
    assert numbers(drain(Spool(str(tmp_path), BIG))) == [0, 1, 2]


def test_a_full_disk(tmp_path, monkeypatch):
    spool, real = filled(tmp_path, 2), os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: real(fd, data[:4], at))
    with pytest.raises(OSError, match="No space left"):
        spool.put_message(b"2 is lost")
    monkeypatch.setattr(os, "pwrite", real)
    spool.put_message(b"3")
    assert spool.counts["lost"] == 1 and numbers(drain(spool)) == [0, 1, 3]


def test_one_spool_a_folder(tmp_path):
    spool = filled(tmp_path, 1)
    with pytest.raises(BlockingIOError):
        Spool(str(tmp_path), BIG)
    spool.close()
    Spool(str(tmp_path), BIG).close()


def test_a_closed_spool_takes_and_gives_nothing(tmp_path):
    spool = filled(tmp_path, 2)
    message = spool.peek_message()
    spool.close()
    spool.acknowledge(message)
    spool.sync_to_disk()
    assert spool.peek_message() is None
    with pytest.raises(OSError, match="closed"):
        spool.put_message(b"2")
    assert numbers(drain(Spool(str(tmp_path), BIG))) == [0, 1]


def test_sync_writes_through_what_is_new(tmp_path, monkeypatch):
    synced, real = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.fstat(fd).st_size) or real(fd))
    spool = filled(tmp_path, 2)
    spool.sync_to_disk()
    spool.sync_to_disk()
    assert synced == [2 * 9]
    spool.put_message(b"2")
    spool.sync_to_disk()
    assert synced == [2 * 9, 3 * 9]


PUTTING = """
import sys
from edge_attp.sinks.spool import Spool
spool, number = Spool(sys.argv[1], 1 << 28), 0
while True:
    spool.put_message(b"%d " % number + b"x" * (number * 37 % 5000))
    sys.stdout.write("%d\\n" % number)
    sys.stdout.flush()
    number += 1
"""


def test_a_process_killed_while_it_writes_loses_nothing_that_was_put(tmp_path):
    for round_number in range(3):
        folder = tmp_path / str(round_number)
        process = subprocess.Popen(
            [sys.executable, "-c", PUTTING, str(folder)], stdout=subprocess.PIPE
        )
        first = process.stdout.readline()
        time.sleep(0.05 + 0.03 * round_number)
        process.send_signal(signal.SIGKILL)
        said = (first + process.communicate()[0]).split(b"\n")[:-1]
        found = numbers(drain(Spool(str(folder), 1 << 28)))
        assert found == list(range(len(found)))
        assert len(said) <= len(found) <= len(said) + 1 and len(said) > 3
