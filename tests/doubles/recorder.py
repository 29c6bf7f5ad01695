"""What tests of the pipeline look at: everything that a sink is told, and threads that were left over."""

import threading

from edge_attp.sinks import Sink


class Recorder(Sink):
    """Keeps what the pipeline says."""

    def __init__(self):
        self.header = self.verdict = None
        self.results, self.events, self.closed = [], [], 0

    def start(self, header):
        self.header = header

    def picture(self, result):
        self.results.append(result)

    def event(self, event):
        self.events.append(event)

    def finish(self, verdict):
        self.verdict = verdict

    def close(self):
        self.closed += 1

    @property
    def scored(self):
        return {r.decode_index: r.scores.logits for r in self.results if r.scores is not None}


def no_threads_left():
    return not any(thread.name.startswith("edge-attp") for thread in threading.enumerate())
