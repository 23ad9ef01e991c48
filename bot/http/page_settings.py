"""`/settings`: what somebody can set, and how it stands."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from bot.http import pages
from bot.http.access import Doorman
from bot.http.caller import Caller
from bot.http.once import Once
from bot.http.page_checks import Checks
from bot.http.page_defaults import DefaultsPages
from bot.http.page_fly import FlyPages
from bot.http.page_keys import KeyPages
from bot.http.page_providers import ProviderPages
from bot.http.page_sessions import SessionPages
from bot.http.page_webhook_secrets import WebhookSecretPages
from bot.key_desk import KeyDesk
from bot.preferences import Preferences, UserScope
from storage.people import People

PATH = "/settings"


@dataclass(frozen=True, slots=True)
class SettingsPages:
    """What the pages need."""

    doorman: Doorman
    people: People
    keys: KeyDesk
    preferences: Preferences

    def register(self, app: web.Application) -> None:
        """Serve the pages."""
        pages.add(app, "GET", PATH, self._overview)
        people, forms, once = self.people, self.doorman.forms, Once()
        KeyPages(people, self.keys, forms, once).register(app)
        WebhookSecretPages(people, self.keys, forms, once).register(app)
        SessionPages(people, forms, self.doorman.clock).register(app)
        checks = Checks(once)
        DefaultsPages(self.preferences, forms).register(app)
        ProviderPages(self.preferences, self.doorman, checks).register(app)
        FlyPages(self.preferences, self.doorman, checks).register(app)

    async def _overview(self, request: web.Request, caller: Caller) -> web.Response:
        person = caller.person
        kept = await self.preferences.overview(UserScope(person))
        values = {
            "providers": sum(one.configured for one in kept.credentials.values()),
            "defaults_at": kept.updated_at,
            "fly": kept.fly.app,
            "keys": len(await self.people.keys_of(person.id)),
            "secrets": len(await self.people.webhook_secrets_of(person.id)),
            "sessions": len(await self.people.sessions_of(person.id, self.doorman.clock())),
        }
        return pages.show(request, "settings.html", values)
