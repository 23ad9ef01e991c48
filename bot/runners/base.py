"""What a runner is: the place where workers run, as the rest of the bot sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping


@dataclass(frozen=True, slots=True)
class WorkerKey:
    """Which worker: the same task, attempt and launch always mean the same one.

    `str(key)` is `task_id-attempt-launch`, which is safe as a folder's or a container's name.
    """

    task_id: str
    attempt: int
    launch: int

    def __str__(self) -> str:
        return f"{self.task_id}-{self.attempt}-{self.launch}"

    @classmethod
    def parse(cls, text: str) -> WorkerKey:
        """Read back what `str(key)` wrote; a task id may itself hold dashes.

        Raises:
            ValueError: The text names no worker.
        """
        task_id, attempt, launch = text.rsplit("-", 2)
        key = cls(task_id, int(attempt), int(launch))
        if not task_id or str(key) != text:
            raise ValueError(f"{text!r} does not name a worker")
        return key


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """One worker to start: its environment in full, its image, its time limit in seconds."""

    key: WorkerKey
    environment: Mapping[str, str]
    image: str | None
    time_limit: int


@dataclass(frozen=True, slots=True)
class Exit:
    """A worker is gone.

    `code` is its exit code (negative: the signal that ended it), or None where it vanished while
    nobody watched. `detail` holds the last lines it wrote, as written: mask them before they show.
    """

    key: WorkerKey
    code: int | None
    detail: str


class LaunchFailed(Exception):  # noqa: N818  the lifecycle's own word for it
    """A worker could not be started.

    `detail` may be read by anybody, `private` by operators alone: paths, and what programs said.
    `retryable` says whether another try may help.
    """

    def __init__(self, detail: str, *, retryable: bool, private: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.private = private
        self.retryable = retryable


class Runner(Protocol):
    """Starts, watches and stops workers. All methods may be repeated without harm."""

    name: str

    async def open(self, on_exit: Callable[[Exit], Awaitable[None]]) -> None:
        """Adopt the workers that run already and begin to report each one's end, once."""
        ...

    async def start(self, spec: WorkerSpec) -> None:
        """Start a worker; a key that was started before is the same worker, never a second.

        Raises:
            LaunchFailed: It could not be started, and nothing of it runs.
        """
        ...

    async def stop(self, key: WorkerKey, grace: float) -> None:
        """Ask a worker to end, after `grace` seconds end it; return when it is gone.

        A key that nobody knows is fine.
        """
        ...

    async def alive(self) -> set[WorkerKey]:
        """The workers that run now, whoever started them."""
        ...

    async def forget(self, key: WorkerKey) -> None:
        """Remove what an ended worker left behind. A key that nobody knows is fine."""
        ...

    async def close(self) -> None:
        """Stop watching. The workers go on and are adopted by the next `open`."""
        ...
