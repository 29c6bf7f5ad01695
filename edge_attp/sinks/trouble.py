"""Says once that something does not work, and once that it works again."""

from typing import Union

from edge_attp.log import logger

__all__ = ["Trouble"]


class Trouble:
    """One thing that may fail for a while. `what`: begins each message, "sink: file"."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._is_known = False

    def warn(self, reason: Union[str, Exception], meanwhile: str) -> None:
        """It fails. meanwhile: what happens until it works again, for people."""
        if not self._is_known:
            self._is_known = True
            if isinstance(reason, OSError) and reason.strerror:
                reason = reason.strerror
            logger.warning("%s: %s; %s", self._what, reason, meanwhile)

    def over(self) -> None:
        """It works."""
        if self._is_known:
            self._is_known = False
            logger.info("%s: works again", self._what)
