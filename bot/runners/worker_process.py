"""One process on this machine and what belongs to it, known for certain and never mixed up."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from bot.runners import stragglers
from bot.runners.launcher import HOME, identity

POLL = 1.0  # seconds between looks where the system cannot tell by itself that a process ended


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    """A worker by its process id and its identity; it leads a session and a process group.

    `folder` is its own: every process that has its home in there belongs to it as well.
    """

    pid: int
    identity: str
    folder: Path

    @classmethod
    def read(cls, record: Path) -> WorkerProcess | None:
        """Read what the launcher wrote; None where nothing readable is there."""
        try:
            values = cast("dict[str, object]", json.loads(record.read_text()))
            return cls(int(str(values["pid"])), str(values["identity"]), record.parent)
        except (OSError, ValueError, KeyError):
            return None

    def running(self) -> bool:
        """Whether this very process runs, not another that was given its id."""
        return identity(self.pid) == self.identity

    async def gone(self) -> None:
        """Wait until it has ended, whoever its parent is."""
        descriptor = self._descriptor()
        if descriptor is None:
            while await asyncio.to_thread(self.running):  # noqa: ASYNC110  there is no event
                await asyncio.sleep(POLL)
            return
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        try:
            loop.add_reader(descriptor, ended.set)
            if self.running():  # what the descriptor stands for was this process and still is
                await ended.wait()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)

    def _descriptor(self) -> int | None:
        """A pidfd: readable once the process has ended (pidfd_open(2), Linux 5.3)."""
        try:
            return os.pidfd_open(self.pid)
        except (AttributeError, OSError):
            return None

    def ask_to_end(self) -> None:
        """Send SIGTERM to its process group."""
        if self.running():
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGTERM)

    async def end(self) -> None:
        """Send SIGKILL to all that is left of its session and at home in its folder."""
        while members := await asyncio.to_thread(self._members):
            for pid in members:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(stragglers.SWEEP)
        await asyncio.to_thread(stragglers.end, self.folder, self.folder / HOME)

    def _members(self) -> list[int]:
        """What runs in its session, itself included.

        An id serves no other process while a session goes by it: where its bearer is another
        process now, the worker's session is empty. Without `/proc` only the worker itself is seen.
        """
        now = identity(self.pid)
        if now not in (None, self.identity) or not _same_boot(self.identity):
            return []
        members = [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if self._has(entry)]
        return members or ([self.pid] if now else [])

    def _has(self, entry: Path) -> bool:
        try:
            state, _, _, session, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return False
        return state not in "ZX" and int(session) == self.pid

    def reap(self) -> int | None:
        """Its exit code (negative: the signal that ended it) if it was our own child, or None.

        To be called once it has ended. Only its parent is told, and only once.
        """
        if identity(self.pid, ended=True) != self.identity:
            return None
        try:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            return None
        return os.waitstatus_to_exitcode(status) if ended else None


def _same_boot(recorded: str) -> bool:
    now = identity(os.getpid()) or ""
    return recorded.rpartition("/")[0] == now.rpartition("/")[0]
