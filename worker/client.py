"""Calls Bellhop, and waits for it where it is away for a while."""

from __future__ import annotations

import json
import random
import secrets
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, cast

from worker.contract import VERSION, ContractError

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 600.0  # seconds that Bellhop may be away, for a restart
TIMEOUT = 30.0  # seconds for one answer
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds between tries


class Refused(Exception):  # noqa: N818  an answer, which the caller may expect
    """Bellhop answered with a client error, which another try would not change."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"Bellhop answered {status}: {detail}")
        self.status = status

    @property
    def lost(self) -> bool:
        """Whether it means that the attempt is not ours (any more)."""
        return self.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.CONFLICT)


class Unreachable(Exception):  # noqa: N818  as above
    """Bellhop did not answer for as long as patience lasts."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token to wherever it leads."""

    def redirect_request(self, *args: object, **kwargs: object) -> None:  # noqa: ARG002  the base's
        return None


class Client:
    """The callbacks of one worker. Safe across threads."""

    def __init__(self, url: str, token: str, patience: float = PATIENCE) -> None:
        self._url = url.rstrip("/")
        self._patience = patience
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Bellhop-Instance": secrets.token_hex(16),
            "Bellhop-Contract": str(VERSION),
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": f"bellhop-worker/{VERSION}",
        }
        self._opener = urllib.request.build_opener(_NoRedirect)

    def call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        pause: Callable[[float], object] = time.sleep,
    ) -> dict[str, Any]:
        """One call of `/api/callbacks/<path>`, tried again until it is answered.

        Args:
            method: The HTTP method.
            path: What follows `/api/callbacks/`.
            body: Sent as JSON.
            pause: How to wait between tries, in seconds; it may raise to give up.

        Raises:
            Refused: The answer was a client error.
            Unreachable: There was none for too long.
            ContractError: The answer was not a JSON object.
        """
        until = time.monotonic() + self._patience
        delay = FIRST_PAUSE
        while True:
            try:
                return self._once(method, path, body)
            except _Again as again:
                wait = again.after or delay * random.uniform(0.5, 1)
                if time.monotonic() + wait > until:
                    raise Unreachable(f"Bellhop does not answer: {again}") from None
            pause(wait)
            delay = min(delay * 2, LONGEST_PAUSE)

    def _once(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310  the operator's own address
            f"{self._url}/api/callbacks/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers=self._headers,
            method=method,
        )
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                return _object(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                _raise_for(error)
        except (OSError, HTTPException) as error:
            raise _Again(str(error) or type(error).__name__) from None
        raise AssertionError  # both branches above raise


class _Again(Exception):  # noqa: N818  never leaves this module
    """Worth another try, after so many seconds where the server named them."""

    def __init__(self, reason: str, after: float = 0) -> None:
        super().__init__(reason)
        self.after = after


def _raise_for(error: urllib.error.HTTPError) -> None:
    if error.code >= HTTPStatus.INTERNAL_SERVER_ERROR or error.code == HTTPStatus.TOO_MANY_REQUESTS:
        after = error.headers.get("Retry-After", "")
        raise _Again(f"HTTP {error.code}", float(after) if after.isdecimal() else 0)
    raise Refused(error.code, error.read(2000).decode(errors="replace"))


def _object(body: bytes) -> dict[str, Any]:
    try:
        data: object = json.loads(body or b"{}")
    except ValueError:
        raise ContractError("Bellhop's answer was not JSON.") from None
    if not isinstance(data, dict):
        raise ContractError("Bellhop's answer was not a JSON object.")
    return cast("dict[str, Any]", data)
