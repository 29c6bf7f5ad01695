"""A real mosquitto broker on loopback, and a client that records its messages (needs paho-mqtt)."""

import json
import os
import shutil
import socket
import subprocess
import threading
import time

from rigs.waiting import free_port, wait_until

CONFIG = """
listener {port} 127.0.0.1
persistence true
persistence_location {folder}/
autosave_on_changes true
autosave_interval 1
user root
{more}
"""


# Debian installs it in /usr/sbin, which only root has on the PATH.
PROGRAM = shutil.which("mosquitto", path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")


class Broker:
    """A broker, not started yet. more: additional lines of its configuration."""

    def __init__(self, folder, more="allow_anonymous true"):
        self.port = free_port()
        self._folder, self._process = folder, None
        self._config = folder / "mosquitto.conf"
        self._config.write_text(CONFIG.format(port=self.port, folder=folder, more=more))

    def start(self):
        self._process = subprocess.Popen(
            [PROGRAM, "-c", str(self._config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._answers)

    def _answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def wait_saved(self):
        """Waits until the broker has saved its subscriptions."""
        wait_until((self._folder / "mosquitto.db").exists)
        time.sleep(0.2)

    def send_signal(self, number):
        self._process.send_signal(number)

    def kill(self):
        """Ends it with SIGKILL, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Listener:
    """A client that subscribes to everything and stays subscribed when the broker restarts."""

    def __init__(self, port, username=None, password=None, ca_file=None):
        import paho.mqtt.client as mqtt

        self.messages, self.states = [], []
        self._subscribed = threading.Event()
        arguments = ["listener"]
        if hasattr(mqtt, "CallbackAPIVersion"):
            arguments.insert(0, mqtt.CallbackAPIVersion.VERSION2)
        self._client = mqtt.Client(*arguments, clean_session=False)
        if username:
            self._client.username_pw_set(username, password)
        if ca_file:
            self._client.tls_set(ca_certs=ca_file)
        self._client.reconnect_delay_set(0.1, 0.1)
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._heard
        self._client.connect_async("127.0.0.1", port)
        self._client.loop_start()
        assert self._subscribed.wait(10)

    def _heard(self, client, userdata, message):
        if message.topic.endswith("/status"):
            self.states.append(message.payload.decode())
        else:
            self.messages.append((message.topic, json.loads(message.payload.decode())))

    def starts(self):
        """The start_s of each event received, which tells events apart."""
        return [record["start_s"] for _, record in self.messages]

    def stop(self):
        self._client.disconnect()
        self._client.loop_stop()
