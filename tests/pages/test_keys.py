"""API keys in a browser: made, copied, used, deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.http_tasks import Client
from tests.pages.place import place
from tests.pages.window import Windows

KEYS = "/settings/keys"
COPY = ["clipboard-read", "clipboard-write"]


async def test_a_key_is_made_copied_used_and_deleted(windows: Windows, tmp_path: Path) -> None:
    async with place(tmp_path, windows) as there:
        window = await there.window("bob", permissions=COPY)
        page = window.page
        await window.go(KEYS)
        await page.get_by_label("Name").fill("The nightly report")
        await page.get_by_role("button", name="Make the key").click()
        await page.get_by_role("button", name="Copy").click()
        await page.get_by_text("Copied.").wait_for()
        await window.shot("key-made")
        key: str = await page.evaluate("navigator.clipboard.readText()")
        assert key == await page.get_by_role("textbox", name="Your new key").input_value()
        client = Client(there.desk.stage, there.desk.session, key)
        assert (await client.ask()).status == 202
        await page.reload()
        assert "is shown once, and this one was" in await window.text()
        assert key not in await page.content()
        await page.get_by_role("link", name="Delete the key The nightly report").click()
        await page.get_by_role("link", name="Keep it").click()
        assert window.here == KEYS
        await page.get_by_role("link", name="Delete the key The nightly report").click()
        await page.get_by_role("button", name="Delete the key").click()
        await page.get_by_text("The key is deleted.").wait_for()
        assert "No keys yet" in await window.text()
        assert (await client.call("GET", "/tasks")).status == 401


@pytest.mark.parametrize("path", [KEYS, "/settings/webhook-secrets"])
async def test_what_cannot_be_copied_is_said(windows: Windows, tmp_path: Path, path: str) -> None:
    async with place(tmp_path, windows) as there:
        window = await there.window("bob")
        page = window.page
        # A browser that lets no page near what is copied, as an organisation may set it.
        await page.add_init_script(
            "navigator.clipboard.writeText = () => Promise.reject(new Error('NotAllowed'))"
        )
        await window.go(path)
        if path == KEYS:
            await page.get_by_label("Name").fill("n")
        await page.locator("main").get_by_role("button").click()
        await page.get_by_role("button", name="Copy").click()
        await page.get_by_text("Your browser does not let Bellhop copy.").wait_for()
        chosen = await page.evaluate("document.activeElement.id")
        assert chosen == "made"
        assert await page.evaluate("getSelection().toString()")


async def test_without_scripts_nothing_is_missing(windows: Windows, tmp_path: Path) -> None:
    async with place(tmp_path, windows) as there:
        window = await there.window("bob", java_script_enabled=False)
        page = window.page
        await window.go(KEYS)
        await page.get_by_label("Name").fill("n")
        await page.get_by_role("button", name="Make the key").click()
        assert (await page.get_by_role("textbox", name="Your new key").input_value()).startswith(
            "bh_"
        )
        assert await page.get_by_role("button", name="Copy").count() == 0
