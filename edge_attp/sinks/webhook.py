"""Events to a web server, by HTTP POST."""

import http.client
import urllib.error
import urllib.request
from typing import Optional
from urllib.parse import urlsplit

from edge_attp.errors import UsageError
from edge_attp.log import without_secrets
from edge_attp.sinks.settings import SECRET, SinkType, read_secret
from edge_attp.sinks.spooled import SPOOL_KEY, DeliveryFailed, DeliveryRefused, SpooledSink
from edge_attp.strict import SECONDS, Key, matching

__all__ = ["SINK", "WebhookSink"]

RETRIED = (408, 429)  # of the 4xx answers: too slow, too many
SHOWN_BYTES = 200  # of an answer's body, in the log


class WebhookSink(SpooledSink):
    """Posts each event as JSON; the event leaves the spool when the server has answered 2xx.

    Without an answer, and after 408, 429 and 5xx, it is sent again; after any other answer it is dropped.
    Redirections are not followed: they would carry the token elsewhere. token_file: holds a bearer token.
    timeout_s: of each step of the exchange. See SpooledSink for the spool and the counters; this sink adds
    failed_attempts.
    """

    def __init__(
        self,
        url: str,
        spool_folder: str,
        token_file: Optional[str] = None,
        timeout_s: float = 10.0,
        spool_max_bytes: int = 16 << 20,
    ) -> None:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise UsageError(f'webhook: url = "{url}": is not an http:// or https:// address')
        super().__init__("webhook " + without_secrets(url), spool_folder, spool_max_bytes)
        token = read_secret("webhook: token_file", token_file)
        self._url, self._timeout_s = url, timeout_s
        self._headers = {"Content-Type": "application/json", "User-Agent": "edge-attp"}
        if token is not None:
            self._headers["Authorization"] = "Bearer " + token
        self._opener = urllib.request.build_opener(_NoRedirect)
        self._counts["failed_attempts"] = 0

    def _deliver_message(self, data: bytes) -> None:
        request = urllib.request.Request(self._url, data, self._headers, method="POST")
        try:
            with self._opener.open(request, timeout=self._timeout_s):
                return
        except urllib.error.HTTPError as error:
            with error:
                answer = _describe_answer(error)
            if error.code < 500 and error.code not in RETRIED:
                raise DeliveryRefused(answer) from None
        except urllib.error.URLError as error:
            answer = str(getattr(error.reason, "strerror", None) or error.reason)
        except (OSError, http.client.HTTPException) as error:
            answer = str(error) or type(error).__name__
        self._counts["failed_attempts"] += 1
        raise DeliveryFailed(answer)


SINK = SinkType(
    "webhook",
    "an HTTP POST for each event, queued on disk and retried",
    WebhookSink,
    {
        "url": Key(
            matching("an address that begins with http:// or https://", r"https?://[^\s/]"),
            help="address that accepts a POST with JSON",
            example="https://example.org/events",
        ),
        "token_file": Key(
            SECRET, None, "file with a token, sent as `Authorization: Bearer`", "web.token"
        ),
        "timeout_s": Key(SECONDS, 10.0, "timeout of one attempt, in seconds"),
        "spool_max_bytes": SPOOL_KEY,
    },
    shown=("url",),
    wants=("spool_folder",),
    is_lasting=True,
)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """None, so that a 3xx answer becomes an HTTPError."""


def _describe_answer(error: urllib.error.HTTPError) -> str:
    """The server's answer, for the log."""
    try:
        body = error.read(SHOWN_BYTES).decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException):
        body = ""
    return "the server answers {} {}{}".format(
        error.code, error.reason, ": " + body if body else ""
    )
