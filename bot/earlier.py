"""What was asked, said and done in a task's earlier attempts: rows of the database -> values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handlers.context import Earlier
from storage.reads import Brief
from storage.timeline import Happened


def earlier_attempts(brief: Brief, talk: Sequence[Happened]) -> tuple[Earlier, ...]:
    """The attempts before the current one, oldest first.

    A message stands with the attempt that dealt with it, otherwise with the one that it was sent
    to. It stands nowhere where it is a prompt, or still waits to be told to the worker: nothing
    is asked for twice. Left out is an attempt of which there is nothing to say: its worker was
    lost, and the next one was given the same prompt.
    """
    words = _words(brief, talk)
    told: list[Earlier] = []
    for one, following in zip(brief.attempts, brief.attempts[1:], strict=False):
        messages = tuple(words.get(one.attempt, ()))
        silent = one.summary is None and not messages and one.prompt == following.prompt
        if not silent:
            told.append(Earlier(one.attempt, one.prompt, messages, one.summary))
    return tuple(told)


def _words(brief: Brief, talk: Sequence[Happened]) -> dict[int, list[str]]:
    """The messages of each attempt, without those that are told otherwise."""
    waiting = {one.id for one in brief.task.pending}
    prompts = {number for one in talk for number in _ids(one, "answers")}
    dealt_with = {number: one.attempt for one in talk for number in _ids(one, "acknowledged")}
    words: dict[int, list[str]] = {}
    for one in talk:
        number = one.data.get("id")
        if one.type == "message" and number not in waiting | prompts:
            words.setdefault(dealt_with.get(str(number), one.attempt), []).append(one.message)
    return words


def _ids(one: Happened, name: str) -> Iterator[str]:
    yield from one.data.get(name, ())
