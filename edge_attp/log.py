"""Messages for people, on stderr; stdout is for results.

Modules log through `logger`. A program calls `configure()` once; without it, Python prints warnings and
errors to stderr, as befits a library.
"""

import logging
import os
import re
import sys
from typing import TYPE_CHECKING, Optional, TextIO, Union
from urllib.parse import urlsplit

__all__ = [
    "Trouble",
    "configure",
    "logger",
    "paint",
    "wants_colour",
    "without_password",
    "without_secrets",
]

logger = logging.getLogger("edge_attp")

_COLOURS = {
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "cyan": "36",
    "dim": "2",
    "bold": "1",
}
_PASSWORD = re.compile(r"(://[^/:@]*):[^/]*@")
_SECRET = re.compile(r"\b((?:pass[a-z]*|pwd|token|key)=)[^&]*", re.IGNORECASE)
_PRIORITIES = {logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7}
_LEVEL_COLOURS = {logging.ERROR: "red", logging.WARNING: "yellow", logging.DEBUG: "dim"}


def wants_colour(stream: TextIO) -> bool:
    """Whether the stream is a terminal, and neither NO_COLOR nor TERM=dumb asks for plain text."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def paint(text: str, colour: str, stream: Optional[TextIO] = None) -> str:
    """`text` in a colour of the table above, if `stream` (by default stderr) wants colour."""
    if not wants_colour(sys.stderr if stream is None else stream):
        return text
    return f"\033[{_COLOURS[colour]}m{text}\033[0m"


def _is_journal() -> bool:
    """Whether stderr is systemd's journal; see systemd.exec(5)."""
    try:
        found = os.fstat(sys.stderr.fileno())
    except (AttributeError, OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


if TYPE_CHECKING:
    _TextHandler = logging.StreamHandler[TextIO]
else:
    _TextHandler = logging.StreamHandler  # not generic before Python 3.11


class _Formatter(logging.Formatter):
    """Formats `level: message` with the level in colour, or the bare message for information. For the journal,
    each line begins with its priority instead; see sd-daemon(3)."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if record.exc_info:
            message += "\n" + self.formatException(record.exc_info)
        if _is_journal():
            priority = f"<{_PRIORITIES.get(record.levelno, 6)}>"
            return "\n".join(priority + line for line in message.split("\n"))
        if record.levelno == logging.INFO:
            return message
        word = record.levelname.lower()
        colour = _LEVEL_COLOURS.get(record.levelno)
        return f"{paint(word, colour) if colour else word}: {message}"


class _StderrHandler(_TextHandler):
    """Looks up stderr for every record, so that redirection after configure() works."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def configure(verbosity: int = 0) -> None:
    """Sends the package's messages to stderr. `verbosity`: -1 for errors only, 0 also for warnings and
    information, 1 for everything."""
    levels = {-1: logging.ERROR, 0: logging.INFO, 1: logging.DEBUG}
    logger.setLevel(levels[max(-1, min(1, verbosity))])
    if not any(isinstance(handler, _StderrHandler) for handler in logger.handlers):
        handler = _StderrHandler()
        handler.setFormatter(_Formatter())
        logger.addHandler(handler)


def without_password(source: str) -> str:
    """The address without its secrets, fit to be shown. Anything but an address is returned unchanged."""
    if "://" not in source:
        return source
    return _SECRET.sub(r"\1***", _PASSWORD.sub(r"\1:***@", source))


def without_secrets(url: str) -> str:
    """Scheme, host and port of an address: users, passwords and stream keys do not belong in a log."""
    parts = urlsplit(url)
    return "{}://{}".format(parts.scheme, parts.netloc.rpartition("@")[2])


class Trouble:
    """Logs once that something fails, and once that it works again. subject: begins each message."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._is_known = False

    def report_failure(self, reason: Union[str, Exception], meanwhile: str) -> None:
        """Logs the first failure in a row. meanwhile: what happens until it works again."""
        if not self._is_known:
            self._is_known = True
            if isinstance(reason, OSError) and reason.strerror:
                reason = reason.strerror
            logger.warning("%s: %s; %s", self._subject, reason, meanwhile)

    def report_success(self) -> None:
        """Logs the end of a failure, if there was one."""
        if self._is_known:
            self._is_known = False
            logger.info("%s: works again", self._subject)
