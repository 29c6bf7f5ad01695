"""The main loop of the service: engine, streams, health and systemd, until a signal ends it.

One thread takes all decisions, a few times a second; others do the work. A reload is prepared while the old
configuration still runs, and takes over only when it is complete.
"""

import faulthandler
import os
import signal
import threading
import time
from typing import Callable, NamedTuple, Optional

from edge_attp.engine import default_pack, load_pack, open_backend
from edge_attp.errors import UsageError
from edge_attp.log import logger
from edge_attp.pipeline import Session
from edge_attp.service.config import Config, Engine, Health, load_config
from edge_attp.service.health import HealthServer
from edge_attp.service.plans import make_plans
from edge_attp.service.state import ServiceState
from edge_attp.service.supervisor import Supervisor
from edge_attp.service.systemd import (
    Signals,
    StatusLine,
    Watchdog,
    notify,
    notify_ready,
    notify_reloading,
    watchdog_interval_s,
)
from edge_attp.sinks import Observer

__all__ = ["EngineRunner", "open_session", "serve"]

TICK_S = 0.2
LOAD_LIMIT_S = 900.0  # loading an engine counts as progress for this long
STOP_TIMEOUT_S = 25.0  # less than TimeoutStopSec of the unit
SAME_SIGNAL_S = 1.0  # some programs, such as timeout(1), send a signal twice
EXTENSION_S = 30.0  # of systemd's patience, requested again at every tick while engines load

OpenSession = Callable[[Engine], Session]


def open_session(engine: Engine) -> Session:
    """Loads the pack into its engine. Raises ModelError or EngineError."""
    pack = load_pack(engine.model or default_pack())
    if not pack.trained:
        logger.warning("the model %s is NOT TRAINED: its events mean nothing", pack.name)
    backend = open_backend(engine.backend, engine.threads, pack, batch=engine.batch)
    session = Session(pack, backend, engine.batch)
    logger.info("model %s on %s", pack.name, backend.describe())
    return session


class EngineRunner:
    """Opens a session and runs it in one thread. Loading may take long, and an engine may hang: `progress`
    shows both.

    session: None until it is loaded. error: why the thread has ended; None if stop_session() ended it.
    """

    def __init__(self, engine: Engine, open_it: OpenSession = open_session) -> None:
        self.engine = engine
        self.session: Optional[Session] = None
        self.error: Optional[BaseException] = None
        self._open = open_it
        self._began_s = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="edge-attp-engine", daemon=True)
        self._thread.start()

    @property
    def progress(self) -> object:
        """Changes whenever the engine makes progress, and stays the same while it hangs."""
        if self.session is not None:
            return self.session.progress
        return min(time.monotonic() - self._began_s, LOAD_LIMIT_S)

    @property
    def is_within_load_limit(self) -> bool:
        """Whether loading may still take its time."""
        return time.monotonic() - self._began_s < LOAD_LIMIT_S

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def stop_session(self) -> None:
        """Lets all streams finish what they have read, then ends the thread. Has no effect during loading:
        call it until the thread has ended."""
        if self.session is not None:
            self.session.stop()

    def _run(self) -> None:
        try:
            self.session = session = self._open(self.engine)
            session.run(until_idle=False)
        except BaseException as error:  # whatever it is, the main loop must learn of it
            self.error = error


