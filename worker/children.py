"""Runs other programs: never waiting for input, always ended when the worker must end."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from worker.hearing import LONGEST_LINE
from worker.orders import POLL, Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from worker.masking import Masker
    from worker.orders import Orders

GRACE = 10.0  # seconds between SIGTERM and SIGKILL
LAST_WORDS = 5.0  # seconds to read what an ended program has still in its pipes


def stream(
    command: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    text: str,
    sink: Callable[[str, str], None],
    masker: Masker,
    orders: Orders,
    grace: float = GRACE,
    longest: int = LONGEST_LINE,
) -> int:
    """Run an agent, give it `text` on standard input and pass its lines on as they come.

    Args:
        command: The program and its arguments.
        cwd: Where it runs.
        environment: All of its environment.
        text: What it reads.
        sink: Called with `info` (standard output) or `warning` (standard error) and the masked
            line, from two threads.
        masker: Masks each line as a whole, however many reads it came in.
        orders: An order ends the program.
        grace: Seconds that it is then given.
        longest: Bytes that are taken of one line.

    Returns:
        Its exit code; negative: the signal that ended it.

    Raises:
        Interrupted: It was ended by an order.
        OSError: It could not be started.
    """
    with tempfile.TemporaryFile() as given:
        given.write(text.encode(errors="replace"))
        given.seek(0)
        process = subprocess.Popen(  # noqa: S603  running what the operator chose is the task
            command,
            cwd=cwd,
            env=environment,
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        )
    readers = [
        threading.Thread(target=_read, args=(pipe, kind, sink, masker, longest), daemon=True)
        for pipe, kind in ((process.stdout, "info"), (process.stderr, "warning"))
    ]
    for reader in readers:
        reader.start()
    try:
        return _supervise(process, orders, grace)
    finally:
        for reader in readers:
            reader.join(LAST_WORDS)


def capture(
    command: Sequence[str],
    cwd: Path,
    environment: Mapping[str, str],
    given: bytes,
    orders: Orders,
) -> tuple[int, bytes, str]:
    """Run a tool to its end: exit code, standard output, standard error.

    Raises:
        Interrupted: It was ended by an order.
        OSError: It could not be started.
    """
    with (
        tempfile.TemporaryFile() as stdin,
        tempfile.TemporaryFile() as stdout,
        tempfile.TemporaryFile() as stderr,
    ):
        stdin.write(given)
        stdin.seek(0)
        process = subprocess.Popen(  # noqa: S603  git, with arguments that were checked
            command,
            cwd=cwd,
            env=environment,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            process_group=0,
        )
        code = _supervise(process, orders, GRACE)
        stdout.seek(0)
        stderr.seek(0)
        return code, stdout.read(), stderr.read().decode(errors="replace").strip()


def _supervise(process: subprocess.Popen[bytes], orders: Orders, grace: float) -> int:
    """Wait for a program; end its whole process group with it, or on an order."""
    try:
        while True:
            try:
                return process.wait(POLL)
            except subprocess.TimeoutExpired:
                orders.check()
    except Interrupted:
        _signal(process, signal.SIGTERM)
        until = time.monotonic() + grace
        while _group_lives(process) and time.monotonic() < until:
            time.sleep(POLL)
        raise
    finally:
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _group_lives(process: subprocess.Popen[bytes]) -> bool:
    """Whether any of the group runs; its orphans are ours to wait for where we are process 1."""
    if process.poll() is None:
        return True
    with suppress(ChildProcessError):
        os.waitpid(-process.pid, os.WNOHANG)
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def _read(
    pipe: IO[bytes], kind: str, sink: Callable[[str, str], None], masker: Masker, longest: int
) -> None:
    with pipe:
        while line := pipe.readline(longest):
            text = line.decode(errors="replace").rstrip("\r\n")
            if line.endswith(b"\n") or len(line) < longest:
                sink(kind, masker.mask(text))
                continue
            sink(kind, masker.mask_beginning(text))
            while (rest := pipe.readline(longest)) and not rest.endswith(b"\n"):
                pass
