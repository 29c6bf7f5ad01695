"""Loads a pack into an engine and runs a session on it, in one thread, so that the main loop stays free.

Loading may take long, and an engine may hang: both are seen from outside by `progress`.
"""

import threading
import time
from typing import Callable, Optional

from edge_attp.engine import default_pack, load_pack, open_backend
from edge_attp.log import logger
from edge_attp.pipeline import Session
from edge_attp.service.config import Engine

__all__ = ["LOAD_LIMIT_S", "EngineRunner", "open_session"]

LOAD_LIMIT_S = 900.0  # loading counts as progress for so long


def open_session(engine: Engine) -> Session:
    """Raises ModelError or EngineError."""
    pack = load_pack(engine.pack or default_pack())
    if not pack.trained:
        logger.warning("the model %s is NOT TRAINED: its events mean nothing", pack.name)
    backend = open_backend(engine.backend, engine.threads, pack, batch=engine.batch)
    session = Session(pack, backend, engine.batch)
    logger.info("model %s on %s", pack.name, backend.describe())
    return session


class EngineRunner:
    """session: None until it is loaded. error: why the thread has ended, None if stop() ended it."""

    def __init__(self, engine: Engine, open_it: Callable[[Engine], Session] = open_session) -> None:
        self.engine = engine
        self.session: Optional[Session] = None
        self.error: Optional[BaseException] = None
        self._open = open_it
        self._began_s = time.monotonic()
        self._thread = threading.Thread(target=self._work, name="edge-attp-engine", daemon=True)
        self._thread.start()

    @property
    def progress(self) -> object:
        """Differs from what it was before whenever the engine got on; stands still when it hangs."""
        if self.session is not None:
            return self.session.progress
        return min(time.monotonic() - self._began_s, LOAD_LIMIT_S)

    @property
    def is_in_time(self) -> bool:
        """Loading has not taken longer than it may."""
        return time.monotonic() - self._began_s < LOAD_LIMIT_S

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        """Lets all streams finish what they have read, and the thread end. Does nothing while it loads:
        to be called until the thread has ended."""
        if self.session is not None:
            self.session.stop()

    def _work(self) -> None:
        try:
            self.session = session = self._open(self.engine)
            session.run(until_idle=False)
        except BaseException as error:  # whatever it is, the main loop must hear of it
            self.error = error
