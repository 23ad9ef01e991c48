"""From nothing to an installed App that answers, in a browser."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import expect

from tests.pages.window import Windows
from tests.setup_stage import GREEN, setting
from tests.story import until


async def test_from_nothing_to_an_installed_app(windows: Windows, tmp_path: Path) -> None:
    async with setting(tmp_path, **GREEN) as there:
        window = await windows.open(there.url)
        page = window.page
        await window.go("/setup")
        assert await window.barriers() == []
        await page.get_by_label("Code").fill(there.code)
        await page.get_by_role("button", name="Go on").click()
        assert await window.barriers() == []
        await page.get_by_label("Name of the App").fill("Ring Ring")
        await page.get_by_label("Organisation").fill("acme")
        await window.shot("setup-app", whole=True)
        await page.get_by_role("button", name="Go on").click()
        assert await window.barriers() == []
        await page.get_by_role("button", name="Create it on GitHub").click()
        await page.get_by_role("button", name="Create GitHub App").click()
        await expect(page.get_by_text("Bellhop goes on as ring-ring.")).to_be_visible()
        assert await window.barriers() == []
        await window.shot("setup-done")
        await page.get_by_role("link", name="Install ring-ring on GitHub").click()
        await page.get_by_label("acme/widgets").check()
        await page.get_by_role("button", name="Install").click()
        await page.get_by_role("button", name="Continue as alice").click()
        await page.wait_for_url(f"{there.url}/**")
        await window.shot("setup-installed")
        await until(there.ready, "a Bellhop that works")
        issue = there.sim.open_issue(there.repository, author="alice", title="It is broken")
        there.sim.comment(issue, author="alice", body="@ring-ring help")
        await until(lambda: len(issue.comments) > 1, "Bellhop's answer")
        await windows.close()


async def test_every_step_in_every_look(windows: Windows, tmp_path: Path) -> None:
    windows.expected.append("Failed to load resource")  # what is told to be wrong
    async with setting(tmp_path, **GREEN) as there:
        window = await windows.open(there.url)
        page, wrong = window.page, dict[str, object]()
        go_on = page.get_by_role("button", name="Go on")

        async def look(name: str) -> None:
            wrong.update(await window.wrong_in_any_look(f"setup-{name}"))

        await window.go("/setup")
        await look("code")
        await page.get_by_label("Code").fill("AAAA-BBBB-CCCC")
        await go_on.click()
        await expect(page.get_by_role("alert")).to_contain_text("That is not the code.")
        await look("code-wrong")
        await page.get_by_label("Code").fill(there.code)
        await go_on.click()
        await look("app")
        await page.get_by_label("Organisation").fill("no such name!")
        await page.evaluate("document.querySelector('main form').noValidate = true")
        await go_on.click()
        await expect(page.locator("[aria-invalid=true]")).to_have_count(1)
        await look("app-wrong")
        await page.get_by_label("Organisation").fill("acme")
        await go_on.click()
        await look("confirm")
        assert await window.go("/setup/created?code=abc&state=forged") == 403
        await look("failed")
        stranger = await windows.open(there.url)
        await stranger.go("/setup")
        wrong |= await stranger.wrong_in_any_look("setup-elsewhere")
        await window.go("/setup")
        await page.get_by_role("button", name="Create it on GitHub").click()
        await page.get_by_role("button", name="Create GitHub App").click()
        await expect(page.get_by_text("Bellhop goes on as")).to_be_visible()
        await look("done")
        assert wrong == {}
        await windows.close()
