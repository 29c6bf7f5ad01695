"""Passwords and tokens, which lie in files of their own so that a configuration can be shown around."""

import os
import stat
from typing import NamedTuple, Optional

from edge_attp.errors import UsageError
from edge_attp.log import logger
from edge_attp.strict import PATH, Kind, Unfit

__all__ = ["SECRET", "Secret", "read_secret"]


class Secret(NamedTuple):
    """What a secret file holds; printing it shows the path alone."""

    path: str
    text: str

    def __repr__(self) -> str:
        return f"Secret({self.path!r})"


def read_secret(key: str, path: Optional[str]) -> Optional[str]:
    """The first line of a file, None without a path. UsageError, naming the key, if there is none."""
    if path is None:
        return None
    try:
        return _first_line(path)
    except Unfit as unfit:
        raise UsageError(f"{key} = {unfit}") from None


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            secret = file.readline().strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Unfit(f"{path}: cannot be read: {reason}") from None
    if not secret:
        raise Unfit(f"{path}: is empty")
    return secret


def _secret(value: object, folder: str) -> Secret:
    path: str = PATH.read(value, folder)
    text = _first_line(path)
    if os.stat(path).st_mode & stat.S_IROTH:
        logger.warning("%s can be read by everybody: chmod o= %s", path, path)
    return Secret(path, text)


SECRET = Kind("the path of a file that holds the secret", _secret, is_text=True)
