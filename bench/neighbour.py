"""Another process of a bench, so that what is measured has this one to itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The other process, which is told lines and answers with lines of JSON."""

    process: asyncio.subprocess.Process
    facts: dict[str, Any]

    async def tell(self, line: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        return await _heard(self.process)


@contextlib.asynccontextmanager
async def beside(module: str, *arguments: object) -> AsyncGenerator[Neighbour]:
    """Run a module, which begins with a line of facts and ends with its standard input."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *map(str, arguments)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Neighbour(process, await _heard(process))
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def _heard(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    return json.loads(await process.stdout.readline())
