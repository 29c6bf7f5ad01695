"""What a value of the configuration may be: each kind says what it expects and reads a TOML value.

A reader returns the value as the program wants it, or raises ValueError; the message goes to people
behind the place of the key. It knows no keys: those are in schema.py.
"""

import math
import os
import re
import stat
from typing import Any, Callable, NamedTuple

from edge_attp.errors import UsageError
from edge_attp.log import logger
from edge_attp.sinks.overlay_stream import FORMATS
from edge_attp.sinks.secret_files import read_secret

__all__ = [
    "ADDRESS",
    "BOOLEAN",
    "BYTES",
    "COUNT",
    "EVERY",
    "FILE",
    "FOLDER",
    "Kind",
    "LABEL",
    "NAMES",
    "PATH",
    "PORT",
    "PAUSE",
    "RECEIVER",
    "SECONDS",
    "SECRET",
    "SHARE",
    "SOURCE",
    "STATE_PATH",
    "Secret",
    "TEXT",
    "WEB_ADDRESS",
    "WHOLE",
    "choice",
    "is_url",
    "why",
]

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_NOT_ITS_KIND = "not its kind"


class Kind(NamedTuple):
    """expected: for messages. read(value, folder): the value, paths being relative to `folder`.
    is_state: `folder` is that of the state, not that of the configuration file."""

    expected: str
    read: Callable[[Any, str], Any]
    is_state: bool = False


class Secret(NamedTuple):
    """What a secret file holds; printing it shows the path alone."""

    path: str
    text: str

    def __repr__(self) -> str:
        return "Secret(%r)" % self.path


def is_url(source: str) -> bool:
    """True for what begins with a scheme, as in rtsp://host/path."""
    return _URL.match(source) is not None


def choice(*words: str) -> Kind:
    """One of these words."""
    return _kind(
        "one of " + ", ".join('"%s"' % word for word in words), lambda value: value in words
    )


def _kind(expected: str, fits: Callable[[Any], bool], convert: Any = None) -> Kind:
    def read(value: Any, _folder: str) -> Any:
        if not fits(value):
            raise ValueError(_NOT_ITS_KIND)
        return value if convert is None else convert(value)

    return Kind(expected, read)


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_count(value: Any) -> bool:
    return _is_whole(value) and value > 0


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != "" and value.isprintable()


def _is_label(value: Any) -> bool:
    """Labels become parts of paths and topics."""
    return isinstance(value, str) and re.match(r"[A-Za-z0-9][A-Za-z0-9_.-]*$", value) is not None


def _is_address(value: Any) -> bool:
    found = re.match(r"(?:[^\s:]+|\[[0-9A-Fa-f:]+\]):(\d{1,5})$", str(value))
    return value == "" or (
        isinstance(value, str) and found is not None and 0 < int(found[1]) < 65536
    )


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(name, str) for name in value)


def _path(value: Any, folder: str) -> str:
    if not _is_text(value):
        raise ValueError(_NOT_ITS_KIND)
    return os.path.join(folder, os.path.expanduser(value))


def _source(value: Any, folder: str) -> str:
    if not _is_text(value):
        raise ValueError(_NOT_ITS_KIND)
    return value if value == "-" or is_url(value) else _path(value, folder)


def _secret(value: Any, folder: str) -> Secret:
    path = _path(value, folder)
    try:
        text = read_secret("file", path)
    except UsageError as error:
        raise ValueError(str(error)) from None
    if os.stat(path).st_mode & stat.S_IROTH:
        logger.warning("%s can be read by everybody: chmod o= %s", path, path)
    return Secret(path, text or "")


def _there(is_there: Callable[[str], bool], what: str) -> Callable[[Any, str], str]:
    """A path of something that must be there."""

    def read(value: Any, folder: str) -> str:
        path = _path(value, folder)
        if not is_there(path):
            raise ValueError("there is no %s %s" % (what, path))
        return path

    return read


def why(error: ValueError, kind: Kind, shown: str) -> str:
    """What to tell about a value that a kind has refused."""
    if str(error) != _NOT_ITS_KIND:
        return str(error)
    return "got %s, expected %s" % (shown, kind.expected)


TEXT = _kind("text", _is_text)
LABEL = _kind("letters, digits and . _ - only", _is_label)
NAMES = _kind("a list of names of streams", _are_names, tuple)
BOOLEAN = _kind("true or false", lambda value: isinstance(value, bool))
COUNT = _kind("a whole number above 0", _is_count)
WHOLE = _kind("a whole number, 0 or more", _is_whole)
BYTES = _kind("a whole number of bytes above 0", _is_count)
PORT = _kind("a port from 1 to 65535", lambda value: _is_count(value) and value < 65536)
SECONDS = _kind("a number of seconds above 0", lambda v: _is_number(v) and v > 0, float)
PAUSE = _kind("a number of seconds, 0 or more", lambda v: _is_number(v) and v >= 0, float)
SHARE = _kind("a number above 0, and 1 at most", lambda v: _is_number(v) and 0 < v <= 1, float)
ADDRESS = _kind('an address as "127.0.0.1:9560", or "" for none', _is_address)
WEB_ADDRESS = _kind(
    "an address that begins with http:// or https://",
    lambda value: _is_text(value) and re.match(r"https?://[^\s/]", value) is not None,
)
EVERY = _kind(
    '"picture", "gop" or a whole number above 0',
    lambda value: _is_count(value) or value in ("picture", "gop"),
    lambda value: {"picture": 1, "gop": 0}.get(value, value),
)
PATH = Kind("a path", _path)
FOLDER = Kind("the path of a folder", _there(os.path.isdir, "folder"))
FILE = Kind("the path of a file", _there(os.path.isfile, "file"))
SECRET = Kind("the path of a file that holds the secret", _secret)
SOURCE = Kind('a URL, a path, /dev/videoN, or "-" for the standard input', _source)
STATE_PATH = Kind("a path", _path, is_state=True)
RECEIVER = _kind(
    "an address that begins with " + ", ".join(scheme + "://" for scheme in sorted(FORMATS)),
    lambda value: _is_text(value) and value.split("://")[0] in FORMATS and is_url(value),
)
