"""What a configuration can say of a sink: its type, its keys, secrets, and names of streams in its settings."""

import os
import re
import stat
from typing import Callable, Dict, NamedTuple, Optional, Tuple

from edge_attp.errors import UsageError
from edge_attp.log import logger
from edge_attp.sinks.base import Sink
from edge_attp.sources.recorder import PacketRing
from edge_attp.strict import PATH, Key, Kind, Unfit, Values, path_to

__all__ = [
    "SECRET",
    "STATE_PATH",
    "Secret",
    "SinkType",
    "Surroundings",
    "fill_stream_name",
    "read_secret",
    "safe_name",
]

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class Surroundings(NamedTuple):
    """What a sink may receive besides its keys.

    spool_folder: of this sink alone; may hold "{stream}". recorder: of the stream's packets, if
    SinkType.packets_s asks for one.
    """

    spool_folder: str
    recorder: Optional[PacketRing] = None


class SinkType(NamedTuple):
    """One type of [[sink]]. Each module of such a sink defines one; table.py lists them.

    type, description: its row in the manual. maker: takes the keys by name, and the fields of Surroundings
    listed in `wants`. shown: keys that `--check-config` prints. is_lasting: one sink serves all sources of
    a stream, as one that holds a connection should. own: a key whose value streams may not share; each
    stream takes at most one such sink. packets_s: from the keys to the seconds of packets to remember.
    """

    type: str
    description: str
    maker: Callable[..., Sink]
    keys: Dict[str, Key]
    shown: Tuple[str, ...]
    wants: Tuple[str, ...] = ()
    is_lasting: bool = False
    own: Optional[str] = None
    packets_s: Optional[Callable[[Values], float]] = None

    def make_sink(self, options: Values, surroundings: Surroundings) -> Sink:
        """A new sink. options: the values of all keys."""
        wanted = {name: getattr(surroundings, name) for name in self.wants}
        return self.maker(**options, **wanted)


class Secret(NamedTuple):
    """A password or token and the file it comes from; printing it shows only the path."""

    path: str
    text: str

    def __repr__(self) -> str:
        return f"Secret({self.path!r})"


def read_secret(key: str, path: Optional[str]) -> Optional[str]:
    """The first line of a file; None without a path. Raises UsageError, naming the key, if it has none."""
    if path is None:
        return None
    try:
        return _read_first_line(path)
    except Unfit as unfit:
        raise UsageError(f"{key} = {unfit}") from None


def safe_name(name: str) -> str:
    """The name as one part of a path or topic: letters, digits, dot, dash and underscore only."""
    return _UNSAFE.sub("_", name).strip("._") or "_"


def fill_stream_name(pattern: str, stream: str) -> str:
    """The pattern with every "{stream}" replaced by safe_name(stream)."""
    return pattern.replace("{stream}", safe_name(stream))


def _read_first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            secret = file.readline().strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Unfit(f"{path}: cannot be read: {reason}") from None
    if not secret:
        raise Unfit(f"{path}: is empty")
    return secret


def _read_secret_file(value: object, folder: str) -> Secret:
    path = PATH.read(value, folder)
    text = _read_first_line(path)
    if os.stat(path).st_mode & stat.S_IROTH:
        logger.warning("%s can be read by every user; run chmod o= %s", path, path)
    return Secret(path, text)


STATE_PATH = path_to(base="state")
# Secrets have files of their own, so that a configuration can be shown to others.
SECRET = Kind("the path of a file that holds the secret", _read_secret_file, is_text=True)
