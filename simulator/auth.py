"""Who is asking: nobody, the App with its JWT, an installation or a person with a token."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, cast

import jwt

from simulator.keys import public_key
from simulator.model import Token
from simulator.people import People

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from simulator.model import Installation, Repository
    from simulator.people import UserToken
    from simulator.shapes import Site

LIFETIME = timedelta(hours=1)
LONGEST_JWT = 600
# How far ahead of GitHub's clock an `iat` may be before it is refused.
CLOCK_DRIFT = 60


@dataclass(frozen=True, slots=True)
class Actor:
    """Who sends a request; `token` is an installation's, `person` a person's own.

    `client` is the App once more, by its client id and secret.
    """

    kind: Literal["anonymous", "app", "client", "installation", "person"]
    token: Token | None = None
    person: UserToken | None = None

    def __str__(self) -> str:
        if self.person:
            return f"person:{self.person.user.login}"
        return f"installation:{self.token.installation.id}" if self.token else self.kind


ANONYMOUS = Actor("anonymous")


class BadCredentialsError(Exception):
    """The credentials are not good; the text is GitHub's."""


class Tokens:
    """The tokens that were given out: those of installations, and with `people` those of people."""

    def __init__(self, site: Site, now: Callable[[], datetime]) -> None:
        self._site = site
        self._now = now
        self._tokens: dict[str, Token] = {}
        self.people = People(now)

    def mint(
        self,
        installation: Installation,
        repositories: tuple[Repository, ...] | None,
        permissions: dict[str, str],
    ) -> Token:
        """Make a token for an hour, in the long format of 2026."""
        expires_at = self._now() + LIFETIME
        made = Token(
            value=self._value(installation, expires_at),
            installation=installation,
            repositories=repositories,
            permissions=permissions,
            expires_at=expires_at,
        )
        self._tokens[made.value] = made
        return made

    def _value(self, installation: Installation, expires_at: datetime) -> str:
        """Make a text of about 520 characters that looks like GitHub's and says nothing."""
        head = _encode({"alg": "RS256", "typ": "JWT"})
        claims = _encode(
            {
                "iss": self._site.app.client_id,
                "sub": installation.id,
                "exp": int(expires_at.timestamp()),
                "jti": secrets.token_hex(8),
            }
        )
        return f"ghs_{self._site.app.app_id}_{head}.{claims}.{secrets.token_urlsafe(256)}"

    def all(self) -> list[Token]:
        """Return every token made so far, oldest first."""
        return list(self._tokens.values())

    def expire(self, value: str) -> None:
        """Let a token's hour be over."""
        self._tokens[value].expires_at = self._now()

    def check(self, value: str) -> Token:
        """Return a living token.

        Raises:
            BadCredentialsError: unknown, expired or revoked, or its installation is gone.
        """
        token = self._tokens.get(value)
        if token is None or token.revoked or token.installation.deleted:
            raise BadCredentialsError("Bad credentials")
        if token.expires_at <= self._now():
            raise BadCredentialsError("Bad credentials")
        return token

    def identify(self, header: str | None) -> Actor:
        """Turn an `Authorization` header, of REST or of git, into an actor.

        Raises:
            BadCredentialsError: there is a header, and it is not good.
        """
        if not header:
            return ANONYMOUS
        scheme, _, rest = header.partition(" ")
        name, value = _basic(rest) if scheme.lower() == "basic" else ("", rest.strip())
        if scheme.lower() not in ("basic", "bearer", "token"):
            raise BadCredentialsError("Bad credentials")
        if scheme.lower() == "bearer" and value.startswith("ey"):
            self._check_jwt(value)
            return Actor("app")
        if name == self._site.app.client_id:
            return self._client(value)
        if value.startswith("ghu_"):
            return self._person(value)
        return Actor("installation", self.check(value))

    def _client(self, secret: str) -> Actor:
        if not hmac.compare_digest(secret.encode(), self._site.app.client_secret.encode()):
            raise BadCredentialsError("Bad credentials")
        return Actor("client")

    def _person(self, value: str) -> Actor:
        found = self.people.find(value)
        if found is None:
            raise BadCredentialsError("Bad credentials")
        return Actor("person", person=found)

    def _check_jwt(self, value: str) -> None:
        """Check an App's JWT by the clock of this place rather than the machine's."""
        claims = _claims(value, public_key(self._site.app.private_key_pem))
        now = int(self._now().timestamp())
        issuer, expires, issued = claims.get("iss"), claims.get("exp"), claims.get("iat")
        if issuer not in (self._site.app.client_id, str(self._site.app.app_id)):
            raise BadCredentialsError("Integration not found")
        if not isinstance(expires, int) or expires <= now:
            raise BadCredentialsError(
                "'Expiration time' claim ('exp') must be a numeric value representing the future"
                " time at which the assertion expires"
            )
        if expires > now + LONGEST_JWT:
            raise BadCredentialsError("'Expiration time' claim ('exp') is too far in the future")
        if not isinstance(issued, int) or issued > now + CLOCK_DRIFT:
            raise BadCredentialsError(
                "'Issued at' claim ('iat') must be an Integer representing the time that the"
                " assertion was issued"
            )


def _claims(value: str, key: str) -> dict[str, Any]:
    """Return what a JWT says, its signature checked and nothing else."""
    try:
        claims: Any = json.loads(jwt.PyJWS().decode(value, key, algorithms=["RS256"]))
    except (jwt.InvalidTokenError, ValueError):
        raise BadCredentialsError("A JSON web token could not be decoded") from None
    if not isinstance(claims, dict):
        raise BadCredentialsError("A JSON web token could not be decoded")
    return cast("dict[str, Any]", claims)


def _encode(claims: dict[str, str | int]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


def _basic(encoded: str) -> tuple[str, str]:
    """Return the name and the password of Basic credentials."""
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise BadCredentialsError("Bad credentials") from None
    name, _, password = decoded.partition(":")
    return name, password
