"""Bellhop is killed while a program is told of an end: it is told again, by the same id."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path

from bot.secret_key import load_or_make_key
from bot.vault import Vault
from handlers.effects import SendWebhook
from storage import migrations
from storage.outbound import Outbound
from storage.people import People
from storage.sqlite import Engine
from storage.webhook_secrets import SealedSecret
from tests.crash_stage import Scene, scene, until
from tests.makers import ID
from tests.receivers import OLD, Receiver, receiver

MESSAGE = f"msg_{ID.replace('-', '')}_1"


@contextlib.asynccontextmanager
async def beside(stage: Scene) -> AsyncGenerator[Engine]:
    """The database of a Bellhop that may be dead."""
    path = stage.folder / "data" / "bellhop.db"
    engine = await Engine.open(path, migrations=migrations.migrations, readers=1)
    try:
        yield engine
    finally:
        await engine.close()


async def owe(stage: Scene, engine: Engine, url: str) -> None:
    """A message that is to be sent, and what to sign it with."""
    now = datetime.now(UTC)
    vault = Vault(load_or_make_key(stage.folder / "data" / "secret.key"))
    await People(engine).keep_webhook_secret(1, SealedSecret("s", vault.seal(OLD), "LaSw", now))
    effect = SendWebhook("key", MESSAGE, ID, 1, 1, url, '{"type":"task.completed"}')
    await Outbound(engine).keep(effect, "127.0.0.1", now)


class Killer(Receiver):
    """Kills who tells it something, the first time, before it answers."""

    stage: Scene | None = None

    def heard(self) -> None:
        assert self.stage is not None
        assert self.held is not None
        if len(self.got) == 1:
            self.stage.bot.signal(signal.SIGKILL)
        else:
            self.held.set()


async def test_killed_before_it_heard_the_answer(tmp_path: Path) -> None:
    async with (
        scene(tmp_path, allow_loopback_webhooks=True) as stage,
        receiver(kind=Killer, held=asyncio.Event()) as there,
    ):
        there.stage = stage
        log = tmp_path / "bot.log"
        await until(lambda: log.exists() and "listening" in log.read_text())
        async with beside(stage) as engine:
            await owe(stage, engine, there.url)
            await stage.bot.dies()
            await until(lambda: stage.rows("SELECT state FROM outbound") == [("delivered",)])
        assert stage.rows("SELECT number, status FROM outbound_tries") == [(1, 204)]
        assert [got.id for got in there.got] == [MESSAGE] * 2
        assert all(got.signed_with(OLD) for got in there.got)
    assert stage.bot.endings == [-9, -9, 0]
