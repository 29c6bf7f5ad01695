"""Tells systemd how the service is, by the sd_notify protocol: lines in a datagram to a socket.

Without NOTIFY_SOCKET, as when run by hand, it does nothing. A manager that is gone is no reason to stop.
"""

import os
import socket
import time
from typing import Mapping, Optional

__all__ = ["notify", "ready", "reloading", "watchdog_interval_s"]


def notify(**fields: object) -> bool:
    """notify(READY=1, STATUS="..."); True if it was sent."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):  # a name that lies in no file system
        address = "\0" + address[1:]
    text = "\n".join("%s=%s" % (name, _one_line(value)) for name, value in fields.items())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.setblocking(False)  # a full queue must not hold the service up
        try:
            sender.sendto(text.encode(), address)
        except OSError:
            return False
    return True


def ready(status: str) -> bool:
    """The service does its work, for the first time or after a reload."""
    return notify(READY=1, STATUS=status)


def reloading() -> bool:
    """A reload has begun; ready() ends it. systemd before 253 does not ask for the time."""
    return notify(RELOADING=1, MONOTONIC_USEC=int(time.monotonic() * 1e6))


def watchdog_interval_s(environment: Optional[Mapping[str, str]] = None) -> Optional[float]:
    """Within how many seconds systemd wants to hear WATCHDOG=1; None if it does not ask this process."""
    given = os.environ if environment is None else environment
    try:
        interval_s = int(given.get("WATCHDOG_USEC", "")) / 1e6
        is_ours = int(given.get("WATCHDOG_PID") or os.getpid()) == os.getpid()
    except ValueError:
        return None
    return interval_s if is_ours and interval_s > 0 else None


def _one_line(value: object) -> str:
    return " ".join(str(value).split())
