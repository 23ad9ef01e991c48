"""Reactions and comments: what people see on the issue."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.effects.hands import Hands, Later, give_way, repo_of
from bot.github.comments import marked, say_once
from bot.github.pace import Priority
from bot.github.values import OnComment, OnIssue
from handlers import events, replies
from handlers.effects import Comment, EditStatus, React, RequestReview
from handlers.on_backup import UNTOLD
from handlers.task import Status, Task
from handlers.values import Where
from storage.outbox import Owed


class Voice:
    """Says things on GitHub, each once; edits of one comment at least five seconds apart."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._edited: dict[str, datetime] = {}

    async def react(self, effect: React) -> None:
        """Put the eyes under a comment or an issue, if the pace allows."""
        if self._hands.github.pace.nearly_empty(effect.where.installation_id):
            return
        comment = effect.comment_id
        target = OnIssue(effect.where.issue) if comment is None else OnComment(comment)
        await self._hands.github.react(repo_of(effect.where), target, "eyes")

    async def comment(self, owed: Owed, effect: Comment) -> None:
        """Write a comment."""
        final = effect.final or owed.urgent
        priority = Priority.FINAL if final else Priority.ACKNOWLEDGEMENT
        await self._say(owed, effect.where, effect.body, priority)

    async def request_review(self, effect: RequestReview) -> None:
        """Ask somebody to look at a pull request."""
        give_way(self._hands, effect.where, Priority.LAUNCH)
        repo = repo_of(effect.where)
        await self._hands.github.request_review(repo, effect.pull_number, effect.login)

    async def edit_status(self, owed: Owed, effect: EditStatus) -> events.StatusCommented | None:
        """Bring the status comment up to date; the event is of its first writing."""
        hands = self._hands
        task = await hands.store.task(effect.task_id)
        if task is None or task.state.state == UNTOLD:
            self._edited.pop(effect.task_id, None)
            return None
        try:
            return await self._bring_up_to_date(owed, task)
        finally:
            if task.ended:  # nothing follows, or at the time that this was put off to
                self._edited.pop(task.id, None)

    async def _bring_up_to_date(self, owed: Owed, task: Task) -> events.StatusCommented | None:
        hands = self._hands
        now = hands.clock()
        place = await hands.store.place_in_queue(task.id) if task.status is Status.QUEUED else 0
        body = replies.status_comment(task, hands.rules, now, place)
        if task.status_comment is not None:
            await self._edit(owed, task, task.status_comment, body)
            return None
        late = task.ended or hands.github.pace.nearly_empty(task.where.installation_id)
        if owed.tries == 1 and late:
            return None  # only then: an earlier try may have written it, and it must be found
        comment = await self._say(owed, task.where, body, Priority.ACKNOWLEDGEMENT)
        self._edited[task.id] = now
        return events.StatusCommented(task.id, comment)

    async def _edit(self, owed: Owed, task: Task, comment: int, body: str) -> None:
        hands = self._hands
        now = hands.clock()
        interval = hands.github.pace.edit_interval(task.where.installation_id)
        if (last := self._edited.get(task.id)) is not None:
            wait = last + timedelta(seconds=interval) - now
            if wait > timedelta(0):
                raise Later(wait.total_seconds())
        text = marked(body, owed.effect.key, hands.vault.sign)
        await hands.github.edit_comment(repo_of(task.where), comment, text)
        self._edited[task.id] = now

    async def _say(self, owed: Owed, where: Where, body: str, priority: Priority) -> int:
        hands = self._hands
        give_way(hands, where, priority)
        said = await say_once(
            hands.github,
            repo_of(where),
            where.issue,
            owed.effect.key,
            body,
            sign=hands.vault.sign,
            look_first=owed.tries > 1,
            since=owed.created_at,
            app_id=hands.identity.app_id,
            bot_id=hands.identity.bot_id,
            priority=priority,
            settle=hands.settle,
            signed_before=hands.vault.signed_before,
        )
        return said.id
