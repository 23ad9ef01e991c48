"""Pages that stay open: they hear of what others do, and lose what their reader may not see."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import expect

from tests.http_github import signed_in
from tests.pages.place import place
from tests.pages.test_tasks import MARK, MARKED, ask, gated, reaches
from tests.pages.window import Window, Windows
from tests.story import Stage

CONNECTIONS = 6
"""That a browser keeps to one server."""


def _bob_writes(stage: Stage) -> None:
    stage.repository.set_role("bob", "write")


async def test_the_page_of_an_ended_task_hears_that_somebody_else_tries_again(
    windows: Windows, tmp_path: Path
) -> None:
    agent, gate = gated(tmp_path)
    async with place(tmp_path, windows, _bob_writes, agent_command=agent) as there:
        await signed_in(there.desk, "alice")
        alice, bob = await there.window("alice"), await there.window("bob")
        gate.touch()
        page = await ask(alice, "Please mend it.")
        await reaches(page, "completed")
        await expect(page.locator("#live[data-state=ended]")).to_be_visible()
        await page.evaluate(MARK)
        gate.unlink()
        await bob.go(alice.here)
        await bob.page.get_by_role("button", name="Try again").click()
        await reaches(page, "running")
        await expect(page.locator("#live[data-state=live]")).to_be_visible()
        await expect(page.get_by_role("button", name="Stop")).to_be_visible()
        gate.touch()
        await reaches(page, "completed")
        await expect(page.locator("[data-log-rows]")).to_contain_text("Attempt 2")
        assert await page.evaluate(MARKED)


async def test_what_somebody_may_see_no_longer_leaves_their_screen(
    windows: Windows, tmp_path: Path
) -> None:
    windows.expected += ["Failed to load resource", "ERR_"]  # the refusals, and the break
    agent, _ = gated(tmp_path)
    async with place(tmp_path, windows, _bob_writes, agent_command=agent) as there:
        await signed_in(there.desk, "alice")
        alice, bob = await there.window("alice"), await there.window("bob")
        page = await ask(alice, "Please mend the vault.")
        await reaches(page, "running")
        await bob.go(alice.here)
        await reaches(bob.page, "running")
        await there.desk.stage.stop()
        there.desk.stage.repository.set_role("bob", "none")
        await there.desk.stage.start()
        await expect(bob.page.get_by_text("There is nothing here")).to_be_visible(timeout=40_000)
        assert "vault" not in await bob.page.content()
        await expect(page.locator("#live[data-state=live]")).to_be_visible(timeout=40_000)


async def test_who_is_signed_out_elsewhere_is_shown_no_tasks(
    windows: Windows, tmp_path: Path
) -> None:
    windows.expected += ["Failed to load resource", "ERR_"]
    async with place(tmp_path, windows) as there:
        feed, stage = await there.window("alice"), there.desk.stage
        await feed.go("/")
        await expect(feed.page.locator("#live[data-state=live]")).to_be_visible()
        people, alice = stage.bot.store.people, there.desk.person("alice")
        for session in await people.sessions_of(alice.id, stage.clock()):
            await people.drop_session(session.id, alice.id)
        await stage.stop()
        await stage.start()
        landing = feed.page.get_by_role("link", name="Sign in with GitHub")
        await expect(landing).to_be_visible(timeout=40_000)


async def test_a_page_that_tells_what_was_wrong_with_a_form_is_live_too(
    windows: Windows, tmp_path: Path
) -> None:
    windows.expected.append("Failed to load resource")  # the form that is refused
    agent, gate = gated(tmp_path)
    async with place(tmp_path, windows, agent_command=agent) as there:
        await signed_in(there.desk, "alice")
        window = await there.window("alice")
        page = await ask(window, "Please mend it.")
        await reaches(page, "running")
        await page.get_by_label("Message").fill("   ")
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_role("alert")).to_contain_text("The message was not sent")
        await page.evaluate(MARK)
        gate.touch()
        await reaches(page, "completed")
        assert await page.evaluate(MARKED)


@dataclass
class Line:
    """A way to Bellhop that goes dead: nothing comes through, and nobody is told so."""

    port: int
    to: int
    dead: list[asyncio.Event] = field(default_factory=list[asyncio.Event])
    taken: set[asyncio.Task[None] | None] = field(default_factory=set[asyncio.Task[None] | None])

    def die(self) -> None:
        """Let through no more of what is connected now; what connects later is not concerned."""
        for event in self.dead:
            event.set()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect somebody."""
        self.taken.add(asyncio.current_task())
        dead = asyncio.Event()
        self.dead.append(dead)
        back, forth = await asyncio.open_connection("127.0.0.1", self.to)
        down = asyncio.create_task(_carry(back, writer, dead))
        await _carry(reader, forth, dead)  # until whoever connected leaves
        for one in (forth, writer):
            one.close()
            with contextlib.suppress(ConnectionError):
                await one.wait_closed()
        await down


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, dead: asyncio.Event
) -> None:
    with contextlib.suppress(ConnectionError):
        while raw := await reader.read(65_536):
            if not dead.is_set():
                writer.write(raw)
    if not dead.is_set():
        writer.close()  # whoever is on the other side hears of it


@contextlib.asynccontextmanager
async def line(to: int) -> AsyncGenerator[Line]:
    """A way to a port of this machine, for those who have left when it ends."""
    made = Line(0, to)
    async with await asyncio.start_server(made.take, "127.0.0.1", 0) as server:
        made.port = server.sockets[0].getsockname()[1]
        yield made
    await asyncio.gather(*(task for task in made.taken if task is not None))


async def test_a_connection_that_went_dead_is_noticed(windows: Windows, tmp_path: Path) -> None:
    windows.expected += ["Failed to load resource", "ERR_"]
    agent, gate = gated(tmp_path)
    async with place(tmp_path, windows, agent_command=agent) as there:
        port = there.desk.stage.settings.port
        async with line(port) as way:
            await signed_in(there.desk, "alice")
            alice = await there.window("alice")
            await ask(alice, "Please mend it.")
            far: Window = await windows.open(
                f"http://127.0.0.1:{way.port}", cookie=await there.cookie("alice")
            )
            page = far.page
            await page.clock.install()
            await far.go(alice.here)
            await reaches(page, "running")
            await expect(page.locator("#live[data-state=live]")).to_be_visible()
            way.die()
            gate.touch()
            await reaches(alice.page, "completed")
            await page.clock.fast_forward(60_000)
            await expect(page.locator("#live[data-state=lost]")).to_be_visible()
            done = page.locator(".task-head .badge.is-completed")
            for _ in range(CONNECTIONS):
                with contextlib.suppress(AssertionError):
                    await expect(done).to_be_visible(timeout=3_000)
                    break
                await page.clock.fast_forward(60_000)  # the next connection was dead, too
            await expect(done).to_be_visible()
            await windows.close()
