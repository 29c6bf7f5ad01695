"""Names of streams, labels and addresses in the places where a sink writes them."""

import re
from urllib.parse import urlsplit

__all__ = ["fill_in", "for_file", "without_secrets"]

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def for_file(name: str) -> str:
    """The name as one part of a path or topic: letters, digits, dot, dash and underscore."""
    return _UNSAFE.sub("_", name).strip("._") or "_"


def fill_in(pattern: str, stream: str) -> str:
    """The pattern with every "{stream}" replaced by the stream's name, as for_file() writes it."""
    return pattern.replace("{stream}", for_file(stream))


def without_secrets(url: str) -> str:
    """Scheme, host and port of an address: users, passwords and stream keys are not for the log."""
    parts = urlsplit(url)
    return "{}://{}".format(parts.scheme, parts.netloc.rpartition("@")[2])
