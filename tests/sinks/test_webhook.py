"""The webhook against a real server that answers well, badly, late, not at all, and again."""

import http.server
import json
import logging
import socketserver
import ssl
import subprocess
import threading
import time

import pytest
from service_records import closing, event

from edge_attp.errors import UsageError
from edge_attp.sinks.webhook import WebhookSink
from rigs.waiting import wait_until


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """`plan`: what the next answers are, a status or seconds to hang; then 200."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port=0, tls=None):
        super().__init__(("127.0.0.1", port), _Handler)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.plan, self.taken, self.asked = [], [], []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/events?key=hidden"

    def stop(self):
        self.shutdown()
        self.server_close()

    def starts(self):
        return [record["start_s"] for record in self.taken]


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, dict(self.headers)))
        step = self.server.plan.pop(0) if self.server.plan else 200
        if isinstance(step, float):
            time.sleep(step)
            return
        if step == 200:
            self.server.taken.append(json.loads(body.decode()))
        self.send_response(step)
        if step == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        if step >= 400:
            self.wfile.write(b"because of %d" % step)

    do_GET = do_POST

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    made = Server()
    yield made
    made.stop()


@pytest.fixture
def start_sink(server, tmp_path):
    options = dict(url=server.url, spool_folder=str(tmp_path / "spool"))
    with closing() as start:
        yield lambda **more: start(WebhookSink(**dict(options, **more)))


def test_events_are_posted_with_the_token(server, start_sink, tmp_path):
    (tmp_path / "token").write_text("s3cret\n")
    sink = start_sink(token_file=str(tmp_path / "token"))
    for number in range(3):
        sink.event(event(number))
    wait_until(lambda: sink.counters()["sent"] == 3)
    assert server.starts() == [0.0, 1.0, 2.0] and server.taken[0]["id"]
    path, headers = server.asked[0]
    assert path == "/events?key=hidden" and headers["Authorization"] == "Bearer s3cret"
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("answer", [408, 429, 500, 503])
def test_an_answer_that_may_change_is_asked_for_again(server, start_sink, answer):
    server.plan = [answer]
    sink = start_sink()
    sink.event(event(1))
    sink.event(event(2))
    wait_until(lambda: sink.counters()["sent"] == 2)
    assert server.starts() == [1.0, 2.0] and sink.counters()["failed_attempts"] == 1


@pytest.mark.parametrize("answer", [400, 401, 404, 302])
def test_a_refused_event_is_dropped_and_told_once(server, start_sink, caplog, answer):
    server.plan = [answer] * 3
    sink = start_sink()
    for number in range(4):
        sink.event(event(number))
    wait_until(lambda: sink.counters()["sent"] == 1)
    assert server.starts() == [3.0] and sink.counters()["refused"] == 3
    assert len(server.asked) == 4  # a redirection is not followed
    assert len(caplog.records) == 1 and f"{answer}" in caplog.text
    assert "hidden" not in caplog.text
    assert answer < 400 or "because of" in caplog.text


def test_a_server_that_hangs(server, start_sink):
    server.plan = [1.0]
    sink = start_sink(timeout_s=0.3)
    began = time.monotonic()
    sink.event(event(1))
    assert time.monotonic() - began < 0.2
    wait_until(lambda: sink.counters()["sent"] == 1)
    assert sink.counters()["failed_attempts"] == 1


def test_a_server_that_goes_and_comes_back(server, start_sink, caplog):
    caplog.set_level(logging.INFO)
    sink = start_sink()
    sink.event(event(1))
    wait_until(lambda: sink.counters()["sent"] == 1)
    port = server.server_address[1]
    server.stop()
    sink.event(event(2))
    sink.event(event(3))
    wait_until(lambda: sink.counters()["failed_attempts"] >= 2)
    again = Server(port)
    wait_until(lambda: sink.counters()["sent"] == 3)
    assert again.starts() == [2.0, 3.0]
    again.stop()
    texts = [record.getMessage() for record in caplog.records]
    assert len(texts) == 2 and "wait in the spool" in texts[0] and "works again" in texts[1]


def test_what_was_not_sent_is_sent_after_a_restart(server, start_sink):
    server.plan = [500] * 3
    sink = start_sink()
    sink.event(event(1))
    wait_until(lambda: sink.counters()["failed_attempts"] == 1)
    sink.close()
    server.plan = []
    start_sink()
    wait_until(lambda: server.starts() == [1.0])


def test_closing_does_not_wait_for_a_server_that_hangs(server, start_sink, monkeypatch):
    monkeypatch.setattr("edge_attp.sinks.spooled.CLOSE_TIMEOUT_S", 0.2)
    server.plan = [1.5]
    sink = start_sink()
    sink.event(event(1))
    wait_until(lambda: server.asked)
    began = time.monotonic()
    sink.close()
    assert time.monotonic() - began < 1.0 and sink.counters()["sent"] == 0


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(start_sink, tmp_path, caplog):
    names = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1".split()
    subprocess.check_call(command + names, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
    secure = Server(tls=context)
    sink = start_sink(url=secure.url.replace("http:", "https:"))
    sink.event(event(1))
    # The attempt is counted before its failure is logged.
    wait_until(lambda: "certificate verify failed" in caplog.text)
    assert sink.counters()["failed_attempts"] and not secure.taken
    secure.stop()


@pytest.mark.parametrize("url", ["ftp://x/y", "door.example/events", "http:///x", ""])
def test_an_address_that_is_none(url):
    with pytest.raises(UsageError, match="is not an http:// or https:// address"):
        WebhookSink(url, "spool")
