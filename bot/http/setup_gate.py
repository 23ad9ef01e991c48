"""Who may set Bellhop up: whoever reads its log, in one browser, for an hour."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.github.making import NewApp
from bot.http.setup_form import Wish
from bot.keys import digest

LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Letters and digits that nobody takes for each other: five bits each."""
GROUPS, GROUP = 3, 4
LIFE = timedelta(hours=1)
"""How long a browser may take for each step; as long as GitHub keeps what it gave out."""


def new_code() -> str:
    """A code to be typed over, as `ABCD-EFGH-JKLM`.

    Its 60 bits are not to be guessed, however often somebody tries: at a thousand a second it takes
    millions of years. So wrong ones change nothing, or any stranger could keep replacing the code
    that its owner has before them.
    """
    groups = ("".join(secrets.choice(LETTERS) for _ in range(GROUP)) for _ in range(GROUPS))
    return "-".join(groups)


@dataclass(slots=True)
class Visit:
    """The browser that gave the code, and how far it has come."""

    cookie: bytes
    """The digest of its cookie."""
    until: datetime
    wish: Wish | None = None
    new_app: NewApp | None = field(default=None, repr=False)
    """What GitHub made, until it is stored."""
    _state: str | None = field(default=None, repr=False)

    def state(self, now: datetime) -> str:
        """The word that GitHub is to give back; it is good for an hour, and once."""
        if self._state is None:
            self._state, self.until = secrets.token_urlsafe(32), now + LIFE
        return self._state

    def knows(self, state: str) -> bool:
        """Whether this is the word that this browser went to GitHub with."""
        known = self._state
        return known is not None and hmac.compare_digest(digest(known), digest(state))

    def forget_state(self) -> None:
        """It has been used."""
        self._state = None


@dataclass(slots=True)
class Gate:
    """Lets one browser in: `tell` makes a new code known to whoever reads the log."""

    tell: Callable[[str], None]
    clock: Callable[[], datetime]
    _code: bytes | None = None
    _visit: Visit | None = None

    @property
    def waits(self) -> bool:
        """Whether there is a code that nobody has used."""
        return self._code is not None

    def renew(self) -> None:
        """Make a new code if nobody has the old one, or whoever used it is gone."""
        if self._visit is not None and self.clock() >= self._visit.until:
            self._visit = None
        if self._visit is None and self._code is None:
            self._tell_new()

    def enter(self, code: str) -> str | None:
        """The cookie for the browser that gives the right code, which is then used up."""
        expected = self._code
        if expected is None:
            return None
        if not hmac.compare_digest(expected, digest(_plain(code))):
            return None
        cookie = secrets.token_urlsafe(32)
        self._code, self._visit = None, Visit(digest(cookie), self.clock() + LIFE)
        return cookie

    def visit(self, cookie: str | None) -> Visit | None:
        """The visit of a browser by its cookie."""
        self.renew()
        visit = self._visit
        if visit is None or cookie is None or not hmac.compare_digest(visit.cookie, digest(cookie)):
            return None
        return visit

    def _tell_new(self) -> None:
        code = new_code()
        self._code = digest(_plain(code))
        self.tell(code)


def _plain(code: str) -> str:
    """A code without what people put in or leave out."""
    return "".join(one for one in code.upper() if one.isalnum())
