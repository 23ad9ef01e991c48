"""The end of a task's record."""

from __future__ import annotations

from bot.effects.hands import Hands, Later
from handlers.effects import DeleteTask

LOOK_AGAIN = 1.0
"""Seconds until it is looked again whether all is done."""


async def delete_task(hands: Hands, effect: DeleteTask) -> None:
    """Remove a task, its log lines too, once all else is done that it owes: words, revocations.

    Raises:
        Later: something is still to be done, or it has not ended yet.
    """
    store = hands.store
    if await store.owes_more(effect.task_id):
        raise Later(LOOK_AGAIN)
    if not await store.delete(effect.task_id, hands.clock()) and await store.task(effect.task_id):
        raise Later(LOOK_AGAIN)
