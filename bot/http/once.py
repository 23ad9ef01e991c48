"""What is shown once: on its way from the form that made it to the page that shows it."""

from __future__ import annotations

import secrets
from typing import Final

from cachetools import TTLCache

KEPT = 120
"""Seconds that a new secret waits for the page to ask for it."""
MOST = 1_000


class Once:
    """Secrets that wait: in memory alone, each for one session, until they are taken."""

    def __init__(self) -> None:
        self._waiting: Final = TTLCache[tuple[str | None, str], str, float](MOST, KEPT)

    def put(self, session_id: str | None, secret: str) -> str:
        """Let a secret wait; the ticket by which its page takes it."""
        ticket = secrets.token_urlsafe(16)
        self._waiting[session_id, ticket] = secret
        return ticket

    def take(self, session_id: str | None, ticket: str | None) -> str | None:
        """The secret of a ticket, the first time it is asked for."""
        return self._waiting.pop((session_id, ticket or ""), None)
