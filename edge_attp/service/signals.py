"""Signals as values that a loop waits for, instead of handlers that interrupt it anywhere."""

import signal
from typing import Any, Iterable, Optional

__all__ = ["Signals"]


class Signals:
    """`with Signals(signal.SIGTERM) as signals:` holds these back from now on, in this thread and in those
    that it starts; wait() gives them out one by one. Needs the main thread."""

    def __init__(self, *numbers: int) -> None:
        self._numbers = frozenset(numbers)
        self._before: Iterable[Any] = ()

    def __enter__(self) -> "Signals":
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, self._numbers)
        return self

    def __exit__(self, *_: object) -> None:
        while self.wait(0.0) is not None:  # or it would strike when it is let through again
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)

    def wait(self, seconds: float) -> Optional[int]:
        """The next signal; None if none came within so many seconds."""
        found = signal.sigtimedwait(self._numbers, seconds)
        return None if found is None else found.si_signo
