"""Becomes a worker: run by path as a process of its own, it never imports the rest of the bot.

It takes the worker's lock, writes down who it is, drops its rights and turns into the worker by
`exec`, which keeps process id and start time. So a worker that runs is always on record, whenever
the bot was killed, and a second launcher for the same folder finds the lock or the record and
gives up. The lock's descriptor passes to the worker. Where the worker's own children inherit it as
well, nothing worse follows: the record alone decides whether a worker runs.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

RECORD, LOCK, HOME = "record.json", "lock", "home"
HELD = "held"
PROC = Path("/proc/sys/kernel/random/boot_id")


def identity(pid: int, *, ended: bool = False) -> str | None:
    """What tells this process from any other that ever has its id; None if it does not run.

    A process that has ended but was not waited for does not run, though with `ended` it counts.
    """
    state, start = _by_proc(pid) if PROC.exists() else by_ps(pid)
    return start if start and (ended or state not in "ZX") else None


def _by_proc(pid: int) -> tuple[str, str]:
    """The boot's id and the start in clock ticks: field 22 of `/proc/<pid>/stat`, see proc(5)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return "", ""
    state, *fields = stat[stat.rindex(")") + 2 :].split()
    return state, f"{PROC.read_text().strip()}/{fields[18]}"


def by_ps(pid: int) -> tuple[str, str]:
    """State and start where there is no `/proc`; ps(1) tells the start to the second."""
    answer = subprocess.run(  # noqa: S603  a number is all that varies
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)],
        capture_output=True,
        check=False,
        env={"LC_ALL": "C", "TZ": "UTC"},
        text=True,
    ).stdout
    state, _, start = answer.strip().partition(" ")
    return state[:1], start.strip()


def launch(folder: Path, user: str, group: str, command: list[str]) -> None:
    """Turn into `command`; return only where another launcher was first.

    Raises:
        OSError: It could not be done.
    """
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    if (folder / RECORD).exists():
        return
    draft = folder / f"{RECORD}.new"
    draft.write_text(json.dumps({"pid": os.getpid(), "identity": identity(os.getpid())}))
    draft.replace(folder / RECORD)
    if user:
        os.setgroups([])
        os.setgid(int(group))
        os.setuid(int(user))
    os.chdir(os.environ["HOME"])
    os.set_inheritable(lock, True)
    os.execvp(command[0], command)  # noqa: S606  the operator's command, and no shell


def main() -> None:
    """Arguments: the folder, where to tell a failure, user and group (or empty), the command."""
    folder, status, user, group, *command = sys.argv[1:]
    os.set_inheritable(int(status), False)
    try:
        launch(Path(folder), user, group, command)
        refused = HELD
    except OSError as error:
        refused = f"{error.strerror}: {error.filename or command[0]}"
    os.write(int(status), refused.encode())


if __name__ == "__main__":
    main()
