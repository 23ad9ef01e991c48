"""The desk of defaults and credentials: for the routes below `/api/config`, and for the pages.

Every method but `may` trusts its caller: ask `may` first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import SecretStr

from bot.http.access import Caller
from bot.http.config_bodies import ConfigBody, ConfigShown, Configured, FlyBody, FlyShown
from handlers.values import Person


@dataclass(frozen=True, slots=True)
class UserScope:
    """What somebody says for themselves, wherever they ask for work."""

    person: Person

    def __str__(self) -> str:
        return "user"


@dataclass(frozen=True, slots=True)
class InstallationScope:
    """What an account's owner or an organisation's admin says for all its repositories."""

    id: int

    def __str__(self) -> str:
        return f"installation:{self.id}"


Scope = UserScope | InstallationScope


def scope_of(text: str | None, person: Person) -> Scope:
    """Read `user` (also: nothing) or `installation:ID`.

    Raises:
        Problem: 400, it is neither.
    """
    raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Checked:
    """What a provider says of a secret; `detail` is a sentence for a person."""

    result: Literal["valid", "invalid", "unknown"]
    detail: str


class Preferences:
    """Reads, changes and checks what is set for a scope."""

    async def may(self, caller: Caller, scope: Scope) -> None:
        """Let those pass who may see and change a scope.

        Raises:
            Problem: 404 it is not theirs, or not there; 403 where GitHub does not say who an
                organisation's admins are; 401 (`sign_in_again`) where their GitHub token has
                ended; 503 where GitHub cannot be asked.
        """
        raise NotImplementedError

    async def overview(self, scope: Scope) -> ConfigShown:
        """Everything that is set: defaults, what is offered, what is known of secrets, Fly."""
        raise NotImplementedError

    async def read(self, scope: Scope) -> ConfigBody:
        """The defaults alone."""
        raise NotImplementedError

    async def write(self, scope: Scope, body: ConfigBody) -> None:
        """Replace the defaults.

        Raises:
            Problem: 422 with `errors`, something is not in the operator's lists.
        """
        raise NotImplementedError

    async def credentials(self, scope: Scope) -> dict[str, Configured]:
        """What may be told of the keys, by provider: all providers, in their order."""
        raise NotImplementedError

    async def set_credentials(self, scope: Scope, secrets: Mapping[str, SecretStr | None]) -> None:
        """Store keys by provider, all or none; None removes one."""
        raise NotImplementedError

    async def fly(self, scope: Scope) -> FlyShown:
        """Where workers on Fly run, and what may be told of the token."""
        raise NotImplementedError

    async def set_fly(self, scope: Scope, body: FlyBody) -> None:
        """Replace the Fly settings; the token only if the body names it."""
        raise NotImplementedError

    async def validate(
        self, provider: str, secret: SecretStr | None, scope: Scope, app: str | None = None
    ) -> Checked:
        """Ask a provider, or `fly`, about a given secret or the stored one.

        A stored one that is taken is marked as such. Nothing given is stored.

        Raises:
            Problem: 404 no such provider, 409 none is stored, 422 none that could be one.
        """
        raise NotImplementedError
