"""Who may read the health pages: callers on this machine, or callers that know the token.

Without a token, the Host header must name this machine; otherwise another site could let its name resolve
to this address and read the pages (DNS rebinding). The token comes as "Authorization: Bearer TOKEN", or
once as /?token=TOKEN, which sets a cookie for the page's own requests.
"""

import hashlib
import hmac
import ipaddress
import re
from typing import Optional, Tuple

from edge_attp.errors import UsageError
from edge_attp.service.web import Request, Response, text

__all__ = ["Access"]

SHORTEST_TOKEN = 16  # characters


class Access:
    """The rule for one address. Raises UsageError if the address needs a token and none is given."""

    def __init__(self, address: str, is_loopback: bool, port: int, token: Optional[str]) -> None:
        if token is None and not is_loopback:
            raise UsageError(
                f"[health] listen: {address} can be reached from other machines, which requires a token_file: "
                "`openssl rand -hex 24 > FILE`, readable by the service only"
            )
        if token is not None and len(token) < SHORTEST_TOKEN:
            raise UsageError(
                f"[health] token_file: the token needs at least {SHORTEST_TOKEN} characters: `openssl rand -hex 24`"
            )
        self._token = token
        # Cookies are shared by all ports of a host.
        self._cookie_name = f"edge_attp_{port}"

    def refuse_request(self, request: Request) -> Optional[Response]:
        """The answer to a caller who may not read; None for all others."""
        if self._token is None:
            if _names_this_machine(request.headers.get("Host")):
                return None
            return text(403, "open this as localhost, or set token_file in [health]")
        if self._has_token(request):
            return None
        return text(
            401,
            "this needs the token: open /?token=TOKEN, or send 'Authorization: Bearer TOKEN'",
            ("WWW-Authenticate", 'Bearer realm="edge-attp"'),
        )

    def cookie_headers(self, request: Request) -> Tuple[Tuple[str, str], ...]:
        """The header that lets a page opened with ?token= go on without it; empty for other requests."""
        if self._token is None or not self._is_token(request.query.get("token")):
            return ()
        value = f"{self._cookie_name}={self._digest()}; Path=/; HttpOnly; SameSite=Strict"
        return (("Set-Cookie", value),)

    def _has_token(self, request: Request) -> bool:
        bearer = re.match(r"Bearer +(\S+)$", request.headers.get("Authorization", ""))
        if bearer is not None:
            return self._is_token(bearer.group(1))
        if request.path == "/" and "token" in request.query:
            return self._is_token(request.query["token"])
        cookies = request.headers.get("Cookie", "").split(";")
        values = dict(cookie.strip().partition("=")[::2] for cookie in cookies)
        return _are_equal(values.get(self._cookie_name, ""), self._digest())

    def _is_token(self, given: Optional[str]) -> bool:
        return given is not None and self._token is not None and _are_equal(given, self._token)

    def _digest(self) -> str:
        """The cookie's value: it opens the page but does not reveal the token."""
        assert self._token is not None
        key = self._token.encode("utf-8")
        return hmac.new(key, b"edge-attp health page", hashlib.sha256).hexdigest()


def _are_equal(given: str, wanted: str) -> bool:
    """Compares in a time that does not reveal how much of it is right."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode("utf-8"))


def _names_this_machine(host: Optional[str]) -> bool:
    if host is None:  # no browser
        return True
    name = re.sub(r":\d+$", "", host).strip("[]").lower()
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