def serve(path: str, open_it: OpenSession = open_session) -> int:
    """Runs a configuration file until SIGTERM or SIGINT, or until all its sources were files and are done.

    Returns the exit code. Raises UsageError for a wrong configuration, ModelError and EngineError.
    """
    # systemd's watchdog kills with SIGABRT: the journal then shows where every thread was.
    faulthandler.enable(2)
    config = load_config(path)
    _make_state_dir(config)
    with Signals(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        return _Service(config, open_it).run(signals)


class _Reload(NamedTuple):
    """A new configuration whose engine is being loaded."""

    config: Config
    runner: EngineRunner


class _Service:
    def __init__(self, config: Config, open_it: OpenSession) -> None:
        self._config = config
        self._open = open_it
        self._state = ServiceState(config.path)
        self._health = _open_health(self._state, config.health)
        self._runner = EngineRunner(config.engine, open_it)
        self._supervisor: Optional[Supervisor] = None
        self._is_reload_requested = False
        self._reloading: Optional[_Reload] = None
        self._watchdog = Watchdog(watchdog_interval_s(), lambda: notify(WATCHDOG=1))
        self._status = StatusLine(self._state)

    def run(self, signals: Signals) -> int:
        try:
            while True:
                number = signals.wait_for_signal(TICK_S)
                if number == signal.SIGHUP:
                    self._is_reload_requested = True
                elif number is not None:
                    return self._stop(signals) or (130 if number == signal.SIGINT else 0)
                self._tick()
                if self._is_finished:
                    logger.info("done: every source was a file, and all have been read")
                    return self._stop(signals)
        finally:
            if self._health is not None:
                self._health.stop_answering()

    def _tick(self) -> None:
        runner = self._runner
        if runner.error is not None:
            raise runner.error
        if runner.session is None and runner.is_within_load_limit:
            notify(EXTEND_TIMEOUT_USEC=int(EXTENSION_S * 1e6))
        if runner.session is not None and self._supervisor is None:
            self._start_streams(runner.session)
        if self._supervisor is not None:
            self._supervisor.tend_streams()
        if self._reloading is not None:
            self._continue_reload(self._reloading)
        elif self._is_reload_requested:
            self._is_reload_requested = False
            self._begin_reload()
        self._report_state()

    def _start_streams(self, session: Session) -> None:
        self._supervisor = supervisor = Supervisor(session, self._state)
        self._state.streams = lambda: supervisor.streams
        self._follow_config()

    def _follow_config(self) -> None:
        if self._supervisor is not None:
            self._supervisor.follow_plans(make_plans(self._config, self._state, self._live_view))
            self._state.stream_count = self._supervisor.count

    def _live_view(self, name: str) -> Optional[Observer]:
        return None if self._health is None else self._health.live_view(name)

    @property
    def _is_finished(self) -> bool:
        return self._reloading is None and self._supervisor is not None and self._supervisor.is_done

    def _report_state(self) -> None:
        """Updates systemd and the health page."""
        runner, supervisor = self._runner, self._supervisor
        self._state.progress = None if runner.session is None else runner.session.progress
        self._watchdog.report_progress((id(runner), runner.progress))
        if supervisor is not None and not self._state.is_ready and supervisor.is_settled:
            self._state.is_ready = True
            logger.info("ready: %s", self._status.text())
            notify_ready(self._status.text())
        self._status.send_when_due()

    def _begin_reload(self) -> None:
        """Adopts the file as it is now, or logs why not and leaves everything as it was."""
        try:
            config = load_config(self._config.path)
            _make_state_dir(config)
            is_same_engine = config.engine == self._config.engine
            if is_same_engine:
                self._replace_health(config.health)
        except UsageError as error:
            logger.error("not reloaded; the old configuration stays in force: %s", error)
            return
        notify_reloading()
        if is_same_engine:
            self._adopt(config)
        else:
            logger.info("[engine] has changed: loading the new one; the old one runs until then")
            self._reloading = _Reload(config, EngineRunner(config.engine, self._open))

    def _continue_reload(self, new: _Reload) -> None:
        """Once the new engine is loaded, lets the old one finish its work, then switches over."""
        if new.runner.error is not None:
            logger.error("not reloaded; the old engine keeps running: %s", new.runner.error)
            self._reloading = None
            notify_ready(self._status.text())
        elif new.runner.session is not None and self._wind_down():
            self._runner, self._reloading, self._supervisor = new.runner, None, None
            self._adopt(new.config._replace(health=self._new_health(new.config.health)))

    def _adopt(self, config: Config) -> None:
        self._config = config
        self._follow_config()
        logger.info("reloaded %s", config.path)
        notify_ready(self._status.text())

    def _new_health(self, health: Health) -> Health:
        """The [health] in force after an attempt to replace it, at a point where the reload cannot be refused."""
        try:
            self._replace_health(health)
        except UsageError as error:
            logger.error("[health] stays as it was: %s", error)
            return self._config.health
        return health

    def _replace_health(self, health: Health) -> None:
        """Stops the old server first: both may use the same address."""
        if health == self._config.health:
            return
        if self._health is not None:
            self._health.stop_answering()
        try:
            self._health = _open_health(self._state, health)
        except UsageError:
            self._health = _open_health(self._state, self._config.health)
            raise

    def _wind_down(self) -> bool:
        """Asks streams and engine to finish; True once they have. Call it until then."""
        supervisor = self._supervisor
        if supervisor is not None:
            supervisor.stop_streams()
            supervisor.tend_streams()
        self._runner.stop_session()
        return not self._runner.is_alive and (supervisor is None or supervisor.is_done)

    def _stop(self, signals: Signals) -> int:
        """Scores and writes everything that was read, if time allows; returns the exit code."""
        notify(STOPPING=1, STATUS="stopping")
        logger.info("stopping, after scoring and writing what was read")
        began_s = time.monotonic()
        while not self._wind_down():
            number, waited_s = signals.wait_for_signal(TICK_S), time.monotonic() - began_s
            if number in (signal.SIGTERM, signal.SIGINT) and waited_s > SAME_SIGNAL_S:
                logger.warning("stopped at once: unfinished work is lost")
                return 1
            if waited_s > STOP_TIMEOUT_S:
                logger.error(
                    "giving up: streams or engine did not finish within %.0f s", STOP_TIMEOUT_S
                )
                return 1
        if self._runner.error is not None:
            raise self._runner.error
        return 0


def _open_health(state: ServiceState, health: Health) -> Optional[HealthServer]:
    if not health.listen:
        return None
    token = health.token_file.text if health.token_file else None
    try:
        server = HealthServer(state, health.listen, token, health.page)
    except UsageError as error:
        raise UsageError(f"{state.config_path}: health: {error}") from None
    server.start_answering()
    logger.info("health: http://%s", server.address)
    return server


def _make_state_dir(config: Config) -> None:
    try:
        os.makedirs(config.state_dir, 0o750, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{config.path}: service: state_dir: {config.state_dir} cannot be made: {error.strerror}"
        ) from None
