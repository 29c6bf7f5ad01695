"""A process of its own that sends encoded pictures to an address.

FFmpeg connects, and writes the beginning of a stream, while PyAV holds the interpreter: where a server
does not answer, the whole program would stand still. So this process takes the encoded video from its
standard input, and is killed where it hangs.

Its first line of input is a format and an address (in its arguments everybody could read the stream
key), then comes NUT. It says SENDING when it is connected, and why it ends if that is a failure.
"""

import logging
import os
import subprocess
import sys
from typing import Any

from edge_attp.bitstream import pyav

__all__ = ["Sender"]

SENDING = b"sending\n"
_QUICK = {"analyzeduration": "0", "probesize": "32", "fpsprobesize": "0", "fflags": "nobuffer"}


class Sender:
    """The side of the program: starts the process, and is the file that NUT is written to."""

    def __init__(self, url: str, format: str) -> None:
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
        self._input, self._said = self._process.stdin, self._process.stdout
        self._killed = ""
        os.set_blocking(self._said.fileno(), False)
        self.write(f"{format} {url}\n".encode())

    def write(self, data: bytes) -> int:
        """Waits as long as the process takes nothing. BrokenPipeError once it has ended."""
        left = memoryview(data)
        while len(left):
            left = left[self._input.write(left) or 0 :]
        return len(data)

    def is_sending(self) -> bool:
        """True once, when it is connected."""
        return bool(self._said.read())

    def kill(self, reason: str) -> None:
        """From any thread: a write() that waits fails then."""
        self._killed = reason
        self._process.kill()

    def reason(self) -> str:
        """Why it ended, empty if that is not known; ends it."""
        self._process.kill()
        _, errors = self._process.communicate()
        lines = errors.decode("utf-8", "replace").splitlines()
        return lines[-1] if lines else self._killed


def _send(av: Any, target: str) -> None:
    format, _, url = target.strip().partition(" ")
    with av.open(sys.stdin.buffer, format="nut", options=_QUICK) as source:
        with av.open(url, "w", format=format, options={"flush_packets": "1"}) as output:
            stream = pyav.add_stream_like(output, source.streams.video[0])
            output.start_encoding()
            os.write(sys.stdout.fileno(), SENDING)
            for packet in source.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    output.mux(packet)


def _main() -> int:
    av = pyav.import_av("the overlay stream")
    logging.disable(logging.CRITICAL)  # FFmpeg's; nobody reads more than the last line
    try:
        _send(av, sys.stdin.buffer.readline().decode())
    except (av.error.FFmpegError, OSError, ValueError) as error:
        sys.stderr.write(pyav.describe_error(error) + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())
