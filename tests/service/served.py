"""A service with scripted sessions, run in the test's own thread by a list of steps."""

import time

from fake_session import FakeSession

from edge_attp.errors import ModelError
from edge_attp.service import serve as service_serve

STREAM = '[[stream]]\nname = "%s"\nsource = "%s"\n'
QUIET = '[health]\nlisten = ""\n'


class Script:
    """Stands in for Signals. `do` is called after each tick until it returns a signal, or True for
    another look."""

    def __init__(self, steps):
        self._steps = list(steps)
        self._until_s = time.monotonic() + 10.0

    def wait_for_signal(self, timeout_s):
        time.sleep(0.002)
        if time.monotonic() > self._until_s:
            raise AssertionError(f"never came: {self._steps!r}")
        if not self._steps:
            return None
        step = self._steps[0]
        if callable(step):
            if step():
                self._steps.pop(0)
            return None
        return self._steps.pop(0)


class Served:
    """A service over fake sessions, one for each engine that was loaded."""

    def __init__(self, folder):
        self.path = str(folder / "camera.toml")
        self.folder = folder
        self.sessions, self.opened = [], []
        self.opens = True
        self.service = None

    def write(self, text, listen=False):
        with open(self.path, "w") as file:
            file.write(
                text + ("" if listen else QUIET) + f'[service]\nstate_dir = "{self.folder}"\n'
            )

    def open_session(self, engine):
        self.opened.append(engine)
        if engine.batch == 13:
            raise ModelError("the pack is broken")
        session = FakeSession(self.opens)
        self.sessions.append(session)
        return session

    def run(self, *steps):
        config = service_serve.load_config(self.path)
        self.service = service_serve._Service(config, self.open_session)
        return self.service.run(Script(steps))

    def is_ready(self):
        return self.service._state.is_ready

    def newest(self, name):
        return self.sessions[-1].newest(name)


def do(action):
    """A step that is done at once."""
    return lambda: (action(), True)[1]


def passed(seconds):
    """A step that is done when so much time has passed since the one before."""
    until_s = []

    def is_over():
        until_s[:] = until_s or [time.monotonic() + seconds]
        return time.monotonic() > until_s[0]

    return is_over
