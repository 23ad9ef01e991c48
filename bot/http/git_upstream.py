"""The gate's own two requests to GitHub's git server, with a token that goes nowhere else."""

from __future__ import annotations

import asyncio
import base64
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import aiohttp

from bot.github.limits import limit_wait
from bot.http.git_desk import UpstreamError
from bot.http.git_report import one_line
from bot.http.pktline import PktError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from bot.http.git_body import GateLimits, Upload
    from bot.http.git_report import ReportReader

RECEIVE_PACK: Final = "git-receive-pack"
REQUEST_TYPE: Final = "application/x-git-receive-pack-request"
RESULT_TYPE: Final = "application/x-git-receive-pack-result"
ADVERTISEMENT_TYPE: Final = "application/x-git-receive-pack-advertisement"
MAX_BODY_QUOTED: Final = 400
CONNECT_TIME: Final = 10


class PushLostError(Exception):
    """GitHub gave no verdict on a push. `maybe_taken`: it may have moved the ref all the same.

    That can be so even where the upload broke off, if the pack was whole by then.
    """

    def __init__(self, sentence: str, *, maybe_taken: bool) -> None:
        super().__init__(sentence)
        self.maybe_taken = maybe_taken


class Upstream:
    """GitHub's git server for one repository."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, token: str, limits: GateLimits
    ) -> None:
        self._session = session
        self._url = url
        self._token = token
        self._limits = limits
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=limits.silence)

    async def advertisement(self) -> AsyncGenerator[bytes, None]:
        """Give the list of refs as GitHub sends it.

        Raises:
            UpstreamError: GitHub refused, failed or fell silent.
        """
        try:
            async with self._session.get(
                f"{self._url}/info/refs",
                params={"service": RECEIVE_PACK},
                headers=self._headers(),
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=CONNECT_TIME, sock_read=self._limits.silence
                ),
                allow_redirects=False,
                raise_for_status=False,
            ) as response:
                if response.status != HTTPStatus.OK:
                    raise UpstreamError(await self._complaint(response))
                async for chunk in response.content.iter_any():
                    yield chunk
        except (aiohttp.ClientError, TimeoutError) as error:
            raise UpstreamError(
                f"GitHub could not be reached ({type(error).__name__}); push again in a minute"
            ) from error

    async def push(
        self, upload: Upload, reader: ReportReader, say: Callable[[bytes], Awaitable[None]]
    ) -> str | None:
        """Send a push; None if GitHub took it, else its reason. `say` gets its words meanwhile.

        Raises:
            PushLostError: GitHub gave no verdict.
        """
        try:
            await self._exchange(upload, reader, say)
        except (aiohttp.ClientError, TimeoutError, PktError) as error:
            if reader.taken is None:
                sentence = f"GitHub gave no answer to the push ({_cause(error)}); push again"
                connected = not isinstance(error, aiohttp.ClientConnectorError)
                raise PushLostError(
                    upload.problem or self._masked(sentence), maybe_taken=connected
                ) from error
        if reader.taken is None:
            raise PushLostError(
                "GitHub's answer to the push was cut off; push again", maybe_taken=True
            )
        return None if reader.taken else self._masked(reader.why)

    async def _exchange(
        self, upload: Upload, reader: ReportReader, say: Callable[[bytes], Awaitable[None]]
    ) -> None:
        clock = asyncio.get_running_loop()
        end = clock.time() + self._limits.push_time

        def wait_on() -> None:
            # aiohttp's own limits do not fit: it counts GitHub's silence while the pack still
            # goes up, and where GitHub's answer has begun it does not notice a failed upload.
            if upload.problem:
                deadline.reschedule(clock.time())
            elif upload.whole:
                deadline.reschedule(min(end, clock.time() + self._limits.silence))

        async with (
            asyncio.timeout_at(end) as deadline,
            self._session.post(
                f"{self._url}/{RECEIVE_PACK}",
                data=upload.chunks(wait_on),
                headers={**self._headers(), "Content-Type": REQUEST_TYPE, "Accept": RESULT_TYPE},
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIME),
                allow_redirects=False,
                raise_for_status=False,
            ) as response,
        ):
            if response.status != HTTPStatus.OK:
                failed = response.status >= HTTPStatus.INTERNAL_SERVER_ERROR
                raise PushLostError(await self._complaint(response), maybe_taken=failed)
            async for chunk in response.content.iter_any():
                wait_on()
                for text in reader.feed(chunk):
                    await say(text.replace(self._token.encode(), b"***"))

    def _headers(self) -> dict[str, str]:
        # The user name is GitHub's for installation tokens. Compression is switched off because
        # the answer is small and a decoder would only stand between two streams.
        credentials = base64.b64encode(f"x-access-token:{self._token}".encode()).decode()
        return {
            "Authorization": f"Basic {credentials}",
            "Accept-Encoding": "identity",
            "User-Agent": "git/2 (Bellhop)",
        }

    async def _complaint(self, response: aiohttp.ClientResponse) -> str:
        status = f"HTTP {response.status}"
        if response.content_type == "text/plain":
            quoted = await response.content.read(MAX_BODY_QUOTED)
            said = self._masked(one_line(quoted.decode(errors="replace")))
            status = f"{status}: {said}" if said else status
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return f"GitHub failed ({status}); push again in a minute"
        wait = limit_wait(response.status, response.headers, status, time.time())
        if wait is not None:
            return f"GitHub's limit asks to wait for {wait:.0f} s ({status}); push again"
        return (
            f"GitHub did not take Bellhop's push ({status}); "
            "ask Bellhop's operator whether the App may write to this repository"
        )

    def _masked(self, text: str) -> str:
        return text.replace(self._token, "***")


def _cause(error: Exception) -> str:
    return str(error) if isinstance(error, PktError) else type(error).__name__
