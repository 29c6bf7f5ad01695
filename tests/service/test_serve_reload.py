"""SIGHUP: what is replaced, what keeps running, and what is refused."""

import signal
import socket

import pytest
from served import STREAM, do


def test_reload_replaces_what_has_changed_and_keeps_the_engine(served, manager):
    served.write(STREAM % ("same", "rtsp://camera/1") + STREAM % ("old", "rtsp://camera/2"))

    def rewrite():
        served.write(STREAM % ("same", "rtsp://camera/1") + STREAM % ("new", "rtsp://camera/3"))

    def is_reloaded():
        return any(stream.name == "new" for stream in served.sessions[0].streams)

    assert served.run(served.is_ready, do(rewrite), signal.SIGHUP, is_reloaded, signal.SIGTERM) == 0
    assert len(served.opened) == 1
    assert [stream.name for stream in served.sessions[0].streams] == ["same", "old", "new"]
    told = manager()
    assert told.count("READY=1") == 2 and told.index("RELOADING=1") > told.index("READY=1")


def test_a_new_engine_takes_over_when_it_is_loaded(served, manager):
    served.write(STREAM % ("a", "rtsp://camera/1"))

    def rewrite():
        served.write(STREAM % ("a", "rtsp://camera/1") + "[engine]\nbatch = 2\n")

    def took_over():
        return len(served.sessions) == 2 and served.sessions[1].streams

    assert served.run(served.is_ready, do(rewrite), signal.SIGHUP, took_over, signal.SIGTERM) == 0
    assert [engine.batch for engine in served.opened] == [1, 2]
    assert served.sessions[0].newest("a").is_stopped
    assert manager().count("READY=1") == 2


def test_a_reload_during_another_comes_after_it(served):
    served.write(STREAM % ("a", "rtsp://camera/1"))

    def rewrite():
        served.write(STREAM % ("a", "rtsp://camera/1") + "[engine]\nbatch = 2\n")

    def rewrite_again():
        served.write(STREAM % ("b", "rtsp://camera/2") + "[engine]\nbatch = 2\n")

    def came():
        return len(served.sessions) == 2 and [s.name for s in served.sessions[1].streams] == [
            "a",
            "b",
        ]

    steps = (served.is_ready, do(rewrite), signal.SIGHUP, do(rewrite_again), signal.SIGHUP, came)
    assert served.run(*steps + (signal.SIGTERM,)) == 0
    assert len(served.opened) == 2


def test_a_new_engine_that_cannot_be_loaded_leaves_the_old_one(served, manager, caplog):
    served.write(STREAM % ("a", "rtsp://camera/1"))

    def rewrite():
        served.write(STREAM % ("a", "rtsp://camera/1") + "[engine]\nbatch = 13\n")

    def refused():
        return "the old engine keeps running: the pack is broken" in caplog.text

    assert served.run(served.is_ready, do(rewrite), signal.SIGHUP, refused, signal.SIGTERM) == 0
    assert len(served.sessions) == 1 and len(served.sessions[0].streams) == 1
    assert manager().count("READY=1") == 2  # systemd must not go on waiting


@pytest.mark.parametrize("engine", ["", "[engine]\nbatch = 2\n"], ids=["same", "new engine"])
def test_the_health_page_moves_to_a_new_address(served, engine):
    ports = [free_port(), free_port()]
    stream = STREAM % ("a", "rtsp://camera/1")
    health = '[health]\nlisten = "127.0.0.1:%d"\npage = false\n'
    served.write(stream + health % ports[0], listen=True)

    def rewrite():
        assert answers(ports[0]) and not answers(ports[1])
        served.write(stream + engine + health % ports[1], listen=True)

    def moved():
        return answers(ports[1]) and not answers(ports[0])

    assert served.run(served.is_ready, do(rewrite), signal.SIGHUP, moved, signal.SIGTERM) == 0
    assert not answers(ports[1])


@pytest.mark.parametrize(
    "engine, told",
    [
        ("", "the old configuration stays in force: "),
        ("[engine]\nbatch = 2\n", "[health] stays as it was: "),
    ],
    ids=["same", "new engine"],
)
def test_an_address_that_is_taken_leaves_the_old_one(served, caplog, engine, told):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        free = free_port()
        stream = STREAM % ("a", "rtsp://camera/1")
        health = '[health]\nlisten = "127.0.0.1:%d"\n'
        served.write(stream + health % free, listen=True)

        def rewrite():
            port = taken.getsockname()[1]
            served.write(stream + engine + health % port, listen=True)

        def refused():
            return told in caplog.text and "health: cannot listen" in caplog.text

        steps = (served.is_ready, do(rewrite), signal.SIGHUP, refused, lambda: answers(free))
        assert served.run(*steps + (signal.SIGTERM,)) == 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0
