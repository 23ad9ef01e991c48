"""Sessions on the wire."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from bot.http.bodies import Body


class SessionShown(Body):
    """A browser in which you are signed in."""

    session_id: str
    agent: str = Field(description="What the browser calls itself.")
    created_at: datetime
    expires_at: datetime
    last_seen_at: datetime
    current: bool = Field(description="Whether it is the one that asks.")


class SessionList(Body):
    """All of your sessions, newest first."""

    sessions: list[SessionShown]
