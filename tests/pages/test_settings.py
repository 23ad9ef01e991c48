"""Settings in a browser: keys of providers, and installations that are one's own or not."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import expect

from tests.pages.place import place
from tests.pages.window import Windows
from tests.providers import BAD, GOOD, provider
from tests.story import Stage

PROVIDERS = "/settings/providers"


async def test_a_key_of_a_provider_is_saved_tested_and_never_shown_again(
    windows: Windows, tmp_path: Path
) -> None:
    windows.expected.append("Failed to load resource")  # the form that is refused
    async with provider() as there, place(tmp_path, windows, there.stands_in) as home:
        window = await home.window("alice")
        page = window.page
        await window.go(PROVIDERS)
        card = page.get_by_role("region", name="Anthropic")
        save = card.get_by_role("button", name="Save")
        await card.locator("input[type=password]").fill(BAD)
        await save.click()
        await expect(card.locator(".problem")).to_contain_text("It is not saved.")
        assert await card.get_by_role("button", name="Test").count() == 0
        await card.locator("input[type=password]").fill(GOOD)
        await save.click()
        await expect(page.get_by_text("Saved. Anthropic takes it.")).to_be_visible()
        await expect(card).to_contain_text("Ends in abcd")
        await window.shot("provider-saved")
        await card.get_by_role("button", name="Test").click()
        await expect(page.get_by_text("Anthropic takes it.")).to_be_visible()
        for path in (PROVIDERS, "/settings"):
            await window.go(path)
            assert GOOD not in await page.content()
        await window.go(PROVIDERS)
        there.down = True
        await card.get_by_role("button", name="Test").click()
        await expect(page.get_by_text("This says nothing about it.")).to_be_visible()
        await card.get_by_role("link", name="Remove").click()
        await page.get_by_role("button", name="Remove the key").click()
        await expect(page.get_by_text("The key is removed.")).to_be_visible()


async def test_an_installation_that_is_not_yours_is_refused(
    windows: Windows, tmp_path: Path
) -> None:
    windows.expected.append("Failed to load resource")
    own: list[int] = []

    def prepare(stage: Stage) -> None:
        own.append(stage.sim.install(stage.sim.add_repository("alice/own", {"a": "b"})).id)

    async with place(tmp_path, windows, prepare) as home:
        path = f"/settings/installations/{own[0]}"
        alice = await home.signed_in("alice", "/installations")
        await alice.page.get_by_role("link", name="Settings of alice").click()
        assert alice.here == path
        await alice.page.get_by_label("Model").fill("openai/gpt-5")
        await alice.page.get_by_role("button", name="Save").click()
        await expect(alice.page.get_by_text("Saved.")).to_be_visible()
        bob = await home.signed_in("bob")
        for tail in ("", "/providers", "/fly"):
            assert await bob.go(f"{path}{tail}") == 404
            assert "There is nothing here" in await bob.text()
            assert "gpt-5" not in await bob.text()
        theirs = home.desk.stage.installation.id
        assert await alice.go(f"/settings/installations/{theirs}") == 403
        assert "does not tell Bellhop who administers" in await alice.text()
