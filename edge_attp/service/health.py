"""How the service is doing, for people and for monitoring: /healthz, /readyz, /metrics and a page.

Reads a ServiceState and changes nothing in it.
"""

import json
import os
import re
import threading
import time
from typing import Dict, List, Optional, Tuple

from edge_attp.errors import UsageError
from edge_attp.log import logger
from edge_attp.service.access import Access
from edge_attp.service.feed import Feed
from edge_attp.service.metrics import exposition
from edge_attp.service.state import ServiceState
from edge_attp.service.web import Request, Response, WebServer, text
from edge_attp.sinks.live_view import LiveView

__all__ = ["HealthServer", "Liveness", "list_unready"]

PERIOD_S = 0.5
STALLED_S = 15.0  # a healthy engine makes progress many times a second, idle or not
PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "page")
PAGE_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}


class Liveness:
    """Whether inference makes progress. One thread calls note_progress() often."""

    def __init__(self, state: ServiceState) -> None:
        self._state = state
        self._progress: Optional[int] = None
        self._since_s = time.monotonic()

    def note_progress(self) -> None:
        """Notes whether there was progress since the last call."""
        progress = self._state.progress
        if progress != self._progress or progress is None:
            self._progress, self._since_s = progress, time.monotonic()

    def list_problems(self) -> List[str]:
        """Empty while all is well. Loading or building engines counts as well."""
        stalled_s = time.monotonic() - self._since_s
        if stalled_s < STALLED_S:
            return []
        return [f"inference has made no progress for {stalled_s:.0f} s"]


def list_unready(state: ServiceState) -> List[str]:
    """Why the service is not at work yet; empty once it is."""
    if state.is_ready:
        return []
    if state.progress is None:
        return ["the engines are loading; if they must be built first, this takes minutes"]
    closed = [stream for stream in state.streams() if stream.status.state != "running"]
    reasons = [f"stream {stream.name} is {stream.status.state}" for stream in closed]
    return reasons or ["no stream has been opened yet"]


class HealthServer:
    """Answers on `listen`, "HOST:PORT".

    token: what callers must send, required for any address that is not loopback. page: False turns off the
    page and its live pictures. Raises UsageError if the address cannot be used or the token is missing.
    """

    def __init__(
        self, state: ServiceState, listen: str, token: Optional[str] = None, page: bool = True
    ) -> None:
        self._state = state
        self._live: Dict[str, LiveView] = {}
        self._page = _read_page_files() if page else {}
        self._liveness = Liveness(state)
        self._feed = Feed(state)
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._publish_status, name="edge-attp-health", daemon=True
        )
        self._web = WebServer(listen, self._answer)
        try:
            self._access = Access(self._web.address, self._web.is_loopback, self._web.port, token)
        except UsageError:
            self._web.stop_serving()
            raise

    @property
    def address(self) -> str:
        """HOST:PORT that it listens on."""
        return self._web.address

    def start_answering(self) -> None:
        """Starts the threads that answer requests."""
        self._thread.start()
        self._web.start_serving()

    def stop_answering(self) -> None:
        """Takes no more requests and ends the event streams of open pages."""
        self._stopping.set()
        self._feed.end_messages()
        self._web.stop_serving()

    def live_view(self, name: str) -> Optional[LiveView]:
        """The observer that shows the stream of this name on the page, always the same one; None where
        nothing can be shown."""
        if not self._page:
            return None
        if name not in self._live:
            try:
                self._live[name] = LiveView()
            except UsageError as error:
                logger.info("the page shows no pictures: %s", error)
                return None
        return self._live[name]

    def _publish_status(self) -> None:
        while not self._stopping.wait(PERIOD_S):
            self._liveness.note_progress()
            try:
                self._feed.publish_status(
                    self._liveness.list_problems() + list_unready(self._state)
                )
            except Exception:
                logger.exception("the page cannot be updated")

    def _answer(self, request: Request) -> Response:
        refusal = self._access.refuse_request(request)
        if refusal is not None:
            return refusal
        if request.path == "/healthz":
            return self._answer_check(self._liveness.list_problems())
        if request.path == "/readyz":
            return self._answer_check(list_unready(self._state))
        if request.path == "/metrics":
            return self._answer_metrics()
        return self._answer_page(request)

    def _answer_page(self, request: Request) -> Response:
        picture = re.match(r"/streams/(.+)/picture\.jpg\Z", request.path, re.DOTALL)
        if request.path in self._page:
            content_type, body = self._page[request.path]
            return Response(200, content_type, body, self._access.cookie_headers(request))
        if request.path == "/events" and self._page:
            return self._answer_events()
        if picture is not None and picture.group(1) in self._live:
            return _answer_picture(self._live[picture.group(1)])
        return text(404, "not found; try /healthz, /readyz, /metrics or, if the page is on, /")

    def _answer_check(self, problems: List[str]) -> Response:
        body = {
            "ok": not problems,
            "problems": problems,
            "version": self._state.version,
            "uptime_s": round(time.time() - self._state.started_s, 1),
            "streams": {stream.name: stream.status.state for stream in self._state.streams()},
        }
        return Response(
            503 if problems else 200, "application/json", (json.dumps(body) + "\n").encode("ascii")
        )

    def _answer_metrics(self) -> Response:
        try:
            return Response(200, *exposition(self._state))
        except UsageError as error:
            return text(501, str(error))

    def _answer_events(self) -> Response:
        if self._feed.is_full:
            return text(503, "too many viewers", ("Retry-After", "10"))
        headers = (("X-Accel-Buffering", "no"),)
        return Response(
            200, "text/event-stream", headers=headers, parts=self._feed.stream_messages()
        )


def _answer_picture(live: LiveView) -> Response:
    jpeg = live.jpeg()
    if jpeg is None:
        return text(503, "no picture yet", ("Retry-After", "1"))
    return Response(200, "image/jpeg", jpeg)


def _read_page_files() -> Dict[str, Tuple[str, bytes]]:
    found = {}
    for path, (name, content_type) in PAGE_FILES.items():
        with open(os.path.join(PAGE, name), "rb") as file:
            found[path] = (content_type, file.read())
    return found
