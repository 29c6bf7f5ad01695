"""Events to an MQTT broker (3.1.1, QoS 1). mqtt_client.py talks to the broker."""

import socket
from typing import Optional, Tuple

from edge_attp.errors import UsageError
from edge_attp.sinks.base import Header
from edge_attp.sinks.mqtt_client import Connection
from edge_attp.sinks.settings import SECRET, SinkType, fill_stream_name, read_secret, safe_name
from edge_attp.sinks.spooled import SPOOL_KEY, DeliveryFailed, SpooledSink
from edge_attp.strict import BOOLEAN, FILE, TEXT, Key, whole

__all__ = ["MqttSink", "SINK"]

PLAIN_PORT, TLS_PORT = 1883, 8883


class MqttSink(SpooledSink):
    """Publishes each event as JSON; the event leaves the spool when the broker has acknowledged it.

    topic: may hold "{stream}". The sibling topic whose last level is "status" holds "online" or "offline",
    retained. client_id: tells this device from others; the stream's name is appended. ca_file: replaces the
    system's certificates. See SpooledSink for the spool and the counters; this sink adds connects and
    connection_losses.
    """

    longest_wait_s = 1.0  # the connection itself waits longer

    def __init__(
        self,
        host: str,
        spool_folder: str,
        port: Optional[int] = None,
        topic: str = "edge-attp/{stream}/event",
        client_id: Optional[str] = None,
        username: Optional[str] = None,
        password_file: Optional[str] = None,
        tls: bool = False,
        ca_file: Optional[str] = None,
        spool_max_bytes: int = 16 << 20,
    ) -> None:
        if not topic or "+" in topic or "#" in topic:
            raise UsageError(f'mqtt: topic = "{topic}": is empty or has a wildcard (+, #)')
        self._host, self._port = host, port or (TLS_PORT if tls else PLAIN_PORT)
        super().__init__(f"mqtt {host}:{self._port}", spool_folder, spool_max_bytes)
        self._topic = topic
        self._client_id = client_id or "edge-attp-" + safe_name(socket.gethostname())
        self._username, self._tls, self._ca_file = username, tls, ca_file
        self._password = read_secret("mqtt: password_file", password_file)
        self._connection: Optional[Connection] = None
        self._reason = "the broker cannot be reached"
        self._flight: Optional[Tuple[bytes, int]] = None
        self._counts.update(connects=0, connection_losses=0)

    def begin(self, header: Header) -> None:
        self._topic = fill_stream_name(self._topic, header.stream)
        client_id = f"{self._client_id}-{safe_name(header.stream)}"
        status_topic = "/".join(self._topic.split("/")[:-1] + ["status"])
        self._connection = connection = Connection(client_id, status_topic, self._note_connection)
        if self._username is not None:
            connection.set_credentials(self._username, self._password)
        if self._tls:
            self._enable_tls(connection)
        super().begin(header)
        connection.start_connecting(self._host, self._port)

    def _enable_tls(self, connection: Connection) -> None:
        try:
            connection.enable_tls(self._ca_file)
        except OSError as error:
            raise UsageError(f"mqtt: ca_file = {self._ca_file}: {error}") from None

    def _note_connection(self, reason: Optional[str]) -> None:
        if reason is None:
            self._counts["connects"] += 1
        else:
            self._counts["connection_losses"] += 1
            self._reason = reason

    def _deliver_message(self, data: bytes) -> None:
        """Does not publish a message again that is already in flight: paho repeats it by itself."""
        connection = self._connection
        assert connection is not None
        if self._flight is None or self._flight[0] != data:
            if not connection.wait_until_connected(self.longest_wait_s):
                raise DeliveryFailed(self._reason)
            self._flight = data, connection.publish_message(self._topic, data)
        while not connection.wait_for_acknowledgement(self._flight[1], self.longest_wait_s):
            if self._closing.is_set() or not connection.is_connected:
                raise DeliveryFailed(self._reason)
        self._flight = None

    def _disconnect(self) -> None:
        assert self._connection is not None
        self._connection.disconnect()


SINK = SinkType(
    "mqtt",
    "each event at least once (QoS 1, TLS, queued on disk while the broker is away), and a status topic with last will",
    MqttSink,
    {
        "host": Key(TEXT, "localhost", "host name of the broker"),
        "port": Key(
            whole(1, 65535, "a port"), None, "by default 1883, or 8883 with TLS", PLAIN_PORT
        ),
        "topic": Key(
            TEXT, "edge-attp/{stream}/event", "topic of events; {stream} is the name of the stream"
        ),
        "client_id": Key(
            TEXT, None, "tells devices apart; by default edge-attp and the host name", "hall-1"
        ),
        "username": Key(TEXT, None, "user name, if the broker requires one", "edge-attp"),
        "password_file": Key(SECRET, None, "file with the password", "mqtt.password"),
        "tls": Key(BOOLEAN, False, "encrypt, and verify the broker's certificate"),
        "ca_file": Key(
            FILE, None, "certificates to trust; by default those of the system", "ca.pem"
        ),
        "spool_max_bytes": SPOOL_KEY,
    },
    shown=("host", "topic"),
    wants=("spool_folder",),
    is_lasting=True,
)
