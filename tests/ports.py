"""A port for a server of a test."""

from __future__ import annotations

import contextlib
import random
import socket


def free_port() -> int:
    """A port below those that the system gives to outgoing connections.

    One of theirs could be taken by anybody before the server listens, or while it is away.
    """
    ports = random.SystemRandom()  # tests that run beside this one have the same seed
    while True:
        port = ports.randrange(15_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
