"""The data folder belongs to one process at a time."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType


class FolderInUse(Exception):  # noqa: N818 - errors here are named as what happened
    """Another process works in the data folder."""


class FolderLock:
    """Holds `bellhop.lock` in a folder until released or until the process ends, however it ends.

    Args:
        folder: The data folder; it exists.

    Raises:
        FolderInUse: Another process holds it; the message says what to do.
        OSError: The lock file cannot be made there.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "bellhop.lock"
        self._file = path.open("a+", encoding="ascii")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            raise FolderInUse(
                f"The data folder {folder} is in use by another Bellhop (process {holder}). "
                "Stop that one first, or give this one a data folder of its own."
            ) from error
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        """Let the next one in; the file stays, because removing it would race with a waiter."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()
