"""The desk of defaults and credentials: for the routes below `/api/config`, and for the pages.

Every method but `may` trusts its caller: ask `may` first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

import structlog
from pydantic import SecretStr

from bot.github.as_user import AsUser
from bot.github.standing import Standing
from bot.http.answers import wrong_field
from bot.http.as_user_lookups import looking_up_as_user
from bot.http.caller import Caller
from bot.http.config_bodies import (
    ConfigBody,
    ConfigShown,
    Configured,
    FlyBody,
    FlyShown,
    Offered,
)
from bot.http.problems import Problem
from bot.providers import PROVIDERS, Provider
from bot.secret_text import LONGEST_FLY_TOKEN, LONGEST_KEY, clean
from bot.validation import Checked, Validator, fly
from bot.vault import Vault, WrongKey
from handlers.decision import Rules
from handlers.preferences import not_offered
from handlers.values import Person
from storage.preference_scopes import Scopes
from storage.preferences import FlyPlace, installation_scope, user_scope
from storage.provider_secrets import KeptSecret, NewSecret

_log = structlog.stdlib.get_logger(__name__)

FLY = "fly"
"""By which Fly's token is kept among the keys of providers; no agent gets it."""

CHANGED = (
    "Somebody has changed these defaults since you looked, so yours are not saved. "
    "Look at what is set now, then save what you want of both."
)

_INSTALLATION = re.compile(r"installation:([1-9][0-9]{0,18})", re.ASCII)
_APP = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)


@dataclass(frozen=True, slots=True)
class UserScope:
    """What somebody says for themselves, wherever they ask for work."""

    person: Person

    def __str__(self) -> str:
        return "user"

    @property
    def key(self) -> str:
        """By which it is kept."""
        return user_scope(self.person.id)


@dataclass(frozen=True, slots=True)
class InstallationScope:
    """What an account's owner or an organisation's admin says for all its repositories."""

    id: int

    def __str__(self) -> str:
        return f"installation:{self.id}"

    @property
    def key(self) -> str:
        """By which it is kept."""
        return installation_scope(self.id)


Scope = UserScope | InstallationScope


def scope_of(text: str | None, person: Person) -> Scope:
    """Read `user` (also: nothing) or `installation:ID`.

    Raises:
        Problem: 400, it is neither.
    """
    if text is None or text == "user":
        return UserScope(person)
    if found := _INSTALLATION.fullmatch(text):
        return InstallationScope(int(found[1]))
    raise Problem(
        400, "The scope is neither `user` nor `installation:` and a number.", code="bad_scope"
    )


