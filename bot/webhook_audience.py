"""Whether the owner of a message may still be told of its task: asked before each send."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bot.http.problems import Problem
from bot.roles import Roles
from handlers.access import sees_those_of
from handlers.values import Person
from storage.outbound_about import About
from storage.people import People

PATIENCE = 5.0
"""Seconds that GitHub has to say so."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Asks as everybody does who asks for a role, so that GitHub is asked once in five minutes."""

    roles: Roles
    people: People

    async def may_know(self, about: About | None) -> bool | None:
        """Whether they may; None where nobody says.

        Of a task that was removed before its message was kept nothing is known but the message
        itself, which is its owner's.
        """
        if about is None:
            return True
        owner = await self._as_known_now(about.owner)
        try:
            async with asyncio.timeout(PATIENCE):
                role = await self.roles.role(about.place, owner)
        except (Problem, TimeoutError):
            return None
        return sees_those_of(owner.id, owner, role)

    async def _as_known_now(self, owner: Person) -> Person:
        """A person by the login that they came with last: it may have changed since."""
        login = await self.people.login_of(owner.id)
        return owner if login is None else Person(owner.id, login)
