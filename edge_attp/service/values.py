"""What a value of the service's configuration may be, beyond the kinds that everybody needs."""

import re

from edge_attp.sinks.secret_files import SECRET, Secret
from edge_attp.strict import (
    BOOLEAN,
    COUNT,
    FOLDER,
    LOCATION,
    PATH,
    SECONDS,
    SHARE,
    TEXT,
    WHOLE,
    Kind,
    choice,
    fitting,
    list_of,
    matching,
)

__all__ = [
    "ADDRESS",
    "BOOLEAN",
    "COUNT",
    "EVERY",
    "FOLDER",
    "LABEL",
    "NAMES",
    "PATH",
    "SECONDS",
    "SECRET",
    "SHARE",
    "SOURCE",
    "Secret",
    "TEXT",
    "WHOLE",
    "choice",
]


def _every(value: object, folder: str) -> int:
    words = {"picture": 1, "gop": 0}
    return words[value] if isinstance(value, str) and value in words else COUNT.read(value, folder)


def _is_address(value: object) -> bool:
    if value == "":
        return True
    found = re.match(r"(?:[^\s:]+|\[[0-9A-Fa-f:]+\]):(\d{1,5})\Z", str(value))
    return isinstance(value, str) and found is not None and 0 < int(found.group(1)) < 65536


def _source(value: object, folder: str) -> str:
    source: str = value if value == "-" else LOCATION.read(value, folder)
    return source


# Labels become parts of paths and topics.
LABEL = matching("letters, digits and . _ - only", r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
NAMES = list_of(TEXT, "a list of names of streams")
ADDRESS = fitting('an address as "127.0.0.1:9560", or "" for none', _is_address, is_text=True)
EVERY = Kind(f'"picture", "gop" or {COUNT.expected}', _every)
SOURCE = Kind('a URL, a path, /dev/videoN, or "-" for the standard input', _source, is_text=True)
