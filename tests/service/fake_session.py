"""A session without engine, sources or threads: tests decide how each stream fares."""

import threading

from edge_attp.pipeline import StreamStatus
from edge_attp.recognition import Event
from edge_attp.timing import Clock


class FakeStream:
    def __init__(self, job):
        self.job = job
        self.name, self.source = job.name, job.source
        self.sinks = list(job.make_sinks())
        self.status = StreamStatus(Clock())
        self.error = self.verdict = None
        self.is_stopped = False

    def stop(self):
        self.is_stopped = True
        self.end()

    def open(self):
        self.status.state = "running"

    def end(self, error=None):
        if self.status.state not in ("ended", "failed"):
            self.error = error
            self.status.state = "ended" if error is None else "failed"
            for sink in self.sinks:
                sink.close()

    def report(self, label="fight"):
        for sink in self.sinks:
            sink.event(Event(label, 0.9, 1.0, 2.0, 1.5, self.name, "id", "end"))


class FakeSession:
    """streams: all that were submitted. Each is opened at once if `opens`."""

    def __init__(self, opens=True):
        self.streams = []
        self.progress = 0
        self.opens = opens
        self.is_hung = False
        self.failure = None
        self._stopping = threading.Event()

    def submit(self, job):
        stream = FakeStream(job)
        self.streams.append(stream)
        if self.opens:
            stream.open()
        return stream

    def run(self, until_idle=True):
        while not self._stopping.wait(0.005):
            if self.failure is not None:
                raise self.failure
            self.progress += not self.is_hung
        for stream in self.streams:
            stream.stop()

    def stop(self):
        if not self.is_hung:
            self._stopping.set()

    def newest(self, name):
        return [stream for stream in self.streams if stream.name == name][-1]
