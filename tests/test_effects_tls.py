"""Webhooks over encrypted connections: to the server of the name, whom somebody vouches for."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from handlers.webhook_tries import Sending
from tests.certificates import Authority
from tests.http_tasks import desk
from tests.receivers import OLD, only_secrets, receiver
from tests.story import until
from tests.test_effects_sending import posted
from tests.test_outbound_guard import Names

BAD = "its certificate is not valid"


def here() -> Names:
    """The name's address, which is called though the name is spoken to."""
    return Names(localhost=[["127.0.0.1"]])


async def test_a_message_is_delivered_to_the_server_of_the_name(tmp_path: Path) -> None:
    authority = Authority()
    secure = authority.server(tmp_path, "localhost")
    asked: list[str | None] = []
    secure.sni_callback = lambda _, name, __: asked.append(name)
    async with (
        posted(tmp_path, here(), trust=authority.trusted()) as office,
        receiver(secure=secure) as there,
    ):
        await office.keep(there.named_url)
        await office.go()
        assert (await office.sent()).state is Sending.DELIVERED
        assert await office.said() == [204]
        (got,) = there.got
        assert got.headers["host"] == f"localhost:{there.port}"
        assert got.signed_with(OLD)
        assert asked == ["localhost"], "the name that is spoken to, though an address is called"


@pytest.mark.parametrize("names", [("other.test",), ("127.0.0.1",), ("localhost.other.test",)])
async def test_a_certificate_of_another_name_is_none(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    authority = Authority()
    async with (
        posted(tmp_path, here(), trust=authority.trusted()) as office,
        receiver(secure=authority.server(tmp_path, *names)) as there,
    ):
        await office.keep(there.named_url)
        await office.go()
        sent = await office.sent()
        assert (sent.state, await office.said(), there.got) == (Sending.WAITING, [BAD], [])


@pytest.mark.parametrize("trust", [None, "another"])
async def test_who_is_not_trusted_vouches_for_nobody(tmp_path: Path, trust: str | None) -> None:
    context: ssl.SSLContext | None = Authority().trusted() if trust else None
    async with (
        posted(tmp_path, here(), trust=context) as office,
        receiver(secure=Authority().server(tmp_path, "localhost")) as there,
    ):
        await office.keep(there.named_url)
        await office.go()
        assert (await office.said(), there.got) == ([BAD], [])
        await office.on()
        assert await office.said() == [BAD, BAD], "a failed try like others"


async def test_a_task_tells_a_program_by_https(tmp_path: Path) -> None:
    authority = Authority()
    async with (
        receiver(secure=authority.server(tmp_path, "localhost")) as there,
        desk(
            tmp_path,
            allow_loopback_webhooks=True,
            resolver=here(),
            trust=authority.trusted(),
        ) as (made, alice),
    ):
        await only_secrets(made.stage, "alice", OLD)
        asked = await alice.ask(webhookUrl=there.named_url)
        assert asked.status == 202
        await made.ended(asked.id)
        await until(lambda: bool(there.got), "the message")
        assert there.got[0].signed_with(OLD)
