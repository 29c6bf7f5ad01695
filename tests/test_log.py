"""Messages on stderr: plain for people, with priorities for systemd's journal."""

import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = """
import os, sys
from edge_attp import log
found = os.fstat(2)
if len(sys.argv) > 1:
    os.environ["JOURNAL_STREAM"] = sys.argv[1].format(found.st_dev, found.st_ino)
log.configure()
log.logger.info("one")
log.logger.warning("two\\nlines")
log.logger.error("three")
"""


def said(*arguments):
    made = subprocess.run(
        [sys.executable, "-c", PROGRAM] + list(arguments),
        stderr=subprocess.PIPE,
        cwd=ROOT,
        check=True,
    )
    return made.stderr.decode().splitlines()


def test_people_get_words():
    assert said() == ["one", "warning: two", "lines", "error: three"]


def test_the_journal_gets_priorities():
    assert said("{}:{}") == ["<6>one", "<4>two", "<4>lines", "<3>three"]


def test_a_journal_that_is_not_stderr_does_not_count():
    assert said("1:{}")[0] == "one"
