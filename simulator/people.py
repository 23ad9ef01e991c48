"""Sign-in: codes for a browser's way back, and the pairs of tokens that people get for them."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from simulator.model import User

CODE_LIFE = timedelta(minutes=10)
ACCESS_LIFE = timedelta(seconds=28_800)
REFRESH_LIFE = timedelta(seconds=15_811_200)


class OAuthError(Exception):
    """A refusal of GitHub's token endpoint: its word for it, and a sentence."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code


@dataclass(frozen=True, slots=True)
class Code:
    """What a browser brings back; it is for whoever holds the verifier of `challenge`."""

    user: User
    redirect_uri: str
    challenge: str
    expires_at: datetime


@dataclass(slots=True, eq=False)
class UserToken:
    """A pair of tokens of one person; without a refresh token it does not expire."""

    user: User
    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    made_at: datetime
    expires_at: datetime | None
    renewable_until: datetime | None
    dead: bool = False

    def is_good(self, now: datetime) -> bool:
        """Tell whether the access token still opens anything."""
        return not self.dead and (self.expires_at is None or now < self.expires_at)


class People:
    """Who has signed in to the App.

    Attributes:
        expiring: whether tokens end and are renewed, as is usual for an App.
        pairs: every pair ever made, oldest first.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.expiring = True
        self.pairs: list[UserToken] = []
        self._now = now
        self._codes: dict[str, Code] = {}

    def agree(self, user: User, redirect_uri: str, challenge: str = "") -> str:
        """Let a person agree to sign in, and return the code for the way back."""
        code = secrets.token_hex(10)
        self._codes[code] = Code(user, redirect_uri, challenge, self._now() + CODE_LIFE)
        return code

    def exchange(self, code: str, redirect_uri: str | None, verifier: str) -> UserToken:
        """Give a pair for a code, once.

        Raises:
            OAuthError: the code is none any more, or is for somebody else.
        """
        found = self._codes.pop(code, None)
        if found is None or found.expires_at <= self._now():
            raise _bad_code()
        if redirect_uri is not None and redirect_uri != found.redirect_uri:
            raise OAuthError(
                "redirect_uri_mismatch",
                "The redirect_uri MUST match the registered callback URL for this application.",
            )
        if found.challenge and challenge_of(verifier) != found.challenge:
            raise _bad_code()
        return self.give(found.user)

    def renew(self, refresh: str) -> UserToken:
        """Give a new pair for a refresh token; both tokens of the old one are dead from then on.

        Raises:
            OAuthError: it is none any more.
        """
        now = self._now()
        for pair in self.pairs:
            if pair.refresh == refresh and not pair.dead:
                pair.dead = True
                if pair.renewable_until is not None and now < pair.renewable_until:
                    return self.give(pair.user)
        raise OAuthError("bad_refresh_token", "The refresh token passed is incorrect or expired.")

    def give(self, user: User) -> UserToken:
        """Make a pair."""
        now = self._now()
        made = UserToken(
            user=user,
            access=f"ghu_{secrets.token_urlsafe(27)}",
            refresh=f"ghr_{secrets.token_urlsafe(54)}" if self.expiring else None,
            made_at=now,
            expires_at=now + ACCESS_LIFE if self.expiring else None,
            renewable_until=now + REFRESH_LIFE if self.expiring else None,
        )
        self.pairs.append(made)
        return made

    def find(self, access: str) -> UserToken | None:
        """Return the pair of an access token that still opens something."""
        for pair in self.pairs:
            if pair.access == access and pair.is_good(self._now()):
                return pair
        return None

    def revoke_all(self, user: User) -> None:
        """End every pair of a person."""
        for pair in self.pairs:
            pair.dead = pair.dead or pair.user == user


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier, as RFC 7636 makes it."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _bad_code() -> OAuthError:
    return OAuthError("bad_verification_code", "The code passed is incorrect or expired.")
