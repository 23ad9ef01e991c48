"""Pages that stay open: they hear of what others do, and lose what their reader may not see."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import expect

from tests.pages.place import place
from tests.pages.test_tasks import MARK, MARKED, ask, gated, reaches
from tests.pages.window import Windows
from tests.story import Stage


def _bob_writes(stage: Stage) -> None:
    stage.repository.set_role("bob", "write")


async def test_the_page_of_an_ended_task_hears_that_somebody_else_tries_again(
    windows: Windows, tmp_path: Path
) -> None:
    agent, gate = gated(tmp_path)
    async with place(tmp_path, windows, _bob_writes, agent_command=agent) as there:
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
