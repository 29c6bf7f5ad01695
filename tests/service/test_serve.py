"""The main loop: readiness, reload, stop, watchdog, exit codes; with scripted sessions.

Tests of what needs a real process, signals and the journal, are at the end and in test_under_systemd.py.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from served import STREAM, do, passed

from edge_attp.errors import EngineError, ModelError, SourceError, UsageError
from edge_attp.service import serve as service_serve
from edge_attp.service.systemd import Signals
from edge_attp.sinks.webhook import WebhookSink
from rigs.paths import ROOT


def test_ready_then_stopped_by_sigterm(served, manager):
    served.write(STREAM % ("a", "rtsp://camera/1"))
    assert served.run(served.is_ready, signal.SIGTERM) == 0
    told = manager()
    assert told.index("READY=1") < told.index("STOPPING=1")
    assert any(line.startswith("STATUS=1 of 1 streams running") for line in told)
    assert served.newest("a").is_stopped


def test_ctrl_c_ends_with_130(served):
    served.write(STREAM % ("a", "rtsp://camera/1"))
    assert served.run(served.is_ready, signal.SIGINT) == 130


def test_not_ready_before_a_source_is_open(served, manager):
    served.opens = False
    served.write(STREAM % ("a", "rtsp://camera/1") + STREAM % ("b", "rtsp://camera/2"))

    def open_one():
        if len(served.sessions[0].streams) < 2 if served.sessions else True:
            return False
        assert "READY=1" not in manager()
        served.newest("b").open()
        return True

    assert served.run(open_one, served.is_ready, signal.SIGTERM) == 0
    assert "READY=1" in manager()


def test_ready_also_when_all_sources_failed(served):
    served.opens = False
    served.write(STREAM % ("a", "a.mp4"))

    def fail():
        if not served.sessions or not served.sessions[0].streams:
            return False
        served.newest("a").end(SourceError("gone"))
        return True

    assert served.run(fail, served.is_ready, signal.SIGTERM) == 0


def test_it_ends_by_itself_when_all_files_are_done(served, caplog):
    caplog.set_level(logging.INFO, "edge_attp")
    served.write(STREAM % ("a", "a.mp4"))

    def end():
        served.newest("a").end()

    assert served.run(served.is_ready, do(end)) == 0
    assert "done: every source was a file" in caplog.text


@pytest.mark.parametrize("error", [EngineError("no device"), RuntimeError("a bug")])
def test_an_engine_that_fails_ends_the_service(served, error):
    served.write(STREAM % ("a", "rtsp://camera/1"))

    def fail():
        served.sessions[0].failure = error

    with pytest.raises(type(error), match=str(error)):
        served.run(served.is_ready, do(fail))


def test_a_pack_that_cannot_be_loaded_ends_the_start(served):
    served.write(STREAM % ("a", "rtsp://camera/1") + "[engine]\nbatch = 13\n")
    with pytest.raises(ModelError):
        served.run()


def test_loading_asks_systemd_for_time(served, manager):
    served.write(STREAM % ("a", "rtsp://camera/1"))
    loaded = threading.Event()
    open_session = served.open_session
    served.open_session = lambda engine: (loaded.wait(10.0), open_session(engine))[1]

    def asked():
        if not any(line.startswith("EXTEND_TIMEOUT_USEC=") for line in manager()):
            return False
        assert "READY=1" not in manager()
        loaded.set()
        return True

    assert served.run(asked, served.is_ready, signal.SIGTERM) == 0


def test_loading_that_takes_too_long_gets_no_more_time(served, manager, monkeypatch):
    monkeypatch.setattr(service_serve, "LOAD_LIMIT_S", 0.05)
    served.write(STREAM % ("a", "rtsp://camera/1"))
    loaded = threading.Event()
    open_session = served.open_session
    served.open_session = lambda engine: (loaded.wait(10.0), open_session(engine))[1]
    asked = []

    def count():
        asked.append(sum(line.startswith("EXTEND_TIMEOUT_USEC=") for line in manager()))

    steps = (passed(0.1), do(count), passed(0.1), do(count), do(loaded.set), served.is_ready)
    assert served.run(*steps + (signal.SIGTERM,)) == 0
    assert asked[0] == asked[1] > 0


def test_it_can_be_stopped_while_it_loads(served):
    served.write(STREAM % ("a", "rtsp://camera/1"))
    loaded = threading.Event()
    open_session = served.open_session
    served.open_session = lambda engine: (loaded.wait(10.0), open_session(engine))[1]
    threading.Timer(0.1, loaded.set).start()
    assert served.run(signal.SIGTERM) == 0
    assert served.sessions[0].streams == []


def test_a_wrong_configuration_is_refused_and_the_old_one_goes_on(served, manager, caplog):
    served.write(STREAM % ("a", "rtsp://camera/1"))

    def rewrite():
        served.write(STREAM % ("a", "rtsp://camera/1") + "stal_s = 1\n")

    def refused():
        return "the old configuration stays in force" in caplog.text

    assert served.run(served.is_ready, do(rewrite), signal.SIGHUP, refused, signal.SIGTERM) == 0
    assert 'did you mean "stall_s"?' in caplog.text
    assert len(served.sessions[0].streams) == 1
    assert "RELOADING=1" not in manager()


# Watchdog and stop.


def test_the_watchdog_is_fed_while_the_engine_gets_on_and_no_longer(served, manager, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "80000")
    served.write(STREAM % ("a", "rtsp://camera/1"))
    fed_before = []

    def hang():
        if manager().count("WATCHDOG=1") < 3:
            return False
        served.sessions[0].is_hung = True
        return True

    def count():
        fed_before.append(manager().count("WATCHDOG=1"))
        return True

    def wake():
        served.sessions[0].is_hung = False
        return True

    steps = (hang, passed(0.1), count, passed(0.3), count, wake, signal.SIGTERM)
    assert served.run(*steps) == 0
    assert fed_before[0] == fed_before[1] >= 3


def test_stop_waits_until_what_is_spooled_had_its_chance(served, monkeypatch):
    closed = []
    monkeypatch.setattr(WebhookSink, "begin", lambda self, header: None)
    monkeypatch.setattr(WebhookSink, "close", lambda self: (time.sleep(0.2), closed.append(1)))
    sink = '[[sink]]\ntype = "webhook"\nurl = "http://127.0.0.1:1/"\n'
    served.write(STREAM % ("a", "rtsp://camera/1") + sink)

    def start():
        served.newest("a").sinks[0].begin(None)

    assert served.run(served.is_ready, do(start), signal.SIGTERM) == 0
    assert closed == [1]


def test_an_engine_that_hangs_is_given_up_after_a_while(served, monkeypatch, caplog):
    monkeypatch.setattr(service_serve, "STOP_TIMEOUT_S", 0.2)
    served.write(STREAM % ("a", "rtsp://camera/1"))

    def hang():
        served.sessions[0].is_hung = True

    assert served.run(served.is_ready, do(hang), signal.SIGTERM) == 1
    assert "did not finish within" in caplog.text
    served.sessions[0]._stopping.set()


def test_a_signal_that_comes_twice_is_one(served):
    served.write(STREAM % ("a", "rtsp://camera/1"))
    assert served.run(served.is_ready, signal.SIGTERM, signal.SIGTERM) == 0


def test_a_second_signal_ends_at_once(served, monkeypatch):
    monkeypatch.setattr(service_serve, "SAME_SIGNAL_S", 0.0)
    served.write(STREAM % ("a", "rtsp://camera/1"))

    def hang():
        served.sessions[0].is_hung = True

    assert served.run(served.is_ready, do(hang), signal.SIGTERM, signal.SIGTERM) == 1
    served.sessions[0]._stopping.set()


def test_a_state_folder_that_cannot_be_made_is_a_wrong_configuration(served):
    served.write(STREAM % ("a", "rtsp://camera/1"))
    with open(served.path) as file:
        text = file.read().replace('state_dir = "', f'state_dir = "{served.path}/')
    with open(served.path, "w") as file:
        file.write(text)
    with pytest.raises(UsageError, match="state_dir: .* cannot be made"):
        service_serve.serve(served.path, served.open_session)


# Signals.


def test_a_signal_that_nobody_waited_for_does_not_strike_afterwards(monkeypatch):
    struck = []
    before = signal.signal(signal.SIGUSR1, lambda *_: struck.append(1))
    try:
        with Signals(signal.SIGUSR1) as signals:
            signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
            assert signals.wait_for_signal(1.0) == signal.SIGUSR1
            assert signals.wait_for_signal(0.0) is None
            signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
        assert struck == []
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
        assert struck == [1]
    finally:
        signal.signal(signal.SIGUSR1, before)


# A process of its own.

PROGRAM = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}, {os.path.dirname(os.path.abspath(__file__))!r}]
from fake_session import FakeSession
from edge_attp import log
from edge_attp.service.serve import serve
log.configure()
sys.exit(serve(sys.argv[1], lambda engine: FakeSession()))
"""


@pytest.mark.parametrize("number, code", [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_signals_reach_the_loop(served, number, code):
    served.write(STREAM % ("a", "rtsp://camera/1"))
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, served.path],
        stderr=subprocess.PIPE,
        universal_newlines=True,
    )
    heard = [process.stderr.readline()]
    while "ready:" not in heard[-1] and heard[-1]:
        heard.append(process.stderr.readline())
    process.send_signal(signal.SIGHUP)
    heard.append(process.stderr.readline())
    assert "reloaded" in heard[-1], heard
    process.send_signal(number)
    _, rest = process.communicate(timeout=20)
    assert process.returncode == code
    assert "stopping" in rest and "Traceback" not in rest
