"""A port for a server of a test."""

from __future__ import annotations

import contextlib
import random
import socket
from collections import deque

MOST_HELD = 200
"""How many ports this process keeps from others; no test needs nearly as many at a time."""
_held: deque[socket.socket] = deque()


def free_port() -> int:
    """A port below those that the system gives to outgoing connections.

    One of theirs could be taken by anybody before the server listens, or while it is away. Nor do
    tests in other processes get this one meanwhile: the datagrams to it are kept from them.
    """
    ports = random.SystemRandom()  # tests that run beside this one have the same seed
    while True:
        port = ports.randrange(15_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            _hold(port)
            return port


def _hold(port: int) -> None:
    """Keep a port from all who look for one.

    Raises:
        OSError: somebody else has it.
    """
    held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        held.bind(("127.0.0.1", port))
    except OSError:
        held.close()
        raise
    _held.append(held)
    if len(_held) > MOST_HELD:
        _held.popleft().close()
