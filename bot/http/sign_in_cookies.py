"""The cookies of sign-in: the session's, and the one that binds a sign-in to its browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web
from pydantic import BaseModel, ValidationError

from bot.vault import Vault, WrongKey

BEGUN_LIFE = timedelta(minutes=10)
"""How long somebody may stay on GitHub's page: its code lives as long."""
LONGEST = 4_096
"""Characters of a cookie that is looked at."""


class Begun(BaseModel):
    """A sign-in that has begun in this browser, as its cookie holds it, encrypted."""

    state: str
    verifier: str
    next: str
    until: datetime


@dataclass(frozen=True, slots=True)
class SignInCookies:
    """Sets and reads cookies that no script sees and no other site's form sends.

    Over https their names begin with `__Host-`: no other host can have set them.
    """

    session_name: str
    vault: Vault
    clock: Callable[[], datetime]

    @property
    def begun_name(self) -> str:
        """The cookie of a sign-in that has begun."""
        return f"{self.session_name}-sign-in"

    @property
    def probe_name(self) -> str:
        """The cookie by which it is seen whether a browser keeps cookies."""
        return f"{self.session_name}-probe"

    def keep(
        self, response: web.Response, name: str, value: str, life: timedelta = BEGUN_LIFE
    ) -> None:
        """Let the browser keep a cookie of ours."""
        response.set_cookie(
            name,
            value,
            path="/",
            max_age=int(life.total_seconds()),
            secure=self.session_name.startswith("__Host-"),
            httponly=True,
            samesite="Lax",
        )

    def end(self, response: web.Response, name: str) -> None:
        """Let the browser forget a cookie of ours."""
        self.keep(response, name, "", timedelta(0))

    def begin(self, response: web.Response, state: str, verifier: str, next_: str) -> None:
        """Bind a sign-in to the browser that begins it."""
        until = self.clock() + BEGUN_LIFE
        begun = Begun(state=state, verifier=verifier, next=next_, until=until)
        self.keep(response, self.begun_name, self.vault.seal(begun.model_dump_json()).decode())

    def begun(self, request: web.Request) -> Begun | None:
        """The sign-in that began in this browser, unless it is too long ago."""
        sealed = request.cookies.get(self.begun_name, "")
        if not sealed or len(sealed) > LONGEST or not sealed.isascii():
            return None
        try:
            begun = Begun.model_validate_json(self.vault.unseal(sealed.encode()))
        except (WrongKey, ValidationError):
            return None
        return begun if self.clock() < begun.until else None
