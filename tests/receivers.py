"""Programs that are told of the ends of tasks: real servers on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

import time_machine
from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks import Webhook
from uuid_utils import uuid7

from storage.webhook_secrets import SealedSecret
from tests.story import Stage

OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


@dataclass(frozen=True, slots=True)
class Got:
    """What a receiver was sent."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(int(self.headers["webhook-timestamp"]), UTC)

    def signed_with(self, secret: str) -> bool:
        """Whether a receiver that knows this secret, and the time then, takes it for ours."""
        with time_machine.travel(self.at, tick=False):
            try:
                Webhook(secret).verify(self.body, self.headers)
            except Exception:  # noqa: BLE001 - the library raises many
                return False
        return True


@dataclass
class Receiver:
    """Answers with these statuses, in order, and goes on with the last one."""

    answers: Sequence[int | web.Response] = (204,)
    got: list[Got] = field(default_factory=list[Got])
    port: int = 0
    secure: bool = False
    held: asyncio.Event | None = None
    """While it is there and not set, nothing is answered."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def named_url(self) -> str:
        return f"http{'s' if self.secure else ''}://localhost:{self.port}/hook"

    def heard(self) -> None:
        """Called before an answer."""

    async def hear(self, request: web.Request) -> web.Response:
        place = min(len(self.got), len(self.answers) - 1)
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append(Got(headers, body))
        self.heard()
        if self.held is not None:
            await self.held.wait()
        answer = self.answers[place]
        return web.Response(status=answer) if isinstance(answer, int) else answer


R = TypeVar("R", bound=Receiver)


@contextlib.asynccontextmanager
async def receiver(
    *answers: int | web.Response,
    port: int = 0,
    held: asyncio.Event | None = None,
    kind: type[R] = Receiver,
    secure: ssl.SSLContext | None = None,
) -> AsyncGenerator[R]:
    made = kind(answers or (204,), held=held, secure=secure is not None)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.hear)
    server = TestServer(app, host="127.0.0.1", port=port)
    await server.start_server(ssl=secure)
    assert server.port
    made.port = server.port
    try:
        yield made
    finally:
        if held is not None:
            held.set()
        await server.close()


async def only_secrets(stage: Stage, login: str, *secrets: str) -> None:
    """Somebody has these webhook secrets from now on, the last one made last."""
    owner, people = stage.sim.user(login).id, stage.bot.store.people
    for old in await people.webhook_secrets_of(owner):
        assert await people.drop_webhook_secret(old.id, owner)
    for secret in secrets:
        sealed = stage.bot.vault.seal(secret)
        made = SealedSecret(str(uuid7()), sealed, secret[-4:], stage.clock())
        assert await people.keep_webhook_secret(owner, made)
