"""What an observer prepares is kept until its result comes, and never more of it than the limit."""

import threading

from edge_attp.sinks.base import EarlyData


def test_data_is_given_once():
    early = EarlyData()
    early.keep(3, "three")
    assert early.take(4) is None
    assert early.take(3) == "three" and early.take(3) is None and len(early) == 0


def test_the_oldest_data_is_dropped_above_the_limit():
    early = EarlyData(limit=3)
    for index in (5, 0, 7, 2, 9):
        early.keep(index, index)
        assert len(early) <= 3
    assert [early.take(index) for index in (5, 0, 7, 2, 9)] == [None, None, 7, 2, 9]


def test_two_threads_share_it():
    early, found = EarlyData(limit=10**6), []

    def take():
        while len(found) < 5000:
            data = early.take(len(found))
            if data is not None:
                found.append(data)

    taker = threading.Thread(target=take)
    taker.start()
    for index in range(5000):
        early.keep(index, index + 1)
    taker.join(30.0)
    assert found == list(range(1, 5001)) and len(early) == 0
