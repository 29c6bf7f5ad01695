"""A service in the test's own thread, and a service manager that records its notifications."""

import socket

import pytest
from served import Served

from edge_attp.service import serve as service_serve


@pytest.fixture
def served(tmp_path, monkeypatch):
    monkeypatch.setattr(service_serve, "TICK_S", 0.0)
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    return Served(tmp_path)


@pytest.fixture
def manager(tmp_path, monkeypatch):
    """All notifications so far, as lines."""
    path = str(tmp_path / "notify")
    told = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(path)
        receiver.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", path)

        def lines():
            while True:
                try:
                    told.extend(receiver.recv(65536).decode().split("\n"))
                except BlockingIOError:
                    return told

        yield lines
