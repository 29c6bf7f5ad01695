"""Whether the kernel considers its clock synchronised: adjtimex(2), which timedatectl uses too."""

import ctypes
from typing import Optional

__all__ = ["is_synchronised"]

STA_UNSYNC = 0x40
ROOM = 512  # bytes; struct timex has 208 on 64 bits


class _Timex(ctypes.Structure):
    """The beginning of struct timex; modes = 0 only reads."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * ROOM),
    ]


def is_synchronised() -> Optional[bool]:
    """None if the kernel does not say."""
    timex = _Timex()
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else not timex.status & STA_UNSYNC
