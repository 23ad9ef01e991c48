"""One call to GitHub's REST API: gidgethub with its gaps closed."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    encode_basic_auth,
)
from gidgethub import HTTPException
from gidgethub.aiohttp import GitHubAPI
from yarl import URL

from bot.github.errors import GitHubError, Limited, Refused, Unavailable
from bot.github.limits import limit_wait

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gidgethub.abc import CACHE_TYPE

    from bot.github.clock import Clock
    from bot.github.heard import Heard

API_VERSION = "2026-03-10"
ACCEPT = "application/vnd.github+json"
REDIRECTS = frozenset({301, 302, 307, 308})
MAX_REDIRECTS = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """A decoded body, not yet checked, and the address of the next page where there is one."""

    data: object
    next_url: str | None


class Api(GitHubAPI):
    """Sends single requests and says in `bot.github.errors` what went wrong.

    A cache belongs to one instance: gidgethub keys it by address alone, so an instance with a
    cache serves one installation and one repository.
    """

    def __init__(
        self,
        session: ClientSession,
        *,
        base_url: str,
        requester: str,
        clock: Clock,
        timeout: float,
        cache: CACHE_TYPE | None = None,
        heard: Heard | None = None,
    ) -> None:
        super().__init__(session, requester, base_url=base_url, cache=cache)
        self._origin = URL(base_url).origin()
        self._clock = clock
        self._timeout = ClientTimeout(total=timeout)
        self._heard = heard

    async def call(
        self,
        method: str,
        url: str,
        *,
        bearer: str | None,
        data: object = b"",
        repeatable: bool | None = None,
        basic: tuple[str, str] | None = None,
        accept: str = ACCEPT,
    ) -> Answer:
        """Send one request.

        Args:
            method: The HTTP method.
            url: An address below the base URL, or a whole one of the same server; quoted.
            bearer: The token or JWT to show, None for none.
            data: What to send as JSON; empty bytes for no body.
            repeatable: Whether sending it again can do no harm; by default that of a GET.
            basic: Who asks, where that is told by a name and a password.
            accept: The media type to answer in.

        Raises:
            GitHubError: One of its kinds; `Unavailable.maybe_done` only if not repeatable.
        """
        ambiguous = method != "GET" if repeatable is None else not repeatable
        headers = {"x-github-api-version": API_VERSION}
        if bearer is not None:
            headers["authorization"] = f"Bearer {bearer}"
        if basic is not None:
            headers["authorization"] = encode_basic_auth(*basic)
        try:
            decoded, next_url, _ = await self._make_request(
                method, url, None, data, accept, extra_headers=headers
            )
        except GitHubError:
            raise
        except HTTPException as error:
            raise self._failure(error, ambiguous=ambiguous) from error
        except (ClientConnectorError, ConnectionTimeoutError) as error:
            raise Unavailable(f"GitHub cannot be reached: {error}", maybe_done=False) from error
        except (ClientError, TimeoutError) as error:
            text = f"GitHub did not answer: {error or type(error).__name__}"
            raise Unavailable(text, maybe_done=ambiguous) from error
        except (ValueError, LookupError) as error:
            text = "GitHub's answer could not be read"
            raise Unavailable(text, maybe_done=ambiguous) from error
        return Answer(decoded, next_url)

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Send a request, and listen to what its answer tells beside what was asked."""
        if self._heard is None:
            return await self._send(method, url, headers, body)
        start = self._clock.monotonic()
        try:
            status, told, content = await self._send(method, url, headers, body)
        except (ClientError, TimeoutError):
            self._heard.silence(self._clock.monotonic() - start)
            raise
        self._heard.answer(status, told, self._clock.monotonic() - start, self._clock.time())
        return status, told, content

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Send a request and follow where a renamed repository has gone, on the same server only.

        The headers hold a token, so nothing is sent to an address of another server, whether a
        redirect or a link to a next page leads there. GitHub wants a redirected request repeated
        as it was, whatever its method.
        """
        target = URL(url, encoded=True)
        for _ in range(MAX_REDIRECTS + 1):
            if target.origin() != self._origin:
                raise Refused(
                    HTTPStatus.MISDIRECTED_REQUEST, f"it pointed to another host, {target.host}"
                )
            async with self._session.request(
                method,
                target,
                headers=headers,
                data=body,
                allow_redirects=False,
                timeout=self._timeout,
            ) as response:
                location = response.headers.get("location")
                if response.status not in REDIRECTS or location is None:
                    return response.status, response.headers, await response.read()
            target = target.join(URL(location, encoded=True))
        raise Refused(HTTPStatus.MISDIRECTED_REQUEST, "it redirected in a circle")

    def _failure(self, error: HTTPException, *, ambiguous: bool) -> GitHubError:
        status = int(error.status_code)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Unavailable(f"GitHub answered {status}", maybe_done=ambiguous)
        message = str(error)
        wait = limit_wait(status, error.headers, message, self._clock.time())
        return Refused(status, message) if wait is None else Limited(wait)
