"""/healthz and /readyz tell the truth, to those only who may hear it, and the server bears bad callers."""

import contextlib
import json
import socket
import threading
import time

import pytest
from health_state import TOKEN, Client, make_state, make_stream

from edge_attp.errors import UsageError
from edge_attp.service import health, web
from edge_attp.service.health import HealthServer, Liveness


@pytest.fixture
def state():
    return make_state(make_stream("door"), make_stream("yard", "opening"))


def problems(body):
    return json.loads(body.decode("ascii"))["problems"]


def test_all_is_well(state):
    with Client(state) as client:
        for path in ("/healthz", "/readyz"):
            status, headers, body = client.get(path)
            assert status == 200 and headers["Content-Type"] == "application/json"
            told = json.loads(body.decode("ascii"))
            assert told["ok"] and told["problems"] == []
            assert told["streams"] == {"door": "running", "yard": "opening"}


def test_not_ready_while_engines_load(state):
    state.is_ready, state.progress = False, None
    with Client(state) as client:
        status, _, body = client.get("/readyz")
        assert status == 503 and "engines" in problems(body)[0]
        assert client.get("/healthz")[0] == 200  # loading is no fault


def test_not_ready_names_the_streams_that_are_not_open():
    state = make_state(make_stream("yard", "opening"))
    state.is_ready = False
    with Client(state) as client:
        status, _, body = client.get("/readyz")
        assert (status, problems(body)) == (503, ["stream yard is opening"])


def test_an_engine_that_stands_still_is_unhealthy(state, monkeypatch):
    monkeypatch.setattr(health, "STALLED_S", 0.3)
    monkeypatch.setattr(health, "PERIOD_S", 0.05)
    with Client(state) as client:
        deadline = time.monotonic() + 10
        while client.get("/healthz")[0] == 200 and time.monotonic() < deadline:
            time.sleep(0.05)
        status, _, body = client.get("/healthz")
        assert status == 503 and "no progress for" in problems(body)[0]
        state.progress += 1
        time.sleep(0.15)
        assert client.get("/healthz")[0] == 200


def test_loading_for_long_is_no_standstill(state, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(health.time, "monotonic", lambda: now[0])
    state.progress = None
    liveness = Liveness(state)
    for now[0] in (100.0, 600.0):
        liveness.note_progress()
        assert liveness.list_problems() == []
    state.progress = 0
    liveness.note_progress()
    now[0] += health.STALLED_S + 1
    liveness.note_progress()
    assert len(liveness.list_problems()) == 1


@pytest.mark.parametrize("method, has_body", [("GET", True), ("HEAD", False)])
def test_get_and_head(state, method, has_body):
    with Client(state) as client:
        status, headers, body = client.get("/healthz", method)
        assert status == 200 and bool(body) == has_body and int(headers["Content-Length"]) > 0


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "<b>"])
def test_other_methods_are_refused(state, method):
    with Client(state) as client:
        status, headers, body = client.get("/healthz", method)
        assert status == 501 and headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("path", ["/../etc/passwd", "/page/../health.py", "/nothing", "/streams/x"])
def test_nothing_else_is_served(state, path):
    with Client(state) as client:
        assert client.get(path)[0] == 404


def test_every_answer_is_guarded(state):
    with Client(state) as client:
        for path in ("/", "/healthz", "/page.js", "/nothing"):
            _, headers, _ = client.get(path)
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy and "unsafe" not in policy
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert headers["Server"] == "edge-attp"


