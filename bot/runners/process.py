"""Workers as processes of this machine: for one's own computer and for the demonstration."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bot.runners import launcher
from bot.runners.base import Exit, LaunchFailed, WorkerKey
from bot.runners.folders import GONE, LOG, cut, remove, tail
from bot.runners.launching import Launching, reference_worker
from bot.runners.worker_process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from bot.runners.base import WorkerSpec

REPORTED = "reported"
TRIM = 5.0  # seconds between looks at the size of those logs
RECORD_WAIT = 5.0  # seconds that another launcher may take from its lock to its record

logger = logging.getLogger(__name__)


class ProcessRunner:
    """Runs each worker in a session and a folder of its own, `folder/<key>`.

    Args:
        folder: Where the workers' folders are; made if absent.
        command: What to run as a worker; by default the reference worker.
        user: The system user to run workers as, which needs root; by default the bot's own.
    """

    name = "process"

    def __init__(
        self, folder: Path, command: Sequence[str] | None = None, user: str | None = None
    ) -> None:
        self._folder = folder.absolute()
        command = list(command) if command is not None else reference_worker()
        self._launching = Launching(command, user)
        self._on_exit: Callable[[Exit], Awaitable[None]] | None = None
        self._watches: dict[WorkerKey, asyncio.Task[None]] = {}
        self._trimmer: asyncio.Task[None] | None = None

    async def open(self, on_exit: Callable[[Exit], Awaitable[None]]) -> None:
        """Adopt the workers on record and report those that ended meanwhile."""
        self._on_exit = on_exit
        await asyncio.to_thread(self._finish_removals)
        for key, process in (await asyncio.to_thread(self._on_record)).items():
            self._watch(key, process)
        self._trimmer = asyncio.create_task(self._trim())

    async def start(self, spec: WorkerSpec) -> None:
        """Start a worker, unless this key was ever started before.

        Raises:
            LaunchFailed: It could not be started, and nothing of it runs.
        """
        home = self._folder / str(spec.key)
        process = WorkerProcess.read(home / launcher.RECORD)
        if process is None:
            await asyncio.to_thread(self._launching.launch, home, spec)
            process = await self._recorded(home)
        if not (home / REPORTED).exists():
            self._watch(spec.key, process)

    async def stop(self, key: WorkerKey, grace: float) -> None:
        """SIGTERM to the worker's group, after `grace` seconds SIGKILL to its whole session."""
        process = WorkerProcess.read(self._folder / str(key) / launcher.RECORD)
        if process is None:
            return
        process.ask_to_end()
        try:
            async with asyncio.timeout(grace):
                await process.gone()
        except TimeoutError:
            pass
        await process.end()

    async def alive(self) -> set[WorkerKey]:
        """The workers on record whose process runs."""
        return await asyncio.to_thread(
            lambda: {key for key, process in self._on_record().items() if process.running()}
        )

    async def forget(self, key: WorkerKey) -> None:
        """Remove the worker's folder; one that still runs is ended first."""
        await self.stop(key, 0)
        await asyncio.to_thread(remove, self._folder / str(key))

    async def close(self) -> None:
        """Stop watching."""
        tasks = [*self._watches.values(), *([self._trimmer] if self._trimmer else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._watches.clear()

    def _finish_removals(self) -> None:
        for doomed in self._folder.glob(f"*{GONE}"):
            remove(doomed)

    def _on_record(self) -> dict[WorkerKey, WorkerProcess]:
        """The workers whose end was not reported yet."""
        found: dict[WorkerKey, WorkerProcess] = {}
        for record in self._folder.glob(f"*/{launcher.RECORD}"):
            process = WorkerProcess.read(record)
            with suppress(ValueError):  # some other folder is none of ours
                if process and not (record.parent / REPORTED).exists():
                    found[WorkerKey.parse(record.parent.name)] = process
        return found

    async def _recorded(self, home: Path) -> WorkerProcess:
        try:
            async with asyncio.timeout(RECORD_WAIT):
                # Another process writes it, and no event tells when.
                while (process := WorkerProcess.read(home / launcher.RECORD)) is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise LaunchFailed(
                "Another process is about to start this worker, but has not yet.",
                retryable=True,
                private=str(home),
            ) from None
        return process

    def _watch(self, key: WorkerKey, process: WorkerProcess) -> None:
        if self._on_exit is None:
            raise RuntimeError("open() comes first: without it nobody is told of a worker's end")
        if key not in self._watches:
            watch = asyncio.create_task(self._until_gone(key, process, self._on_exit))
            self._watches[key] = watch
            watch.add_done_callback(lambda _: self._watches.pop(key, None))

    async def _until_gone(
        self,
        key: WorkerKey,
        process: WorkerProcess,
        on_exit: Callable[[Exit], Awaitable[None]],
    ) -> None:
        await process.gone()
        # Before it is waited for: until then its id, by which its session goes, is nobody else's.
        await process.end()
        home = self._folder / str(key)
        code, detail = process.reap(), await asyncio.to_thread(tail, home / LOG)
        try:
            await on_exit(Exit(key, code, detail))
        except Exception:
            logger.exception("the end of worker %s was not taken; the next start tells it", key)
            return
        with suppress(FileNotFoundError):  # forgotten meanwhile
            (home / REPORTED).touch()

    async def _trim(self) -> None:
        while True:
            await asyncio.sleep(TRIM)
            for key in list(self._watches):
                with suppress(OSError):  # removed meanwhile, or looked at again soon
                    await asyncio.to_thread(cut, self._folder / str(key) / LOG)
