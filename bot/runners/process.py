"""Workers as processes of this machine: for one's own computer and for the demonstration."""

from __future__ import annotations

import asyncio
import errno
import importlib.util
import logging
import os
import pwd
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bot.runners import launcher
from bot.runners.base import Exit, LaunchFailed, WorkerKey
from bot.runners.worker_process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from bot.runners.base import WorkerSpec

LOG, REPORTED = "log", "reported"
GONE = ".gone"  # ends the name of a folder that is being removed
LOG_LIMIT, LOG_TAIL = 1_000_000, 4_000  # bytes of a worker's own output: kept, and told
TRIM = 5.0  # seconds between looks at the size of those logs
NO_LEAVE = os.strerror(errno.EACCES)
RECORD_WAIT = 5.0  # seconds that another launcher may take from its lock to its record

logger = logging.getLogger(__name__)


def reference_worker() -> list[str]:
    """The command of the worker that ships with the bot, which sees the standard library alone."""
    found = importlib.util.find_spec("worker")
    if found is None or not found.submodule_search_locations:
        raise LookupError("The package `worker` is not installed beside `bot`: install both.")
    return [sys.executable, "-I", "-S", found.submodule_search_locations[0]]


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
        self._command = list(command) if command is not None else reference_worker()
        self._user = user
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
            await asyncio.to_thread(self._launch, spec)
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
        await asyncio.to_thread(_remove, self._folder / str(key))

    async def close(self) -> None:
        """Stop watching."""
        tasks = [*self._watches.values(), *([self._trimmer] if self._trimmer else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._watches.clear()

    def _finish_removals(self) -> None:
        for doomed in self._folder.glob(f"*{GONE}"):
            _remove(doomed)

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
        code, detail = process.reap(), await asyncio.to_thread(_tail, home / LOG)
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

    def _launch(self, spec: WorkerSpec) -> None:
        """Make the folder, run the launcher and wait until it has become the worker."""
        home = self._folder / str(spec.key)
        account = self._account()
        try:
            environment = self._prepare(home, account) | dict(spec.environment)
            refused = _run_launcher(home, account, self._command, environment)
        except OSError as error:
            raise LaunchFailed(
                f"The worker could not be started: {error.strerror or type(error).__name__}.",
                retryable=True,
                private=f"{home}: {error}",
            ) from error
        if refused in ("", launcher.HELD):
            return
        shutil.rmtree(home, ignore_errors=True)
        who = f"user {self._user}" if self._user else "Bellhop's user"
        raise LaunchFailed(
            "The worker user may not run the worker's program."
            if refused.startswith(NO_LEAVE)
            else "The worker's program could not be run.",
            retryable=False,
            private=f"{who} in {home}: {refused}. The user must be allowed to run the worker's "
            "command and to pass through the folders above both.",
        )

    def _account(self) -> pwd.struct_passwd | None:
        if self._user is None:
            return None
        if os.geteuid() != 0:
            raise LaunchFailed(
                f"Running workers as {self._user} needs root. Run Bellhop as root or unset "
                "BELLHOP_WORKER_USER.",
                retryable=False,
            )
        try:
            return pwd.getpwnam(self._user)
        except KeyError:
            raise LaunchFailed(
                f"There is no system user {self._user}. Create it or change BELLHOP_WORKER_USER.",
                retryable=False,
            ) from None

    def _prepare(self, home: Path, account: pwd.struct_passwd | None) -> dict[str, str]:
        """Make the worker's folder; the record stays out of reach of a user of its own."""
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o711 if account else 0o700)
        own, temporary = home / launcher.HOME, home / launcher.HOME / "tmp"
        for folder in (own, temporary):
            folder.mkdir(mode=0o700, exist_ok=True)
            if account:
                os.chown(folder, account.pw_uid, account.pw_gid, follow_symlinks=False)
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(own),
            "LANG": "C.UTF-8",
            "TMPDIR": str(temporary),
        }


def _run_launcher(
    home: Path,
    account: pwd.struct_passwd | None,
    command: list[str],
    environment: dict[str, str],
) -> str:
    """Run the launcher until it is the worker (then answer nothing) or has said why not."""
    user = [str(account.pw_uid), str(account.pw_gid)] if account else ["", ""]
    isolated = [sys.executable, "-I", "-S", launcher.__file__]
    told, status = os.pipe()
    with open(told, "rb") as answer:  # noqa: PTH123  a descriptor, not a path
        try:
            with (home / LOG).open("ab") as log:
                child = subprocess.Popen(  # noqa: S603  our own interpreter and our own file
                    [*isolated, str(home), str(status), *user, *command],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=[status],
                    start_new_session=True,
                )
        finally:
            os.close(status)
        refused = answer.read().decode(errors="replace")
    if not refused and (home / launcher.RECORD).exists():
        child.returncode = 0  # its end is watched by its id; this object is not asked again
        return ""
    child.wait()
    return refused or _tail(home / LOG) or "the launcher ended early"


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - LOG_TAIL))
            return file.read().decode(errors="replace").strip()
    except FileNotFoundError:
        return ""


def cut(log: Path) -> None:
    """Keep a log's last lines once it is too long; the worker goes on at its new end."""
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        last = _tail(log)
        with log.open("r+b") as file:
            file.truncate()
            file.write(last.encode() + b"\n")


def _remove(home: Path) -> None:
    """Remove a folder in which an agent may have left folders without leave to write.

    It takes another name first, so that nobody finds half of it or adds to it meanwhile. Two
    removals of one folder may meet.
    """
    doomed = home.with_name(home.name.removesuffix(GONE) + GONE)
    _clear(doomed)  # what a removal that was cut off left has the name
    with suppress(FileNotFoundError):
        home.rename(doomed)
    _clear(doomed)


def _clear(doomed: Path) -> None:
    if os.geteuid() != 0:
        for folder, _, _ in os.walk(doomed):
            with suppress(FileNotFoundError):
                Path(folder).chmod(0o700)
    shutil.rmtree(doomed, ignore_errors=True)
