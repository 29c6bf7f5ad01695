"""Test cameras: rtsp_server.py as a process, and a TCP relay that delays and drops connections."""

import glob
import os
import signal
import socket
import subprocess
import threading
import time

from rigs.waiting import free_port

SYSTEM_PYTHON = "/usr/bin/python3"
_SERVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rtsp_server.py")
_NEEDED = (
    "/usr/lib/python3/dist-packages/gi",
    "/usr/lib/*/girepository-1.0/GstRtspServer-1.0.typelib",
    "/usr/lib/*/gstreamer-1.0/libgstx264.so",
    "/usr/lib/*/gstreamer-1.0/libgstx265.so",
)


def has_gstreamer():
    """Whether the system's Python has GStreamer's RTSP server and its encoders."""
    return all(glob.glob(pattern) for pattern in _NEEDED)


class Camera:
    """A process that can be killed and started again on the same port. arguments: of rtsp_server.py."""

    def __init__(self, *arguments, port=None):
        self.port = port or free_port()
        self._arguments = arguments
        self._process = None
        self.start()

    @property
    def address(self):
        return f"rtsp://127.0.0.1:{self.port}/live"

    def start(self):
        """Returns when it listens."""
        command = [SYSTEM_PYTHON, _SERVER, "--port", str(self.port)] + list(self._arguments)
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, universal_newlines=True)
        assert self._process.stdout.readline().strip() == self.address

    def tell(self, line):
        """See rtsp_server.py for the commands."""
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def freeze(self):
        """Suspends the process: it neither sends nor answers."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self._process.send_signal(signal.SIGCONT)

    def kill(self):
        """Ends it without notice, as if somebody pulled the plug."""
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()

    close = kill


class Relay:
    """Forwards TCP connections to a port, both ways, each piece `delay_s` late; `is_held` stops everything."""

    def __init__(self, port):
        self.delay_s = 0.0
        self.is_held = False
        self._target = port
        self._is_closed = False
        self._sockets = []
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(5)
        self.port = self._listener.getsockname()[1]
        self._in_thread(self._accept)

    @property
    def address(self):
        return f"rtsp://127.0.0.1:{self.port}/live"

    def _in_thread(self, function, *arguments):
        threading.Thread(target=function, args=arguments, daemon=True).start()

    def _accept(self):
        while not self._is_closed:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            self._join(client)

    def _join(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            return client.close()
        self._sockets += [client, server]
        self._in_thread(self._pass_on, client, server)
        self._in_thread(self._pass_on, server, client)

    def _pass_on(self, source, target):
        try:
            for piece in iter(lambda: source.recv(65536), b""):
                time.sleep(self.delay_s)
                while self.is_held and not self._is_closed:
                    time.sleep(0.01)
                target.sendall(piece)
        except OSError:
            pass
        self._end(source, target)

    def _end(self, *sockets):
        for one in sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def cut(self):
        """Drops all connections at once."""
        sockets, self._sockets = self._sockets, []
        self._end(*sockets)

    def close(self):
        self._is_closed = True
        self._end(self._listener)
        self.cut()
