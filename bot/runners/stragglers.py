"""What left a worker's session (setsid(2)) and goes on when the worker is gone.

Such processes are known by the environment that they were started with: their `HOME` is inside the
worker's folder, whose name no other launch ever has. One that took another `HOME` on is not found.
This file is also run by path to become the worker's user, and so imports nothing of the bot: root
without CAP_SYS_PTRACE, as in Docker, may not read other users' environments (proc(5)).
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SWEEP = 0.05  # seconds between looks for what is left after SIGKILL
PATIENCE = 10.0  # seconds after which what still goes on is left to the operator

logger = logging.getLogger(__name__)


def end(folder: Path, home: Path) -> None:
    """Send SIGKILL to all processes whose home is in a folder, as the owner of `home`."""
    roots = sorted({str(folder), str(folder.resolve())})
    # Without a home it is a worker of our own user: another user could not have removed it.
    owner = home.stat() if home.exists() else None
    if owner is None or owner.st_uid == os.geteuid():
        ended = end_in(roots)
    else:
        ended = _end_as(owner.st_uid, owner.st_gid, roots)
    if not ended:
        logger.warning("processes of %s may be left: look for them and end them", folder.name)


def end_in(roots: Sequence[str]) -> bool:
    """Do so as the user that this process is; whether nothing was left in time."""
    until = time.monotonic() + PATIENCE
    while found := [pid for pid in _processes() if _lives_in(pid, roots)]:
        if time.monotonic() > until:
            return False
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(SWEEP)
    return True


def _end_as(user: int, group: int, roots: Sequence[str]) -> bool:
    try:
        done = subprocess.run(  # noqa: S603  our own interpreter and our own file
            [sys.executable, "-I", "-S", __file__, str(user), str(group), *roots],
            check=False,
            cwd="/",
            env={},
            timeout=2 * PATIENCE,  # the agent has the same user and may have stopped it
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]


def _lives_in(pid: int, roots: Sequence[str]) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # it has ended, or is another user's
        return False
    inside = tuple(os.fsencode(f"HOME={root}/") for root in roots)
    return any(setting.startswith(inside) for setting in environment.split(b"\0"))


def main() -> None:
    """Arguments: the user and group to become, then the folders."""
    user, group, *roots = sys.argv[1:]
    # Here and not before this began: the user may not be able to reach the bot's own Python.
    os.setgroups([])
    os.setgid(int(group))
    os.setuid(int(user))
    sys.exit(not end_in(roots))


if __name__ == "__main__":
    main()
