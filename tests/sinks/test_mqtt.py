"""The MQTT sink against a real mosquitto that is killed, hung, late, closed and encrypted."""

import logging
import signal
import socket
import subprocess
import time

import pytest
from service_records import closing, event, header

from edge_attp.errors import UsageError
from edge_attp.sinks import mqtt_client
from edge_attp.sinks.mqtt import MqttSink
from rigs.broker import Broker, Listener
from rigs.waiting import wait_until

pytestmark = pytest.mark.needs_mosquitto


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch):
    monkeypatch.setattr(mqtt_client, "FIRST_WAIT_S", 0.1)
    monkeypatch.setattr(mqtt_client, "LONGEST_WAIT_S", 0.2)
    monkeypatch.setattr(MqttSink, "longest_wait_s", 0.2)


@pytest.fixture
def broker(tmp_path):
    made = Broker(tmp_path)
    yield made
    made.kill()


@pytest.fixture
def listener(broker):
    broker.start()
    made = Listener(broker.port)
    yield made
    made.stop()


@pytest.fixture
def start_sink(broker, tmp_path):
    options = dict(host="127.0.0.1", port=broker.port, spool_folder=str(tmp_path / "{stream}"))
    with closing() as start:
        yield lambda **more: start(MqttSink(**dict(options, **more)))


def test_events_arrive_as_json_in_order(listener, start_sink):
    sink = start_sink()
    for number in range(20):
        sink.event(event(number))
    wait_until(lambda: len(listener.messages) == 20)
    assert listener.starts() == [float(number) for number in range(20)]
    topic, record = listener.messages[0]
    assert topic == "edge-attp/door/event" and record["type"] == "event"
    assert record["stream"] == "door" and record["label"] == "walk" and record["time"]
    assert len({record["id"] for _, record in listener.messages}) == 20
    wait_until(lambda: sink.counters()["sent"] == 20)
    assert sink.counters()["spool_waiting"] == 0


def test_online_offline_and_the_last_will(listener, start_sink, broker):
    first = start_sink()
    wait_until(lambda: listener.states == ["online"])
    first.close()
    wait_until(lambda: listener.states == ["online", "offline"])
    lost = start_sink()
    wait_until(lambda: len(listener.states) == 3)
    lost._connection._client.socket().shutdown(socket.SHUT_RDWR)  # without a goodbye
    wait_until(lambda: listener.states[3:4] == ["offline"])


def test_closing_sends_what_waits(listener, start_sink):
    sink = start_sink()
    wait_until(lambda: sink.counters()["connects"])
    for number in range(50):
        sink.event(event(number))
    sink.close()
    assert sink.counters()["sent"] == 50
    wait_until(lambda: len(listener.messages) == 50)


def test_nothing_is_lost_when_the_broker_is_killed_and_restarted(listener, start_sink, broker):
    """Killed while it hangs: it has messages in its socket that it never acknowledged."""
    sink = start_sink()
    for number in range(5):
        sink.event(event(number))
    wait_until(lambda: len(listener.messages) == 5)
    broker.wait_saved()
    broker.send_signal(signal.SIGSTOP)
    for number in range(5, 10):
        sink.event(event(number))
    time.sleep(0.3)
    broker.kill()
    for number in range(10, 15):
        sink.event(event(number))
    assert sink.counters()["spool_waiting"] >= 10
    broker.start()
    wait_until(lambda: set(listener.starts()) == set(map(float, range(15))), 20)
    wait_until(lambda: sink.counters()["spool_waiting"] == 0)
    assert sink.counters()["spool_lost"] == sink.counters()["spool_dropped"] == 0
    assert sink.counters()["connects"] == 2 and sink.counters()["connection_losses"] == 1


