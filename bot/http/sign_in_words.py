"""Why a sign-in did not come about: a fixed table, of which addresses carry the words alone.

The page `/sign-in?problem=WORD` shows the text; programs get it as a problem document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Word = Literal[
    "denied",
    "expired",
    "state",
    "used",
    "code",
    "next",
    "installation",
    "not_configured",
    "https",
    "callback_url",
    "client",
    "suspended",
    "refused",
    "github",
    "storage",
    "too_many",
]


@dataclass(frozen=True, slots=True)
class Told:
    """What a word means: the status for programs, what happened, and what to do."""

    status: int
    title: str
    remedy: str

    @property
    def text(self) -> str:
        """Both as one text."""
        return f"{self.title} {self.remedy}"


WORDS: Final[Mapping[Word, Told]] = MappingProxyType(
    {
        "denied": Told(
            403,
            "You did not let Bellhop know who you are.",
            "Sign in again and agree on GitHub's page, if you want to go on.",
        ),
        "expired": Told(
            400,
            "The sign-in took longer than ten minutes, or this browser did not keep its cookie.",
            "Try again. If that fails too, let the browser keep cookies of this site, and open "
            "Bellhop at the address that its operator has set.",
        ),
        "state": Told(
            400,
            "This answer of GitHub's belongs to another sign-in than the one begun here last.",
            "Nothing was done. Begin again, in one tab.",
        ),
        "used": Told(
            400,
            "This answer of GitHub's has been used already.",
            "If you are not signed in, begin again.",
        ),
        "code": Told(400, "GitHub does not know this sign-in any more.", "Begin again."),
        "next": Told(
            400,
            "The link leads to another site after the sign-in.",
            "Begin on Bellhop's own page.",
        ),
        "installation": Told(
            404,
            "There is no such installation of the App, or you may not see it.",
            "Install the App on an account of yours, or ask the owner of the other one.",
        ),
        "not_configured": Told(
            503,
            "Nobody can sign in yet: this Bellhop has no client id or no client secret.",
            "Its operator sets BELLHOP_CLIENT_ID and BELLHOP_CLIENT_SECRET, from the App's page.",
        ),
        "https": Told(
            503,
            "Nobody can sign in by plain http: others on the way could take over the session.",
            "Its operator puts https in front and sets BELLHOP_BASE_URL to that address.",
        ),
        "callback_url": Told(
            503,
            "GitHub does not send people back to this address of Bellhop's.",
            "Its operator adds it to the callback URLs on the App's page: the base URL and "
            f"`{'/api/auth/github/callback'}`.",
        ),
        "client": Told(
            503,
            "GitHub does not take Bellhop's client id and secret.",
            "Its operator compares BELLHOP_CLIENT_ID with the App's page, and makes a new client "
            "secret there for BELLHOP_CLIENT_SECRET.",
        ),
        "suspended": Told(
            503, "GitHub has suspended the App.", "Its owner finds the reason on the App's page."
        ),
        "refused": Told(
            503,
            "GitHub refuses the sign-in for a reason that Bellhop does not know.",
            "Try again later. Its operator finds GitHub's words in the log.",
        ),
        "github": Told(503, "GitHub does not answer at the moment.", "Try again in a minute."),
        "storage": Told(
            503,
            "The database cannot store anything at the moment.",
            "Try again later; its operator finds the reason in the log.",
        ),
        "too_many": Told(429, "There were too many sign-ins from this address.", "Wait a minute."),
    }
)
"""What the page says for each word; another word is none of ours."""


def word_of(text: str) -> Word | None:
    """The word that an address carries; None where it is none of ours."""
    return next((word for word in WORDS if word == text), None)


OF_GITHUB: Final[Mapping[str, Word]] = MappingProxyType(
    {
        "access_denied": "denied",
        "redirect_uri_mismatch": "callback_url",
        "application_suspended": "suspended",
        "incorrect_client_credentials": "client",
        "bad_verification_code": "code",
    }
)
"""GitHub's words for why it gives no code or no token; any other is `refused`."""
