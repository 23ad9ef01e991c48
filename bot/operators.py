"""Who runs this Bellhop: the people of BELLHOP_ADMINS, kept by their numbers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import structlog
from pydantic import TypeAdapter

from bot.github.client import GitHub
from bot.github.errors import GitHubError
from handlers.values import Person
from storage import Store

_log = structlog.stdlib.get_logger(__name__)

ASKED_EVERY = 60.0
"""Seconds until GitHub is asked again about a login that it did not know or tell."""

_KEY = "operators"
_PINNED = TypeAdapter(dict[str, int])


@dataclass(slots=True)
class Operators:
    """Logins are looked up once and pinned: who takes over a login later is no operator."""

    store: Store
    github: GitHub
    named: tuple[str, ...]
    """Logins, or numeric ids."""
    _pinned: dict[str, int] | None = field(default=None, init=False)
    _asked: dict[str, float] = field(default_factory=dict[str, float], init=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def includes(self, person: Person) -> bool:
        """Whether somebody is an operator; nobody is by a login that GitHub does not confirm."""
        for name in self.named:
            if name.isdecimal():
                if int(name) == person.id:
                    return True
            elif await self._number(name.lower(), person.login) == person.id:
                return True
        return False

    async def pin(self) -> None:
        """Look up every login now, before it can change hands."""
        for name in self.named:
            if not name.isdecimal():
                await self._number(name.lower(), name)

    async def _number(self, name: str, login: str) -> int | None:
        """The id of a name; GitHub is asked only if `login` says that it matters."""
        number = (await self._known()).get(name)
        if number is not None or name != login.lower():
            return number
        async with self._turn:
            return (await self._known()).get(name) or await self._ask(name)

    async def _known(self) -> dict[str, int]:
        if self._pinned is None:
            text = await self.store.recall(_KEY)
            self._pinned = self._pinned or _PINNED.validate_json(text or "{}")
        return self._pinned

    async def _ask(self, name: str) -> int | None:
        now = self.github.clock.monotonic()
        if now - self._asked.get(name, -ASKED_EVERY) < ASKED_EVERY:
            return None
        self._asked[name] = now
        try:
            person = await self.github.person(name)
        except GitHubError as error:
            _log.warning("an operator is not known yet", login=name, problem=str(error))
            return None
        if person is None:
            _log.warning("an operator is not known yet", login=name, problem="nobody is called so")
            return None
        await self._keep(name, person.id)
        return person.id

    async def _keep(self, name: str, number: int) -> None:
        pinned = {**await self._known(), name: number}
        await self.store.remember(_KEY, _PINNED.dump_json(pinned).decode())
        self._pinned = pinned
