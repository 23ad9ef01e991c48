"""Forms of our own pages: each carries a token by which it is known to have been shown by us.

A page's script sends the same token as the header `X-Bellhop-Form`. Another site's page can make a
browser send the cookie, but cannot read the token.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict, MultiDictProxy

from bot.http.caller import Caller
from bot.http.problems import Problem
from bot.vault import Vault

FIELD = "form_token"
HEADER = "X-Bellhop-Form"
MEDIA = "application/x-www-form-urlencoded"
MOST_FIELDS = 200
"""Fields of one form: looking at more would take time that is everybody's."""


@dataclass(frozen=True, slots=True)
class Forms:
    """Makes the tokens of forms, and reads the forms that come back."""

    vault: Vault

    def token(self, caller: Caller) -> str:
        """The token of a session's forms; it is good as long as the session. Empty for a key."""
        if caller.session_id is None:
            return ""
        made = hmac.new(self.vault.form_key, caller.session_id.encode(), hashlib.sha256)
        return made.hexdigest()

    def check(self, request: web.Request, caller: Caller) -> None:
        """See that a script of our pages sent this.

        Raises:
            Problem: 403, the header is missing or of another session.
        """
        self._compare(request.headers.get(HEADER, ""), caller)

    async def read(self, request: web.Request, caller: Caller) -> MultiDictProxy[str]:
        """The fields of a form of ours, without its token.

        Raises:
            Problem: 403 `form_expired` where the token is not the session's, 415 for another type
                than a form's, 413 too large, 400 for what is no form.
        """
        fields = await fields_of(request)
        given = fields.popall(FIELD, [])
        self._compare(given[0] if len(given) == 1 else "", caller)
        return MultiDictProxy(fields)

    def _compare(self, given: str, caller: Caller) -> None:
        right = self.token(caller).encode()
        if not right or not hmac.compare_digest(given.encode(errors="surrogatepass"), right):
            raise Problem(
                403,
                "The form is of a session that has ended. Load the page again and send it anew; "
                f"a script sends the token of the page as {HEADER}.",
                code="form_expired",
            )


async def fields_of(request: web.Request) -> MultiDict[str]:
    """The fields of a form, whoever sends it.

    Raises:
        Problem: 415 for another type than a form's, 413 too large, 400 for what is no form.
    """
    if request.content_type != MEDIA:
        raise Problem(415, f"Send the form as {MEDIA}.")
    raw = await request.read()
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Problem(400, "The body is no form.") from None
    return MultiDict(pairs)
