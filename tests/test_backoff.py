"""How long to wait between attempts."""

from edge_attp.backoff import Backoff


def test_waits_double_up_to_the_longest_and_begin_anew():
    backoff = Backoff(5.0, draw=lambda: 0.0)
    assert [backoff.next_s() for _ in range(6)] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    assert backoff.failures == 6
    backoff.reset()
    assert (backoff.failures, backoff.next_s()) == (0, 0.5)


def test_waits_are_shortened_at_random_by_up_to_a_half():
    assert Backoff(5.0, draw=lambda: 1.0).next_s() == 0.25
    waits = {Backoff(5.0).next_s() for _ in range(50)}
    assert len(waits) > 10 and all(0.25 <= wait <= 0.5 for wait in waits)


def test_the_shortest_limit_holds_from_the_first_wait():
    assert Backoff(0.1, draw=lambda: 0.0).next_s() == 0.1
    backoff = Backoff(30.0, draw=lambda: 0.0)
    backoff.failures = 10**6
    assert backoff.next_s() == 30.0
