"""Passwords and tokens, which lie in files of their own so that a configuration can be shown around."""

from typing import Optional

from edge_attp.errors import UsageError

__all__ = ["read_secret"]


def read_secret(key: str, path: Optional[str]) -> Optional[str]:
    """The first line of a file, None without a path. UsageError, naming the key, if there is none."""
    if path is None:
        return None
    try:
        with open(path, encoding="utf-8") as file:
            secret = file.readline().strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError("%s = %s: cannot be read: %s" % (key, path, reason)) from None
    if not secret:
        raise UsageError("%s = %s: is empty" % (key, path))
    return secret
