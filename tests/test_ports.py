"""Ports of tests that run beside each other."""

from __future__ import annotations

import subprocess
import sys

from tests.ports import MOST_HELD, free_port

OTHERS = """
import sys
from tests import ports
try:
    ports._hold(int(sys.argv[1]))
except OSError:
    print("it is held")
"""


def test_a_port_is_kept_from_others_before_anybody_listens_there() -> None:
    port = free_port()
    asked = [sys.executable, "-c", OTHERS, str(port)]
    assert subprocess.run(asked, check=True, capture_output=True).stdout == b"it is held\n"
    for _ in range(MOST_HELD):
        free_port()
    assert subprocess.run(asked, check=True, capture_output=True).stdout == b""
