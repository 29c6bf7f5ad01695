"""Headless Chromium, driven through a pipe with the DevTools protocol.

Only as much of the protocol as the tests of the page need.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import time

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
TIMEOUT_S = 60.0


class Browser:
    """A browser with one tab. complaints: script errors and violations of the security policy, as text."""

    def __init__(self, folder):
        command_in, self._out = os.pipe()
        self._in, reply_out = os.pipe()
        command = [
            PROGRAM,
            "--headless",
            "--no-sandbox",  # with a sandbox, Chromium refuses to run as root
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            f"--user-data-dir={folder}",
            "--remote-debugging-pipe",
            "about:blank",
        ]
        # Chromium reads from descriptor 3 and writes to 4. (Other shells know single digits only.)
        redirect = f'exec "$@" 3<&{command_in} 4>&{reply_out}'
        with open(os.path.join(str(folder), "chromium.log"), "wb") as log:
            self._process = subprocess.Popen(
                ["bash", "-c", redirect, "bash"] + command,
                pass_fds=(command_in, reply_out),
                stdout=log,
                stderr=log,
            )
        os.close(command_in)
        os.close(reply_out)
        self.complaints = []
        self._is_read = False
        self._buffer = b""
        self._last = 0
        self._session = None
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self._ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._ask(domain + ".enable")

    def open(self, url):
        self._is_read = False
        self._ask("Page.navigate", url=url)
        while not self._is_read:
            self._listen(self._receive())

    def look(self, width, height, scheme="light", scale=1):
        """Sets size in CSS pixels, and "light" or "dark"."""
        self._ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=False,
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._ask("Emulation.setEmulatedMedia", features=features)

    def evaluate(self, expression):
        """The value of a JavaScript expression, or of its promise."""
        answer = self._ask(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, expression, seconds=20.0):
        """Waits until an expression is true and returns its value."""
        deadline = time.monotonic() + seconds
        while True:
            value = self.evaluate(expression)
            if value:
                return value
            assert time.monotonic() < deadline, f"{expression} never came about"
            time.sleep(0.05)

    def screenshot(self):
        """The whole page as PNG."""
        answer = self._ask("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(answer["data"])

    def close(self):
        os.close(self._out)
        os.close(self._in)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ask(self, method, **parameters):
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode("utf-8") + b"\0")
        while True:
            reply = self._receive()
            if reply.get("id") == self._last:
                assert "error" not in reply, "{}: {}".format(method, reply["error"])
                return reply["result"]
            self._listen(reply)

    def _listen(self, message):
        method, parameters = message.get("method"), message.get("params", {})
        if method == "Page.domContentEventFired":
            self._is_read = True
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(parameters["exceptionDetails"]))
        elif method == "Page.javascriptDialogOpening":
            self.complaints.append("dialog: " + parameters["message"])
        elif method == "Log.entryAdded" and parameters["entry"]["source"] == "security":
            self.complaints.append(parameters["entry"]["text"])

    def _receive(self):
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], TIMEOUT_S)
            assert ready, "no answer from Chromium"
            part = os.read(self._in, 65536)
            assert part, "Chromium has ended"
            self._buffer += part
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message.decode("utf-8"))
