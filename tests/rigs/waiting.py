"""Waiting for other threads and processes, and ports for them to listen on."""

import socket
import time


def free_port():
    """A TCP port that is free at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, timeout_s=10.0):
    """Waits until condition() is true and returns its value; fails after timeout_s seconds."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"the condition was not met within {timeout_s} s")
