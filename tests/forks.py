"""Processes that cost little to begin: forked by a server that has everything imported.

Each is a process like any other, with a process id, sockets and files of its own.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from multiprocessing.process import BaseProcess

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["__main__", "tests.crash_bot", "tests.forked_command"])


async def ended(process: BaseProcess) -> None:
    """Wait for a process to end."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(process.sentinel, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(process.sentinel)
    process.join()
