"""Who runs this Bellhop: the people of BELLHOP_ADMINS, kept by their numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

import structlog
from pydantic import TypeAdapter

from bot.github.client import GitHub
from bot.github.errors import GitHubError
from handlers.values import Person
from storage import Store

_log = structlog.stdlib.get_logger(__name__)

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

    async def includes(self, person: Person) -> bool:
        """Whether somebody is an operator; nobody is by a login that GitHub does not confirm."""
        if not self.named:
            return False
        pinned = await self._known()
        for name in self.named:
            if name.isdecimal():
                number: int | None = int(name)
            else:
                number = pinned.get(name.lower())
                if number is None and name.lower() == person.login.lower():
                    number = await self._pin(name.lower())
            if number == person.id:
                return True
        return False

    async def _known(self) -> dict[str, int]:
        if self._pinned is None:
            text = await self.store.recall(_KEY)
            self._pinned = _PINNED.validate_json(text or "{}")
        return self._pinned

    async def _pin(self, login: str) -> int | None:
        try:
            person = await self.github.person(login)
        except GitHubError as error:
            _log.warning("an operator is not known yet", login=login, problem=str(error))
            return None
        if person is None:
            return None
        pinned = await self._known()
        pinned[login] = person.id
        await self.store.remember(_KEY, _PINNED.dump_json(pinned).decode())
        return person.id
