"""A process of its own that sends encoded pictures to an address.

FFmpeg connects, and writes the beginning of a stream, while PyAV holds the interpreter lock: a server that
does not answer would stop the whole program. So this process takes the encoded video from its standard
input, and is killed if it hangs.

Its first line of input is a format and an address (in its arguments everybody could read the stream key),
the rest is NUT. It prints SENDING once it is connected and, if it fails, the reason on stderr.
"""

import logging
import os
import subprocess
import sys
from typing import Any

from edge_attp.bitstream import pyav

__all__ = ["Sender"]

PyAv = Any  # the module av: imported late, without types

SENDING = b"sending\n"
_QUICK = {"analyzeduration": "0", "probesize": "32", "fpsprobesize": "0", "fflags": "nobuffer"}


class Sender:
    """The program's end: starts the process, and is the file that NUT is written to. container: FFmpeg's
    name of the format to send."""

    def __init__(self, url: str, container: str) -> None:
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            env=environment,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # an interrupt from the terminal is for the program
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._input, self._messages = self._process.stdin, self._process.stdout
        self._killed = ""
        os.set_blocking(self._messages.fileno(), False)
        self.write(f"{container} {url}\n".encode())

    def write(self, data: bytes) -> int:
        """Waits while the process takes nothing. BrokenPipeError once it has ended."""
        left = memoryview(data)
        while len(left):
            left = left[self._input.write(left) or 0 :]
        return len(data)

    def is_sending(self) -> bool:
        """True once, when it has connected."""
        return bool(self._messages.read())

    def kill(self, reason: str) -> None:
        """Makes a write() that waits fail, from any thread."""
        self._killed = reason
        self._process.kill()

    def end(self) -> str:
        """Ends the process; returns why it failed, empty if that is not known."""
        self._process.kill()
        _, errors = self._process.communicate()
        lines = errors.decode("utf-8", "replace").splitlines()
        return lines[-1] if lines else self._killed


def _send(av: PyAv, target: str) -> None:
    container, _, url = target.strip().partition(" ")
    with av.open(sys.stdin.buffer, format="nut", options=_QUICK) as source:
        with av.open(url, "w", format=container, options={"flush_packets": "1"}) as output:
            stream = pyav.add_stream_like(output, source.streams.video[0])
            output.start_encoding()
            os.write(sys.stdout.fileno(), SENDING)
            for packet in source.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    output.mux(packet)


def _main() -> int:
    av = pyav.import_av("the overlay stream")
    logging.disable(logging.CRITICAL)  # FFmpeg's: only the last line of stderr is read
    try:
        _send(av, sys.stdin.buffer.readline().decode())
    except (av.error.FFmpegError, OSError, ValueError) as error:
        sys.stderr.write(pyav.describe_error(error) + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())
