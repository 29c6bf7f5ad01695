"""A service that runs two streams, without pictures, networks or threads; and a client of its pages."""

import http.client
import types

from edge_attp.pipeline import StreamStatus
from edge_attp.recognition import Event
from edge_attp.service.health import HealthServer
from edge_attp.service.state import ServiceState
from edge_attp.timing import Clock

TOKEN = "0123456789abcdef0123"


def make_stream(name, state="running", **fields):
    clock = Clock()
    status = StreamStatus(clock)
    status.state, status.width, status.height = state, 64, 36
    status.pictures, status.scored = 100, 90
    status.top = [("wave", 0.75), ("walk", 0.25)]
    for field, value in fields.items():
        setattr(status, field, value)
    clock.record("parse", 0.002)
    clock.record("parse", 0.004)
    return types.SimpleNamespace(name=name, source=name, status=status, error=None)


def make_state(*streams):
    state = ServiceState("edge-attp.toml")
    state.is_ready, state.progress = True, 1
    state.streams = lambda: list(streams)
    return state


def make_event(label="wave", stream="door", score=0.9):
    return Event(label, score, 1.0, 3.5, 2.0, stream, "id", "end")


class Client:
    """A HealthServer on a free port of this machine, and requests to it."""

    def __init__(self, state, listen="127.0.0.1:0", **options):
        self.server = HealthServer(state, listen, **options)
        self.server.start_answering()
        self.port = int(self.server.address.rsplit(":", 1)[1])

    def get(self, path, method="GET", **headers):
        """Status, headers and body."""
        connection = self.open(path, method, **headers)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response.status, response.headers, body

    def open(self, path, method="GET", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, headers=headers)
        return connection

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop_answering()