def test_events_of_a_device_that_was_offline_come_after_its_restart(start_sink, broker, tmp_path):
    before = start_sink()
    for number in range(3):
        before.event(event(number))
    began = time.monotonic()
    before.close()
    assert time.monotonic() - began < 3.0  # nobody is there: it does not wait
    assert before.counters()["spool_waiting"] == 3
    broker.start()
    listener = Listener(broker.port)
    after = start_sink()
    after.event(event(3))
    wait_until(lambda: listener.starts() == [0.0, 1.0, 2.0, 3.0])
    listener.stop()


def test_a_broker_that_comes_late_and_a_spool_that_is_full(start_sink, broker):
    sink = start_sink(spool_max_bytes=4000)
    began = time.monotonic()
    for number in range(60):
        sink.event(event(number))
    assert time.monotonic() - began < 1.0  # the writer thread never waits for the network
    waiting = sink.counters()["spool_waiting"]
    assert 5 < waiting < 20 and sink.counters()["spool_dropped"] == 60 - waiting
    broker.start()
    listener = Listener(broker.port)
    wait_until(lambda: len(listener.messages) == waiting)
    assert listener.starts() == [float(number) for number in range(60 - waiting, 60)]
    listener.stop()


def test_passwords_and_refusals(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    users = tmp_path / "users"
    users.write_text("")
    subprocess.check_call(["mosquitto_passwd", "-b", str(users), "door", "let me in"])
    broker = Broker(tmp_path, f"allow_anonymous false\npassword_file {users}")
    broker.start()
    (tmp_path / "right").write_text("let me in\n")
    (tmp_path / "wrong").write_text("open\n")
    try:
        for name in ("wrong", "right"):
            sink = MqttSink(
                host="127.0.0.1",
                port=broker.port,
                spool_folder=str(tmp_path / "spool"),
                username="door",
                password_file=str(tmp_path / name),
            )
            sink.begin(header())
            sink.event(event())
            if name == "wrong":
                wait_until(lambda sink=sink: sink.counters()["connection_losses"])
                wait_until(lambda: "refuses the connection" in caplog.text)
            else:
                wait_until(lambda sink=sink: sink.counters()["sent"] == 2)
            sink.close()
    finally:
        broker.kill()
    assert "let me in" not in caplog.text


def certificate(folder):
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost".split()
    command += ["-addext", "subjectAltName=DNS:localhost"]
    command += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.check_call(command, stderr=subprocess.DEVNULL)
    return folder / "key.pem", folder / "cert.pem"


def test_tls_and_the_name_in_the_certificate(tmp_path):
    key, certified = certificate(tmp_path)
    broker = Broker(tmp_path, f"allow_anonymous true\ncertfile {certified}\nkeyfile {key}")
    broker.start()
    sinks = []
    try:
        for host in ("localhost", "127.0.0.1"):
            sink = MqttSink(
                host=host,
                port=broker.port,
                spool_folder=str(tmp_path / host),
                tls=True,
                ca_file=str(certified),
            )
            sinks.append(sink)
            sink.begin(header())
            sink.event(event())
        wait_until(lambda: sinks[0].counters()["sent"] == 1)
        time.sleep(0.5)
        assert sinks[1].counters()["sent"] == sinks[1].counters()["connects"] == 0
    finally:
        for sink in sinks:
            sink.close()
        broker.kill()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"topic": "a/#"}, "wildcard"),
        ({"topic": ""}, "empty"),
        ({"password_file": "/nowhere"}, "password_file = /nowhere: cannot be read"),
    ],
)
def test_what_cannot_be_is_a_usage_error(options, message):
    with pytest.raises(UsageError, match=message):
        MqttSink(host="h", spool_folder="s", **options)


def test_a_certificate_file_that_is_missing_is_a_usage_error(tmp_path):
    sink = MqttSink(host="h", spool_folder=str(tmp_path), tls=True, ca_file="/nowhere")
    with pytest.raises(UsageError, match="ca_file = /nowhere"):
        sink.begin(header())
    sink.close()


def test_a_spool_in_use_is_a_usage_error(start_sink, tmp_path):
    start_sink()
    with pytest.raises(UsageError, match="in use by another"):
        start_sink()