@dataclass(frozen=True, slots=True)
class Preferences:
    """Reads, changes and checks what is set for a scope."""

    scopes: Scopes
    vault: Vault
    as_user: AsUser
    validator: Validator
    rules: Callable[[], Rules]
    clock: Callable[[], datetime]

    async def may(self, caller: Caller, scope: Scope) -> str | None:
        """Let those pass who may see and change a scope.

        Returns:
            The login of the account that an installation is on; None for a person's own scope.

        Raises:
            Problem: 404 it is not theirs, or not there; 403 where GitHub does not say who an
                organisation's admins are; 401 (`sign_in_again`) where their GitHub token has
                ended; 503 where GitHub cannot be asked.
        """
        if isinstance(scope, UserScope):
            if scope.person.id != caller.person.id:
                raise _not_yours()
            return None
        with looking_up_as_user():
            standing, account = await self.as_user.position(caller.person, scope.id)
        if standing is Standing.UNTOLD:
            raise Problem(
                403,
                "GitHub does not tell Bellhop who administers this organisation. One of its owners "
                "grants the App the organisation permission Members: read.",
                code="members_unknown",
            )
        if standing is not Standing.ADMIN:
            raise _not_yours()
        return account

    async def overview(self, scope: Scope) -> ConfigShown:
        """Everything that is set: defaults, what is offered, what is known of secrets, Fly."""
        said = await self.scopes.defaults(scope.key)
        return ConfigShown(
            scope=str(scope),
            defaults=ConfigBody.of(said.defaults),
            updated_at=said.updated_at,
            offered=_offered(self.rules()),
            credentials=await self.credentials(scope),
            fly=await self.fly(scope),
        )

    async def read(self, scope: Scope) -> ConfigBody:
        """The defaults alone."""
        return ConfigBody.of((await self.scopes.defaults(scope.key)).defaults)

    async def write(self, scope: Scope, body: ConfigBody, seen: Collection[str] = ()) -> None:
        """Replace the defaults; with `seen`, only those that have one of these tags.

        Raises:
            Problem: 412, somebody else has changed them since; 422 with `errors`, something is not
                in the operator's lists.
        """
        defaults = body.value()
        wrong = not_offered(defaults, self.rules())
        if wrong:
            errors = [{"field": name, "message": message} for name, message in wrong.items()]
            raise Problem(422, "The operator does not offer that.", errors=errors)
        if not await self.scopes.keep_defaults(scope.key, defaults, self.clock(), seen):
            raise Problem(412, CHANGED, code="changed")

    async def credentials(self, scope: Scope) -> dict[str, Configured]:
        """What may be told of the keys, by provider: all providers, in their order."""
        kept = await self.scopes.secrets(scope.key)
        return {name: _told(kept.get(name)) for name in PROVIDERS}

    async def set_credentials(self, scope: Scope, secrets: Mapping[str, SecretStr | None]) -> None:
        """Store keys by provider, all or none; None removes one.

        Raises:
            Problem: 404 no such provider, 422 with `errors` for what cannot be a key.
        """
        for name in secrets:
            _provider(name)
        sealed = {name: self._sealed(name, secret, LONGEST_KEY) for name, secret in secrets.items()}
        await self.scopes.keep_secrets(scope.key, sealed, self.clock())
        _log.info("keys changed", scope=scope.key, providers=sorted(secrets))

    async def fly(self, scope: Scope) -> FlyShown:
        """Where workers on Fly run, and what may be told of the token."""
        place = await self.scopes.fly(scope.key)
        token = (await self.scopes.secrets(scope.key)).get(FLY)
        return FlyShown(**asdict(place), token=_told(token))

    async def set_fly(self, scope: Scope, body: FlyBody) -> None:
        """Replace the Fly settings; the token only if the body names it.

        Raises:
            Problem: 422 with `errors`, the token cannot be one.
        """
        place = FlyPlace(body.app, body.region, body.size)
        named = "token" in body.model_fields_set
        token = {FLY: self._sealed("token", body.token, LONGEST_FLY_TOKEN)} if named else {}
        await self.scopes.keep_fly(scope.key, place, token, self.clock())
        _log.info("Fly changed", scope=scope.key, token=named)

    async def drop_fly_token(self, scope: Scope) -> None:
        """Remove the token alone: the place may be changed by somebody else at this moment."""
        await self.scopes.keep_secrets(scope.key, {FLY: None}, self.clock())
        _log.info("Fly changed", scope=scope.key, token=True)

    async def validate(
        self, provider: str, secret: SecretStr | None, scope: Scope, app: str | None = None
    ) -> Checked:
        """Ask a provider, or `fly`, about a given secret or the stored one.

        A stored one that is taken is marked as such. Nothing given is stored.

        Raises:
            Problem: 404 no such provider, 409 none is stored or it cannot be read, 422 none that
                could be one, or no app that Fly could be asked about.
        """
        whom = await self._fly_app(scope, app) if provider == FLY else _provider(provider)
        if secret is not None:
            longest = LONGEST_FLY_TOKEN if provider == FLY else LONGEST_KEY
            return await self.validator.check(whom, SecretStr(_clean("secret", secret, longest)))
        kept = (await self.scopes.secrets(scope.key)).get(provider)
        if kept is None:
            raise Problem(409, f"No key of {whom.title} is stored: give one.", code="no_secret")
        found = await self.validator.check(whom, self._opened(kept))
        if found.result != "unknown":
            at = self.clock() if found.result == "valid" else None
            await self.scopes.mark(scope.key, provider, kept.secret, at)
        return found

    async def _fly_app(self, scope: Scope, app: str | None) -> Provider:
        name = app or (await self.scopes.fly(scope.key)).app
        if name is None or _APP.fullmatch(name) is None:
            raise wrong_field("app", "Name the Fly app that the token is for, in small letters.")
        return fly(name)

    def _sealed(self, name: str, secret: SecretStr | None, longest: int) -> NewSecret | None:
        if secret is None:
            return None
        text = _clean(name, secret, longest)
        return NewSecret(self.vault.seal(text), text[-4:])

    def _opened(self, kept: KeptSecret) -> SecretStr:
        try:
            return SecretStr(self.vault.unseal(kept.secret))
        except WrongKey:
            raise Problem(
                409, "The stored one cannot be read any more: give it again.", code="unreadable"
            ) from None


def _clean(name: str, secret: SecretStr, longest: int) -> str:
    try:
        return clean(secret.get_secret_value(), longest)
    except ValueError as error:
        raise wrong_field(name, str(error)) from None


def _provider(name: str) -> Provider:
    provider = PROVIDERS.get(name)
    if provider is None:
        known = ", ".join(PROVIDERS)
        raise Problem(404, f"There is no such provider. There are: {known}.", code="not_found")
    return provider


def _told(secret: KeptSecret | None) -> Configured:
    if secret is None:
        return Configured(configured=False)
    return Configured(
        configured=True,
        last4=secret.last4,
        updated_at=secret.updated_at,
        validated_at=secret.validated_at,
    )


def _offered(rules: Rules) -> Offered:
    return Offered(
        agents=list(rules.agents),
        runners=list(rules.runners),
        images=list(rules.images),
        time_limit=rules.time_limit,
        max_cost=rules.max_cost,
        concurrency=rules.max_running_per_repository,
    )


def _not_yours() -> Problem:
    return Problem(
        404, "There is no installation of this number, or it is not yours.", code="not_found"
    )
