"""Test senders: MPEG-TS over UDP, and a web server with endless and finished streams."""

import http.server
import socket
import socketserver
import threading
import time

DATAGRAM_BYTES = 7 * 188


class UdpSender:
    """Repeats a transport stream in real time; its clock jumps back each time. loss: one datagram in so many is
    lost, 0 for none."""

    def __init__(self, path, seconds):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.loss = 0
        data = path.read_bytes()
        self._pieces = [data[n : n + DATAGRAM_BYTES] for n in range(0, len(data), DATAGRAM_BYTES)]
        self._interval_s = seconds / len(self._pieces)
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    @property
    def address(self):
        return f"udp://127.0.0.1:{self.port}"

    def _send(self):
        number = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            while not self._is_closed.wait(self._interval_s):
                number += 1
                if not self.loss or number % self.loss:
                    piece = self._pieces[(number - 1) % len(self._pieces)]
                    sender.sendto(piece, ("127.0.0.1", self.port))

    def close(self):
        self._is_closed.set()
        self._thread.join()


class WebServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Serves the files of a folder. /endless/NAME repeats a file in real time, `seconds` each time; a NAME.m3u8
    under /growing/ gains a segment every second."""

    daemon_threads = True

    def __init__(self, folder, seconds):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder, self.seconds = folder, seconds
        self.began_s = time.monotonic()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def address(self, path):
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"

    def close(self):
        self.shutdown()
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        way, _, name = self.path[1:].rpartition("/")
        data = (self.server.folder / name).read_bytes()
        self.send_response(200)
        try:
            if way == "endless":
                self._send_endless(data)
            else:
                self._send(self._grown(data) if name.endswith(".m3u8") and way else data)
        except OSError:
            pass  # the reader hung up

    def _send(self, data):
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _send_endless(self, data):
        self.end_headers()
        pieces = [data[n : n + DATAGRAM_BYTES] for n in range(0, len(data), DATAGRAM_BYTES)]
        while True:
            for piece in pieces:
                self.wfile.write(piece)
                time.sleep(self.server.seconds / len(pieces))

    def _grown(self, playlist):
        """The playlist as it was while the broadcast went on."""
        entries = playlist.split(b"#EXTINF")
        there = 3 + int(time.monotonic() - self.server.began_s)
        return b"#EXTINF".join(entries[:there]).replace(b"#EXT-X-ENDLIST", b"")

    def log_message(self, *_):
        """Keeps stderr silent."""
