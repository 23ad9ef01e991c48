"""Somebody who has signed in with a browser, without having gone through GitHub for it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from uuid_utils import uuid7

from bot.http.access import PLAIN_COOKIE
from bot.http.caller import Caller
from bot.http.forms import HEADER, Forms
from bot.keys import digest
from bot.vault import Vault
from handlers.values import Person
from storage import Store
from storage.keys import Session


async def sign_in(
    store: Store,
    person: Person,
    clock: Callable[[], datetime],
    vault: Vault | None = None,
    *,
    cookie_name: str = PLAIN_COOKIE,
    cookie: str | None = None,
) -> dict[str, str]:
    """Store a session of a day; the headers that a browser of theirs sends from now on.

    With `vault` also those that a script of our pages sends: without them only what is safe works.
    """
    now, value = clock(), cookie or secrets.token_urlsafe(32)
    session = Session(str(uuid7()), person, "Browser/1", now, now + timedelta(days=1), now)
    await store.people.keep_session(session, digest(value))
    headers = {"Cookie": f"{cookie_name}={value}"}
    if vault is not None:
        headers |= {"Sec-Fetch-Site": "same-origin", HEADER: form_token(vault, session)}
    return headers


def form_token(vault: Vault, session: Session) -> str:
    """What stands in every form of a session's pages."""
    known = Caller(session.person, False, frozenset(), session_id=session.id)
    return Forms(vault).token(known)
