"""Signals as values that a loop waits for, instead of handlers that interrupt it anywhere."""

import os
import select
import signal
from collections import deque
from typing import Any, Deque, Dict, Optional

__all__ = ["Signals"]


class Signals:
    """`with Signals(signal.SIGTERM) as signals:` catches these from now on, whichever thread the system
    chooses to deliver them to; wait() gives them out one by one. Needs the main thread.

    Blocking them would not do: threads that a library started before, as NumPy does, would be struck.
    """

    def __init__(self, *numbers: int) -> None:
        self._numbers = frozenset(numbers)
        self._handlers: Dict[int, Any] = {}
        self._wakeup = -1
        self._caught: Deque[int] = deque()

    def __enter__(self) -> "Signals":
        self._reader, self._writer = os.pipe()
        for end in (self._reader, self._writer):
            os.set_blocking(end, False)
        self._wakeup = signal.set_wakeup_fd(self._writer)
        for number in self._numbers:
            self._handlers[number] = signal.signal(number, _do_nothing)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        os.close(self._reader)
        os.close(self._writer)

    def wait(self, seconds: float) -> Optional[int]:
        """The next signal; None if none came within so many seconds."""
        if not self._caught:
            select.select([self._reader], [], [], seconds)
            self._take()
        return self._caught.popleft() if self._caught else None

    def _take(self) -> None:
        """The interpreter writes the number of each signal as a byte, those of other handlers too."""
        try:
            numbers = os.read(self._reader, 4096)
        except BlockingIOError:
            return
        self._caught.extend(number for number in numbers if number in self._numbers)


def _do_nothing(*_: Any) -> None:
    """Python writes to the pipe only for signals that have a handler."""
