"""Which way a line of the log belongs to: each carries the request, delivery and task it is about.

They are bound where they become known, as structlog's context variables: whatever is logged from
there on, by whomever, carries them.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from structlog.contextvars import bind_contextvars, bound_contextvars, clear_contextvars

_ID = 36
"""Characters of a task's id."""


def begin_request(request_id: str, task_id: str | None) -> None:
    """A request begins; the one before it on the same connection is forgotten.

    Args:
        request_id: The number of its answer.
        task_id: What its address names as a task, if it names one.
    """
    clear_contextvars()
    if task_id is not None and len(task_id) == _ID:
        bind_contextvars(request_id=request_id, task=task_id)
    else:
        bind_contextvars(request_id=request_id)


def of_delivery(delivery_id: str, request_id: str | None = None) -> None:
    """From here on it is about a delivery, to the end of this request or asyncio task.

    Args:
        delivery_id: GitHub's id of it.
        request_id: The number of the request's answer, where `begin_request` was not called.
    """
    if request_id is None:
        bind_contextvars(delivery=delivery_id)
    else:
        bind_contextvars(delivery=delivery_id, request_id=request_id)


def of_task(task_id: str) -> None:
    """From here on it is about a task, to the end of this request or asyncio task."""
    bind_contextvars(task=task_id)


@contextmanager
def about_task(task_id: str) -> Generator[None]:
    """What happens inside is about a task."""
    with bound_contextvars(task=task_id):
        yield


def of_worker(task_id: str) -> None:
    """From here on it is about a task's worker, and not about what started it."""
    clear_contextvars()
    bind_contextvars(task=task_id)


@contextmanager
def about_effect(key: str) -> Generator[None]:
    """What happens inside is about an effect, and the task whose id its key begins with."""
    first = key.partition("/")[0]
    task = {"task": first} if len(first) == _ID else {}
    with bound_contextvars(effect=key, **task):
        yield
