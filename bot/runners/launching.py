"""How a worker becomes a process of this machine: its folder, its user, its environment."""

from __future__ import annotations

import errno
import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.runners import launcher
from bot.runners.base import LaunchFailed
from bot.runners.folders import LOG, tail

if TYPE_CHECKING:
    from pathlib import Path

    from bot.runners.base import WorkerSpec

NO_LEAVE = os.strerror(errno.EACCES)


def reference_worker() -> list[str]:
    """The command of the worker that ships with the bot, which sees the standard library alone."""
    found = importlib.util.find_spec("worker")
    if found is None or not found.submodule_search_locations:
        raise LookupError("The package `worker` is not installed beside `bot`: install both.")
    return [sys.executable, "-I", "-S", found.submodule_search_locations[0]]


@dataclass(frozen=True, slots=True)
class Launching:
    """What is run as a worker, and as which system user; None: the bot's own."""

    command: list[str]
    user: str | None

    def launch(self, home: Path, spec: WorkerSpec) -> None:
        """Make the folder, run the launcher and wait until it has become the worker.

        Raises:
            LaunchFailed: nothing of it runs.
        """
        account = self._account()
        try:
            environment = self._prepare(home, account) | dict(spec.environment)
            refused = _run_launcher(home, account, self.command, environment)
        except OSError as error:
            raise LaunchFailed(
                f"The worker could not be started: {error.strerror or type(error).__name__}.",
                retryable=True,
                private=f"{home}: {error}",
            ) from error
        if refused in ("", launcher.HELD):
            return
        shutil.rmtree(home, ignore_errors=True)
        who = f"user {self.user}" if self.user else "Bellhop's user"
        raise LaunchFailed(
            "The worker user may not run the worker's program."
            if refused.startswith(NO_LEAVE)
            else "The worker's program could not be run.",
            retryable=False,
            private=f"{who} in {home}: {refused}. The user must be allowed to run the worker's "
            "command and to pass through the folders above both.",
        )

    def _account(self) -> pwd.struct_passwd | None:
        if self.user is None:
            return None
        if os.geteuid() != 0:
            raise LaunchFailed(
                f"Running workers as {self.user} needs root. Run Bellhop as root or unset "
                "BELLHOP_WORKER_USER.",
                retryable=False,
            )
        try:
            return pwd.getpwnam(self.user)
        except KeyError:
            raise LaunchFailed(
                f"There is no system user {self.user}. Create it or change BELLHOP_WORKER_USER.",
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
    return refused or tail(home / LOG) or "the launcher ended early"
