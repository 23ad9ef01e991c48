"""The processes that the demonstration starts, and their end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

KEPT = 20
"""Lines of a process's output that are shown when something fails."""
GRACE = 15.0
"""Seconds that a process may take to end."""
LONGEST_LINE = 1024 * 1024


class ChildEnded(Exception):  # noqa: N818 - says what happened
    """A process ended that should go on."""


class Child:
    """A running `python -m MODULE`; made by `started`, which also ends it."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.last: deque[str] = deque(maxlen=KEPT)
        self.process = process
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._reading = [
            asyncio.create_task(self._read(stream))
            for stream in (process.stdout, process.stderr)
            if stream is not None
        ]
        self._watching = asyncio.create_task(self._watch())

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.process.returncode is None

    async def line(self) -> str:
        """The next line that it prints, on either output.

        Raises:
            ChildEnded: there is no further one.
        """
        text = await self._lines.get()
        if text is None:
            raise ChildEnded(f"{self.name} ended with code {self.process.returncode}.")
        return text

    def forget(self, line: str) -> None:
        """Leave a line out of the last ones, which are shown when something fails."""
        self.last = deque((one for one in self.last if one != line), maxlen=KEPT)

    async def end(self) -> None:
        """SIGTERM, and SIGKILL where that does not help."""
        if self.running:
            self.process.terminate()
        try:
            async with asyncio.timeout(GRACE):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        await self._watching

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while raw := await stream.readline():
            text = raw.decode(errors="replace").rstrip()
            self.last.append(text)
            self._lines.put_nowait(text)

    async def _watch(self) -> None:
        await asyncio.gather(*self._reading)
        await self.process.wait()
        self._lines.put_nowait(None)


@contextlib.asynccontextmanager
async def started(
    name: str, *arguments: str, folder: Path, settings: Mapping[str, str] | None = None
) -> AsyncGenerator[Child]:
    """Run `python -m` with arguments in a folder, and end it in the end.

    It is in a session of its own, so that Ctrl-C reaches the demonstration alone, which then ends
    one after the other. Of the environment's settings for Bellhop it sees only the given ones.
    """
    outside = {key: value for key, value in os.environ.items() if not key.startswith("BELLHOP_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *arguments),
        cwd=folder,
        env=outside | dict(settings or {}),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        limit=LONGEST_LINE,
    )
    child = Child(name, process)
    try:
        yield child
    finally:
        await child.end()
