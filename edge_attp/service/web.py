"""A small web server: answers GET and HEAD, and withstands slow, numerous or hostile callers.

Every connection carries one request; its head is bounded in bytes and in time, and so is every write.
The server knows nothing of what it serves.
"""

import io
import ipaddress
import re
import socket
import socketserver
import threading
import time
from email.message import Message
from http.server import BaseHTTPRequestHandler
from typing import Any, Callable, Dict, Generator, NamedTuple, Optional, Tuple, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from edge_attp.errors import UsageError
from edge_attp.log import logger

__all__ = ["Request", "Response", "WebServer", "text"]

MAX_CONNECTIONS = 32
MAX_HEAD_BYTES = 16384
HEAD_TIMEOUT_S = 5.0
WRITE_TIMEOUT_S = 5.0
POLL_S = 0.1  # how long stop_serving() may take
SECURITY_HEADERS = (
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
)


# Sockets of TCP only; socketserver's types also allow for UDP.
Connection = Any
SocketAddress = Tuple[str, int]  # IPv6 adds two numbers, which nothing here looks at


class Request(NamedTuple):
    """path: decoded. query: the last value of each name. headers: get() ignores case."""

    path: str
    query: Dict[str, str]
    headers: Message


class Response(NamedTuple):
    """parts: replaces `body` by pieces, sent one by one until the caller has gone."""

    status: int
    content_type: str
    body: bytes = b""
    headers: Tuple[Tuple[str, str], ...] = ()
    parts: Optional[Generator[bytes, None, None]] = None


def text(status: int, message: str, *headers: Tuple[str, str]) -> Response:
    """An answer of one line of plain text."""
    body = (message + "\n").encode("utf-8")
    return Response(status, "text/plain; charset=utf-8", body, headers)


class WebServer:
    """listen: "HOST:PORT", port 0 for any free one. answer: called with each Request, in many threads.

    Raises UsageError if that is not an address of this machine.
    """

    def __init__(self, listen: str, answer: Callable[[Request], Response]) -> None:
        family, place = _resolve(listen)
        self._server = _Server(family, place, listen, answer)
        host, self.port = cast("SocketAddress", self._server.server_address[:2])
        self.is_loopback = ipaddress.ip_address(host).is_loopback
        self.address = ("[%s]:%d" if ":" in host else "%s:%d") % (host, self.port)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL_S,), name="edge-attp-web", daemon=True
        )

    def start_serving(self) -> None:
        """Starts the thread that accepts connections."""
        self._thread.start()

    def stop_serving(self) -> None:
        """Accepts no more connections. Answers under way end by themselves."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()


def _resolve(listen: str) -> Tuple[int, SocketAddress]:
    """Address family and socket address."""
    found = re.match(r"(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$", listen)
    if found is None or int(found.group(3)) > 65535:
        raise UsageError(f"{listen!r} is not an address to listen on; write host:port")
    host, port = found.group(1) or found.group(2), int(found.group(3))
    try:
        flags = socket.AI_PASSIVE
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    except OSError as error:
        raise UsageError(f"cannot listen on {listen}: {error}") from None
    family, _, _, _, place = addresses[0]
    return family, cast("SocketAddress", place)


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 16

    def __init__(
        self, family: int, place: SocketAddress, listen: str, answer: Callable[[Request], Response]
    ) -> None:
        self.address_family = family
        self.answer = answer
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        try:
            super().__init__(place, _Handler)
        except OSError as error:
            raise UsageError(f"cannot listen on {listen}: {error.strerror}") from None

    def process_request(self, request: Connection, client_address: SocketAddress) -> None:
        if not self._slots.acquire(blocking=False):
            return self.shutdown_request(request)
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no more threads
            self._slots.release()
            raise

    def process_request_thread(self, request: Connection, client_address: SocketAddress) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Connection, client_address: SocketAddress) -> None:
        logger.debug("web: %s", client_address[0], exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: _Server

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self.rfile = io.BytesIO(_read_head(self.connection))
        self.connection.settimeout(WRITE_TIMEOUT_S)

    def do_GET(self) -> None:
        self._send(self._answer(), with_body=True)

    def do_HEAD(self) -> None:
        self._send(self._answer(), with_body=False)

    def send_error(
        self, code: int, message: Optional[str] = None, explain: Optional[str] = None
    ) -> None:
        """Answers errors that http.server finds, without its page of HTML."""
        self._send(text(code, message or "error"), with_body=True)

    def version_string(self) -> str:
        """The Server header, without versions."""
        return "edge-attp"

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing: a path may hold a token."""

    def _answer(self) -> Response:
        try:
            parts = urlsplit(self.path)
        except ValueError:
            return text(400, "this is not a valid address")
        request = Request(unquote(parts.path), dict(parse_qsl(parts.query)), self.headers)
        try:
            return self.server.answer(request)
        except Exception:
            logger.exception("web: no answer to %r", request.path)
            return text(500, "something went wrong; see the log")

    def _send(self, response: Response, with_body: bool) -> None:
        self.request_version = (
            self.protocol_version
        )  # otherwise some requests are answered without headers
        try:
            self.send_response(response.status)
            self.send_header("Content-Type", response.content_type)
            if response.parts is None:
                self.send_header("Content-Length", str(len(response.body)))
            for name, value in SECURITY_HEADERS + response.headers:
                self.send_header(name, value)
            self.end_headers()
            if with_body:
                self.wfile.write(response.body)
                for part in response.parts or ():
                    self.wfile.write(part)
        except OSError:  # the caller has gone or is too slow
            pass
        finally:
            if response.parts is not None:
                response.parts.close()


def _read_head(connection: socket.socket) -> bytes:
    """The request up to its empty line, or what the caller sent of it. Raises OSError if it is too long or
    takes too long."""
    head = b""
    deadline_s = time.monotonic() + HEAD_TIMEOUT_S
    while b"\r\n\r\n" not in head and b"\n\n" not in head:
        remaining_s = deadline_s - time.monotonic()
        if remaining_s <= 0 or len(head) > MAX_HEAD_BYTES:
            raise OSError(f"no request within {MAX_HEAD_BYTES} bytes and {HEAD_TIMEOUT_S:.1f} s")
        connection.settimeout(remaining_s)
        part = connection.recv(4096)
        if not part:
            break
        head += part
    return head
