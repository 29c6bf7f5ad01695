"""What tests of the pipeline look at: all that a sink or an observer is told, and threads that were left over."""

import threading

from edge_attp.sinks import Observer, Sink


class Recorder(Sink):
    """Keeps what the pipeline says."""

    def __init__(self):
        self.header = self.verdict = None
        self.results, self.events, self.closed = [], [], 0

    def begin(self, header):
        self.header = header

    def picture(self, picture):
        self.results.append(picture)

    def event(self, event):
        self.events.append(event)

    def finish(self, verdict):
        self.verdict = verdict

    def close(self):
        self.closed += 1

    @property
    def scored(self):
        return {r.decode_index: r.decisive.logits for r in self.results if r.decisive is not None}


class Watcher(Observer):
    """Keeps what it sees: (decode_index, the greatest sample of the key picture or None). log: gets what happens,
    in order."""

    def __init__(self, needs_every_picture=False, log=None):
        self.needs_every_picture = needs_every_picture
        self.header, self.seen, self.closed = None, [], 0
        self.threads = set()
        self._log = [] if log is None else log

    def begin(self, header):
        self._note("begin")
        self.header = header

    def observe(self, picture, key_rgb):
        self._note(picture.decode_index)
        self.seen.append((picture.decode_index, None if key_rgb is None else int(key_rgb.max())))

    def close(self):
        self._note("close")
        self.closed += 1

    def _note(self, what):
        self._log.append(("observer", what))
        self.threads.add(threading.current_thread().name)


def no_threads_left():
    return not any(thread.name.startswith("edge-attp") for thread in threading.enumerate())
