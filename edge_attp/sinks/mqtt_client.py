"""The adapter to paho-mqtt: late import, and what differs between its versions (1.6 to 2.x).

It knows connections and messages, nothing of events or spools.
"""

import threading
from types import ModuleType
from typing import Any, Callable, Optional, Set

from edge_attp.errors import UsageError

__all__ = ["Connection"]

KEEPALIVE_S = 30
FIRST_WAIT_S, LONGEST_WAIT_S = 1, 30  # between attempts to connect
OFFLINE_TIMEOUT_S = 1.0
AT_LEAST_ONCE = 1


def _import_mqtt() -> ModuleType:
    try:
        import paho.mqtt.client
    except ImportError as error:
        raise UsageError(
            f"the MQTT sink needs paho-mqtt, which cannot be imported ({error}): "
            "pip install 'edge-attp[service]'"
        ) from None
    return paho.mqtt.client


class Connection:
    """A session with a broker that paho keeps up in a thread of its own, from start() to stop().

    status_topic: holds "online" or "offline", retained; the broker itself says "offline" for a client
    that vanishes. on_change(None) is called at each connection, on_change(reason) when it is lost or
    refused, in paho's thread.
    """

    def __init__(
        self, client_id: str, status_topic: str, on_change: Callable[[Optional[str]], None]
    ) -> None:
        self._mqtt: Any = _import_mqtt()
        self._status_topic, self._on_change = status_topic, on_change
        self._acknowledged: Set[int] = set()
        self._news = threading.Condition()
        self._is_up = False
        self._client = client = self._new_client(client_id)
        client.will_set(status_topic, "offline", qos=AT_LEAST_ONCE, retain=True)
        client.reconnect_delay_set(FIRST_WAIT_S, LONGEST_WAIT_S)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_publish = self._published

    def _new_client(self, client_id: str) -> Any:
        if hasattr(self._mqtt, "CallbackAPIVersion"):
            version = self._mqtt.CallbackAPIVersion.VERSION2
            return self._mqtt.Client(version, client_id, clean_session=False)
        return self._mqtt.Client(client_id, clean_session=False)

    def log_in(self, username: str, password: Optional[str]) -> None:
        self._client.username_pw_set(username, password)

    def encrypt(self, ca_file: Optional[str]) -> None:
        """TLS with the certificates of the system, or those of a file. OSError if they cannot be read."""
        self._client.tls_set(ca_certs=ca_file)

    def start(self, host: str, port: int) -> None:
        """Returns at once, whether the broker is there or not."""
        self._client.connect_async(host, port, KEEPALIVE_S)
        self._client.loop_start()

    def is_connected(self, timeout_s: float = 0.0) -> bool:
        """Waits for a connection that is not there."""
        with self._news:
            return self._news.wait_for(lambda: self._is_up, timeout_s)

    def publish(self, topic: str, data: bytes) -> int:
        """Hands a message to paho, which sends it again after each loss of the connection. Returns the
        number to ask is_acknowledged() about."""
        return int(self._client.publish(topic, data, qos=AT_LEAST_ONCE).mid)

    def is_acknowledged(self, number: int, timeout_s: float) -> bool:
        """Waits for the broker's answer to a message, and says once whether there was one."""
        with self._news:
            self._news.wait_for(lambda: number in self._acknowledged, timeout_s)
            is_there = number in self._acknowledged
            self._acknowledged.discard(number)
            return is_there

    def stop(self) -> None:
        """Says goodbye if the broker is there to hear it."""
        if self.is_connected():
            self.is_acknowledged(self._publish_status("offline"), OFFLINE_TIMEOUT_S)
        self._is_up = False
        self._client.disconnect()
        self._client.loop_stop()

    def _publish_status(self, status: str) -> int:
        said = self._client.publish(self._status_topic, status, qos=AT_LEAST_ONCE, retain=True)
        return int(said.mid)

    def _connected(self, client: Any, userdata: Any, flags: Any, reason: Any, *_: Any) -> None:
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

    def _disconnected(self, *_: Any) -> None:
        if self._is_up:
            self._is_up = False
            self._on_change("the connection to the broker is lost")

    def _published(self, client: Any, userdata: Any, number: int, *_: Any) -> None:
        with self._news:
            self._acknowledged.add(number)
            self._news.notify_all()
