"""`/api/config…`: defaults, keys of providers and Fly, of a person or of an installation."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import hdrs, web

from bot.http.access import Doorman
from bot.http.answers import json_answer
from bot.http.bodies import read_body
from bot.http.caller import Caller
from bot.http.config_bodies import (
    CheckedBody,
    ConfigBody,
    Credentials,
    CredentialsShown,
    FlyBody,
    OneSecret,
    ProviderList,
    ProviderShown,
    SecretToCheck,
)
from bot.http.routes import add_route
from bot.http.task_queries import wrong_parameter
from bot.preferences import Preferences, Scope, scope_of
from bot.providers import PROVIDERS


@dataclass(frozen=True, slots=True)
class ConfigRoutes:
    """What the routes need."""

    doorman: Doorman
    desk: Preferences

    def register(self, app: web.Application) -> None:
        """Serve the routes."""
        add_route(app, "GET", "/config", self._read)
        add_route(app, "PUT", "/config", self._write)
        add_route(app, "PUT", "/config/credentials", self._write_all)
        add_route(app, "GET", "/config/provider-credentials", self._read_one)
        add_route(app, "PUT", "/config/provider-credentials", self._write_one)
        add_route(app, "PUT", "/config/fly", self._write_fly)
        add_route(app, "GET", "/config/providers", self._providers)
        add_route(app, "POST", "/config/validate/{provider}", self._validate)

    async def _read(self, request: web.Request) -> web.Response:
        _, scope = await self._scope(request)
        return await self._overview(scope)

    async def _write(self, request: web.Request) -> web.Response:
        _, scope = await self._scope(request)
        body = await read_body(request, ConfigBody)
        await self.desk.write(scope, body, _seen(request))
        return await self._overview(scope)

    async def _overview(self, scope: Scope) -> web.Response:
        """Everything, with the tag of the defaults: what is sent back with it replaces no others.

        Of the rest each part is replaced by itself, so it has no say in it.
        """
        found = await self.desk.overview(scope)
        tag = found.defaults.value().tag
        return json_answer(found, headers={"ETag": f'"{tag}"'})

    async def _write_all(self, request: web.Request) -> web.Response:
        _, scope = await self._scope(request)
        body = await read_body(request, Credentials)
        await self.desk.set_credentials(scope, body.given)
        return json_answer(CredentialsShown(credentials=await self.desk.credentials(scope)))

    async def _read_one(self, request: web.Request) -> web.Response:
        _, scope = await self._scope(request)
        name = request.query.get("provider", "")
        if name not in PROVIDERS:
            raise wrong_parameter("provider", f"Name one of {', '.join(PROVIDERS)}.")
        return json_answer((await self.desk.credentials(scope))[name])

    async def _write_one(self, request: web.Request) -> web.Response:
        _, scope = await self._scope(request)
        body = await read_body(request, OneSecret)
        await self.desk.set_credentials(scope, {body.provider: body.secret})
        return json_answer((await self.desk.credentials(scope))[body.provider])

    async def _write_fly(self, request: web.Request) -> web.Response:
        _, scope = await self._scope(request)
        await self.desk.set_fly(scope, await read_body(request, FlyBody))
        return json_answer(await self.desk.fly(scope))

    async def _providers(self, request: web.Request) -> web.Response:
        await self.doorman.caller(request, "session")
        return json_answer(provider_list())

    async def _validate(self, request: web.Request) -> web.Response:
        caller, scope = await self._scope(request)
        body = await self._to_check(request)
        # Each asks somebody else's server: nobody tries keys in bulk through this one.
        await self.doorman.count_creation(request, caller)
        name = request.match_info["provider"]
        found = await self.desk.validate(name, body.secret, scope, body.app)
        return json_answer(CheckedBody(result=found.result, detail=found.detail))

    async def _to_check(self, request: web.Request) -> SecretToCheck:
        """The body; without any it is about what is stored."""
        if not request.body_exists:
            return SecretToCheck()
        return await read_body(request, SecretToCheck)

    async def _scope(self, request: web.Request) -> tuple[Caller, Scope]:
        """Who asks, and about what of theirs."""
        caller = await self.doorman.caller(request, "session")
        scope = scope_of(request.query.get("scope"), caller.person)
        await self.desk.may(caller, scope)
        return caller, scope


def _seen(request: web.Request) -> tuple[str, ...]:
    """The tags of what may be replaced, as `If-Match` tells; none: whatever is set."""
    if hdrs.IF_MATCH not in request.headers:
        return ()
    tags = tuple(one.value for one in request.if_match or ())
    return () if "*" in tags else tags or ("",)  # what cannot be read is the tag of nothing


def provider_list() -> ProviderList:
    """All providers as they are told."""
    return ProviderList(
        providers=[
            ProviderShown(
                name=one.name,
                title=one.title,
                variables=list(one.variables),
                models=list(one.models),
                keys_url=one.keys_url,
            )
            for one in PROVIDERS.values()
        ]
    )