# Who may ask --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:9560", "127.0.0.1:1", "[::1]:9560", "LOCALHOST"]
)
def test_names_of_this_machine(state, host):
    with Client(state) as client:
        assert client.get("/healthz", Host=host)[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.168.0.9:9560", ""])
def test_a_foreign_name_for_this_machine_is_refused(state, host):
    with Client(state) as client:
        for path in ("/", "/events", "/metrics", "/healthz"):
            assert client.get(path, Host=host)[0] == 403


def test_an_open_address_needs_a_token(state):
    with pytest.raises(UsageError, match="token_file"):
        HealthServer(state, "0.0.0.0:0")
    HealthServer(state, "0.0.0.0:0", token=TOKEN).stop_answering()


def test_a_short_token_is_refused(state):
    with pytest.raises(UsageError, match="16 characters"):
        HealthServer(state, "127.0.0.1:0", token="secret")


@pytest.mark.parametrize(
    "listen", ["9560", "localhost", ":9560", "127.0.0.1:99999", "a b:1", "::1:9560"]
)
def test_a_wrong_address(state, listen):
    with pytest.raises(UsageError, match="listen"):
        HealthServer(state, listen)


def test_an_address_that_is_taken(state):
    with Client(state) as client:
        with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{client.port}: "):
            HealthServer(state, f"127.0.0.1:{client.port}")


def test_ipv6(state):
    server = HealthServer(state, "[::1]:0")
    assert server.address.startswith("[::1]:")
    server.stop_answering()


@pytest.fixture
def guarded(state):
    with Client(state, "0.0.0.0:0", token=TOKEN) as client:
        yield client


@pytest.mark.parametrize(
    "path", ["/", "/page.js", "/healthz", "/readyz", "/metrics", "/events", "/no"]
)
def test_without_the_token_nothing_is_told(guarded, path):
    wrong = {"Authorization": "Bearer " + TOKEN[:-1] + "x"}
    for headers in ({}, wrong, {"Authorization": "Basic " + TOKEN}, {"Cookie": "a=b; =;;"}):
        status, answer, body = guarded.get(path, **headers)
        assert status == 401 and answer["WWW-Authenticate"].startswith("Bearer")
        assert TOKEN.encode() not in body
    assert guarded.get(path + "?token=wrong")[0] == 401


def test_the_token_in_a_header(guarded):
    status, headers, _ = guarded.get("/healthz", Authorization="Bearer " + TOKEN)
    assert status == 200 and headers["Set-Cookie"] is None


def test_the_token_in_the_address_becomes_a_cookie(guarded):
    status, headers, _ = guarded.get("/?token=" + TOKEN)
    cookie = headers["Set-Cookie"]
    assert status == 200 and TOKEN not in cookie
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Strict")
    value = cookie.split(";")[0]
    assert guarded.get("/healthz", Cookie='{"a": 1}; other=1;' + value)[0] == 200
    assert guarded.get("/healthz", Cookie=value[:-1])[0] == 401
    assert guarded.get("/healthz?token=" + TOKEN)[0] == 401  # in the page's address only


# Bad callers --------------------------------------------------------------------------------------


def send(client, data):
    connection = socket.create_connection(("127.0.0.1", client.port), timeout=10)
    connection.sendall(data)
    return connection


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /nothing\r\n\r\n",
        b"GET / HTTP\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\n\r\n",
        b"GET /%ff%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n",
        b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\n\r\n",
    ],
)
def test_broken_requests(state, data):
    with Client(state) as client:
        connection = send(client, data)
        with contextlib.suppress(OSError):  # the server may have hung up already
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            for part in iter(lambda: connection.recv(65536), b""):
                answer += part
        except ConnectionResetError:
            pass
        connection.close()
        assert not answer or answer.split()[1] in (b"400", b"404", b"431", b"505")
        assert client.get("/healthz")[0] == 200


def test_slow_callers_are_dropped(state, monkeypatch):
    monkeypatch.setattr(web, "HEAD_TIMEOUT_S", 0.3)
    with Client(state) as client:
        connection = send(client, b"GET / HTTP/1.1\r\n")
        started = time.monotonic()
        assert connection.recv(100) == b"" and time.monotonic() - started < 5
        connection.close()


def test_connections_are_bounded(state, monkeypatch):
    monkeypatch.setattr(web, "MAX_CONNECTIONS", 3)
    with Client(state) as client:
        held = [send(client, b"GET / HTTP/1.1\r\n") for _ in range(3)]
        time.sleep(0.2)
        extra = send(client, b"")
        assert extra.recv(100) == b""
        for connection in held + [extra]:
            connection.close()
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                assert client.get("/healthz")[0] == 200
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the places of those who left were not given back")


def test_a_fault_is_told_as_such_and_logged(state, caplog):
    state.streams = None
    with Client(state) as client:
        status, _, body = client.get("/healthz")
        assert status == 500 and b"Traceback" not in body
    assert "no answer to" in caplog.text


def test_stop_leaves_no_thread(state):
    before = threading.active_count()
    for _ in range(3):
        with Client(state) as client:
            assert client.get("/healthz")[0] == 200
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() <= before
