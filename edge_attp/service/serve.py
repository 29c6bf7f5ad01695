"""The main loop of the service: engine, streams, health and systemd, until a signal ends it.

All decisions are taken here, in one thread, a few times a second; the work is done in others. A reload
is prepared beside what runs and takes its place only when it is whole.
"""

import faulthandler
import os
import signal
import time
from typing import Callable, NamedTuple, Optional

from edge_attp.errors import UsageError
from edge_attp.log import logger
from edge_attp.pipeline import Session
from edge_attp.service.config import Config, Engine, Health, load_config
from edge_attp.service.engine_runner import EngineRunner, open_session
from edge_attp.service.health import HealthServer
from edge_attp.service.plans import plans
from edge_attp.service.signals import Signals
from edge_attp.service.state import ServiceState
from edge_attp.service.supervisor import Supervisor
from edge_attp.service.systemd import (
    StatusLine,
    Watchdog,
    notify,
    ready,
    reloading,
    watchdog_interval_s,
)
from edge_attp.sinks import Observer

__all__ = ["serve"]

TICK_S = 0.2
STOP_TIMEOUT_S = 25.0  # less than TimeoutStopSec of the unit
SAME_SIGNAL_S = 1.0  # some programs, as timeout(1), send a signal twice
EXTENSION_S = 30.0  # of systemd's patience, asked for again at every tick while engines load

OpenSession = Callable[[Engine], Session]


def serve(path: str, open_it: OpenSession = open_session) -> int:
    """Runs the configuration of this file until SIGTERM or SIGINT, or until its files are done.

    Returns the exit code. Raises UsageError for a wrong configuration, ModelError and EngineError.
    """
    # systemd's watchdog kills with SIGABRT: the journal then says where every thread was.
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
        self._is_changed = False  # the configuration, says whoever sent a signal
        self._reloading: Optional[_Reload] = None
        self._watchdog = Watchdog(watchdog_interval_s(), lambda: notify(WATCHDOG=1))
        self._status = StatusLine(self._state)

    def run(self, signals: Signals) -> int:
        try:
            while True:
                number = signals.wait(TICK_S)
                if number == signal.SIGHUP:
                    self._is_changed = True
                elif number is not None:
                    return self._stop(signals) or (130 if number == signal.SIGINT else 0)
                self._tick()
                if self._is_done:
                    logger.info("all is done: every source was a file")
                    return self._stop(signals)
        finally:
            if self._health is not None:
                self._health.stop()

    def _tick(self) -> None:
        runner = self._runner
        if runner.error is not None:
            raise runner.error
        if runner.session is None and runner.is_in_time:
            notify(EXTEND_TIMEOUT_USEC=int(EXTENSION_S * 1e6))
        if runner.session is not None and self._supervisor is None:
            self._supervise(runner.session)
        if self._supervisor is not None:
            self._supervisor.tick()
        if self._reloading is not None:
            self._go_on_reloading(self._reloading)
        elif self._is_changed:
            self._is_changed = False
            self._reload()
        self._tell()

    def _supervise(self, session: Session) -> None:
        self._supervisor = supervisor = Supervisor(session, self._state)
        self._state.streams = lambda: supervisor.streams
        self._follow()

    def _follow(self) -> None:
        if self._supervisor is not None:
            self._supervisor.follow(plans(self._config, self._state, self._live_view))
            self._state.stream_count = self._supervisor.count

    def _live_view(self, name: str) -> Optional[Observer]:
        return None if self._health is None else self._health.live_view(name)

    @property
    def _is_done(self) -> bool:
        return self._reloading is None and self._supervisor is not None and self._supervisor.is_done

    def _tell(self) -> None:
        """What systemd and the health page are to know."""
        runner, supervisor = self._runner, self._supervisor
        self._state.progress = None if runner.session is None else runner.session.progress
        self._watchdog.tick((id(runner), runner.progress))
        if supervisor is not None and not self._state.is_ready and supervisor.is_settled:
            self._state.is_ready = True
            logger.info("ready: %s", self._status.text())
            ready(self._status.text())
        self._status.tick()

    def _reload(self) -> None:
        """Takes the file as it is now, or says why not and goes on as before."""
        try:
            config = load_config(self._config.path)
            _make_state_dir(config)
            is_same_engine = config.engine == self._config.engine
            if is_same_engine:
                self._replace_health(config.health)
        except UsageError as error:
            logger.error("not reloaded, the old configuration goes on: %s", error)
            return
        reloading()
        if is_same_engine:
            self._adopt(config)
        else:
            logger.info("[engine] has changed: loading it anew; the old one goes on until then")
            self._reloading = _Reload(config, EngineRunner(config.engine, self._open))

    def _go_on_reloading(self, new: _Reload) -> None:
        """Once the new engine is loaded, the old one finishes what it has, then the new one begins."""
        if new.runner.error is not None:
            logger.error("not reloaded, the old engine goes on: %s", new.runner.error)
            self._reloading = None
            ready(self._status.text())
        elif new.runner.session is not None and self._has_ended():
            self._runner, self._reloading, self._supervisor = new.runner, None, None
            self._adopt(new.config._replace(health=self._new_health(new.config.health)))

    def _adopt(self, config: Config) -> None:
        self._config = config
        self._follow()
        logger.info("reloaded %s", config.path)
        ready(self._status.text())

    def _new_health(self, health: Health) -> Health:
        """What holds after an attempt to replace it, when it is too late to refuse all."""
        try:
            self._replace_health(health)
        except UsageError as error:
            logger.error("[health] stays as it was: %s", error)
            return self._config.health
        return health

    def _replace_health(self, health: Health) -> None:
        """The old address may be the new one too, so the old server goes first."""
        if health == self._config.health:
            return
        if self._health is not None:
            self._health.stop()
        try:
            self._health = _open_health(self._state, health)
        except UsageError:
            self._health = _open_health(self._state, self._config.health)
            raise

    def _has_ended(self) -> bool:
        """Lets streams and engine finish; True when they have."""
        supervisor = self._supervisor
        if supervisor is not None:
            supervisor.leave()
            supervisor.tick()
        self._runner.stop()
        return not self._runner.is_alive and (supervisor is None or supervisor.is_done)

    def _stop(self, signals: Signals) -> int:
        """Everything that was read is scored and written, if that can be done in time."""
        notify(STOPPING=1, STATUS="stopping")
        logger.info("stopping: what was read is scored and written first")
        began_s = time.monotonic()
        while not self._has_ended():
            number, waited_s = signals.wait(TICK_S), time.monotonic() - began_s
            if number in (signal.SIGTERM, signal.SIGINT) and waited_s > SAME_SIGNAL_S:
                logger.warning("stopped at once: what was on its way is lost")
                return 1
            if waited_s > STOP_TIMEOUT_S:
                logger.error("not everything ended within %.0f s: given up", STOP_TIMEOUT_S)
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
    server.start()
    logger.info("health: http://%s", server.address)
    return server


def _make_state_dir(config: Config) -> None:
    try:
        os.makedirs(config.state_dir, 0o750, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{config.path}: service: state_dir: {config.state_dir} cannot be made: {error.strerror}"
        ) from None
