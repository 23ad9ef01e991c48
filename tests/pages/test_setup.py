"""From nothing to an installed App that answers, in a browser."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import expect

from tests.pages.window import NARROW, Windows
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


async def test_it_fits_a_phone(windows: Windows, tmp_path: Path) -> None:
    async with setting(tmp_path, **GREEN) as there:
        window = await windows.open(there.url, width=NARROW, scheme="dark")
        await window.go("/setup")
        assert await window.fits()
        await window.page.get_by_label("Code").fill(there.code)
        await window.page.get_by_role("button", name="Go on").click()
        assert await window.fits()
        assert await window.barriers() == []
        await window.page.get_by_role("button", name="Go on").click()
        assert await window.fits()
        await window.shot("setup-confirm-360", whole=True)
        await windows.close()
