"""Reviews that ask for something without a command: from a stored delivery to a decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog

from bot.facts import Facts
from handlers.deliveries import ReviewSubmitted
from handlers.events import ReviewGiven
from handlers.values import Origin, Person, Where
from storage import Store
from storage.candidates import Candidate

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reviews:
    """Takes reviews to the decisions about them."""

    store: Store
    facts: Facts

    async def take(
        self,
        candidate: Candidate,
        review: ReviewSubmitted,
        where: Where,
        received_at: datetime,
        now: datetime,
    ) -> None:
        """Decide about a review; `received_at` is when Bellhop heard of it.

        Raises:
            GitHubError: GitHub did not say what must be known.
            StorageFailed: nothing could be stored.
        """
        task_id = candidate.task_id
        task = await self.store.task_of_pull(where.repository_id, review.subject.number)
        if task is None:
            _log.info("not listened to", why="a review of a pull request that no task opened")
            await self.store.ignore([task_id], "ignored", now)
            return
        found, text = await self.facts.about_review(review, task)
        origin = Origin(review.kind, review.source_id, candidate.position, review.url)
        sender = Person(review.sender.id, review.sender.login)
        age = received_at - review.written_at
        event = ReviewGiven(task_id, where, sender, origin, text, found, age)
        await self.store.apply(event, now)
