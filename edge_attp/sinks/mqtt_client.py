"""The adapter to paho-mqtt: its late import, and the differences between its versions (1.6 to 2.x).

It knows connections and messages, nothing of events or spools.
"""

import threading
from typing import Any, Callable, Optional, Set

from edge_attp import lazy

__all__ = ["Connection"]

KEEPALIVE_S = 30
FIRST_WAIT_S, LONGEST_WAIT_S = 1, 30  # between attempts to connect
OFFLINE_TIMEOUT_S = 1.0
AT_LEAST_ONCE = 1
# paho's client, an optional package whose types differ between the versions.
Client = Any


class Connection:
    """A session with a broker, which paho maintains in a thread of its own from start_connecting() to
    disconnect().

    status_topic: holds "online" or "offline", retained; the broker publishes "offline" for a client that
    vanishes. on_change: called in paho's thread, with None at each connection, with the reason when a
    connection is lost or refused.
    """

    def __init__(
        self, client_id: str, status_topic: str, on_change: Callable[[Optional[str]], None]
    ) -> None:
        self._mqtt = lazy.load("the MQTT sink", "paho.mqtt.client")
        self._status_topic, self._on_change = status_topic, on_change
        self._acknowledged: Set[int] = set()
        self._news = threading.Condition()
        self._is_up = False
        self._client = client = self._make_client(client_id)
        client.will_set(status_topic, "offline", qos=AT_LEAST_ONCE, retain=True)
        client.reconnect_delay_set(FIRST_WAIT_S, LONGEST_WAIT_S)
        client.on_connect = self._handle_connect
        client.on_disconnect = self._handle_disconnect
        client.on_publish = self._handle_publish

    def _make_client(self, client_id: str) -> Client:
        if hasattr(self._mqtt, "CallbackAPIVersion"):
            version = self._mqtt.CallbackAPIVersion.VERSION2
            return self._mqtt.Client(version, client_id, clean_session=False)
        return self._mqtt.Client(client_id, clean_session=False)

    def set_credentials(self, username: str, password: Optional[str]) -> None:
        """The user name and password to connect with."""
        self._client.username_pw_set(username, password)

    def enable_tls(self, ca_file: Optional[str]) -> None:
        """Uses TLS with the system's certificates or those of a file. Raises OSError if it cannot be read."""
        self._client.tls_set(ca_certs=ca_file)

    def start_connecting(self, host: str, port: int) -> None:
        """Returns at once; the broker need not be reachable."""
        self._client.connect_async(host, port, KEEPALIVE_S)
        self._client.loop_start()

    @property
    def is_connected(self) -> bool:
        """Whether the broker is connected now."""
        return self._is_up

    def wait_until_connected(self, timeout_s: float) -> bool:
        """Waits for a connection if there is none; False if none comes in time."""
        with self._news:
            return self._news.wait_for(lambda: self._is_up, timeout_s)

    def publish_message(self, topic: str, data: bytes) -> int:
        """Passes a message to paho, which sends it again after each loss of the connection. Returns the
        number for wait_for_acknowledgement()."""
        return int(self._client.publish(topic, data, qos=AT_LEAST_ONCE).mid)

    def wait_for_acknowledgement(self, number: int, timeout_s: float) -> bool:
        """Waits for the broker to acknowledge a message. True once for each acknowledgement."""
        with self._news:
            self._news.wait_for(lambda: number in self._acknowledged, timeout_s)
            is_acknowledged = number in self._acknowledged
            self._acknowledged.discard(number)
            return is_acknowledged

    def disconnect(self) -> None:
        """Publishes "offline" if the broker is connected, and ends the session."""
        if self.is_connected:
            self.wait_for_acknowledgement(self._publish_status("offline"), OFFLINE_TIMEOUT_S)
        self._is_up = False
        self._client.disconnect()
        self._client.loop_stop()

    def _publish_status(self, status: str) -> int:
        message = self._client.publish(self._status_topic, status, qos=AT_LEAST_ONCE, retain=True)
        return int(message.mid)

    def _handle_connect(
        self, client: Client, userdata: object, flags: object, reason: object, *_: object
    ) -> None:
        if reason != 0:
            is_number = isinstance(reason, int)
            text = self._mqtt.connack_string(reason) if is_number else str(reason)
            self._on_change("the broker refuses the connection: " + text)
            return
        self._publish_status("online")
        self._on_change(None)
        with self._news:
            self._is_up = True
            self._news.notify_all()

    def _handle_disconnect(self, *_: object) -> None:
        if self._is_up:
            self._is_up = False
            self._on_change("the connection to the broker is lost")

    def _handle_publish(self, client: Client, userdata: object, number: int, *_: object) -> None:
        with self._news:
            self._acknowledged.add(number)
            self._news.notify_all()
