"""A new task, asked for in a browser: by typing, by the keyboard alone, and without scripts."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.http_github import signed_in
from tests.http_tasks import WAITS
from tests.pages.place import Place, place
from tests.pages.window import NARROW, Window, Windows

PATH = "/tasks/new"
SUGGESTED = ".suggestions li:visible"
SCRIPT = "<img src=x onerror=alert(1)>"


@asynccontextmanager
async def at_the_form(
    folder: Path, windows: Windows, **more: Any
) -> AsyncGenerator[tuple[Place, Window]]:
    """Alice before the form, with three repositories and two issues to choose from."""
    async with place(folder, windows, agent_command=WAITS) as there:
        sim = there.desk.stage.sim
        for name in ("acme/anvils", "beta/crates"):
            made = sim.add_repository(name, {"README.md": "#\n"}, private=name == "beta/crates")
            made.set_role("alice", "write")
            sim.install(made)
        sim.open_issue(there.desk.stage.repository, author="bob", title=SCRIPT, body="")
        alice = await signed_in(there.desk, "alice")
        window = await windows.open(there.url, cookie=alice.browser.cookie, **more)
        await window.go(PATH)
        yield there, window


async def test_everything_by_the_keyboard(windows: Windows, tmp_path: Path) -> None:
    async with at_the_form(tmp_path, windows) as (there, window):
        page, keys = window.page, window.page.keyboard
        repository = page.get_by_role("combobox", name="Repository")
        await repository.focus()
        await keys.type("a")
        await page.locator(SUGGESTED).nth(2).wait_for()
        assert await repository.get_attribute("aria-expanded") == "true"
        await keys.press("ArrowDown")
        await keys.press("ArrowUp")
        chosen = await repository.get_attribute("aria-activedescendant")
        assert chosen
        assert await page.locator(f"#{chosen}").get_attribute("aria-selected") == "true"
        await keys.press("Escape")
        assert await page.locator(SUGGESTED).count() == 0
        await repository.fill("widg")
        await page.get_by_role("option", name="acme/widgets").wait_for()
        await keys.press("ArrowDown")
        await keys.press("Enter")
        assert await repository.input_value() == "acme/widgets"
        issue = page.get_by_role("combobox", name="Issue or pull request")
        assert await issue.evaluate("field => field === document.activeElement")
        await keys.type("broken")
        await page.get_by_role("option", name="#1 It is broken").wait_for()
        await window.shot("new-task-suggestions")
        assert await window.barriers() == []
        await keys.press("ArrowDown")
        await keys.press("Enter")
        assert await issue.input_value() == "1"
        await page.get_by_role("status").filter(has_text="#1 It is broken").wait_for()
        await keys.press("Tab")
        await keys.type("Mend it, please.")
        await page.get_by_role("button", name="Start the task").press("Enter")
        await page.wait_for_url("**/tasks/*-*")
        (task,) = await there.desk.stage.tasks()
        assert window.here == f"/tasks/{task.id}"
        assert (task.origin.kind, task.wish.prompt) == ("web", "Mend it, please.")


async def test_a_click_chooses_and_a_script_in_a_title_is_text(
    windows: Windows, tmp_path: Path
) -> None:
    async with at_the_form(tmp_path, windows, width=NARROW) as (_, window):
        page = window.page
        await page.get_by_role("combobox", name="Repository").click()
        await page.get_by_role("option", name="acme/widgets").click()
        issue = page.get_by_role("combobox", name="Issue or pull request")
        await issue.click()
        await page.get_by_role("option", name=f"#2 {SCRIPT}").click()
        assert await issue.input_value() == "2"
        assert SCRIPT in await window.text()
        assert await page.locator("main img").count() == 0
        assert await window.fits()


async def test_nothing_found_and_nothing_chosen_yet(windows: Windows, tmp_path: Path) -> None:
    async with at_the_form(tmp_path, windows) as (_, window):
        page = window.page
        issue = page.get_by_role("combobox", name="Issue or pull request")
        await issue.click()
        await page.get_by_text("Choose a repository first.").wait_for()
        repository = page.get_by_role("combobox", name="Repository")
        await repository.fill("nothing")
        await page.get_by_text("No repository is called so.").wait_for()
        assert await page.locator(SUGGESTED).count() == 0
        assert await repository.get_attribute("aria-expanded") == "false"


async def test_a_search_that_fails_says_so_and_what_was_typed_counts(
    windows: Windows, tmp_path: Path
) -> None:
    windows.expected.append("Failed to load resource")
    async with at_the_form(tmp_path, windows) as (there, window):
        page, stage = window.page, there.desk.stage
        stage.time_passes(minutes=1)
        stage.fault("GET", "/user", "status", times=100, status=502)
        await page.get_by_role("combobox", name="Repository").fill("acme/widgets")
        await page.get_by_text("GitHub did not say").wait_for()
        await page.get_by_label("What is to be done").fill("Mend it.")
        await page.get_by_role("button", name="Start the task").click()
        await page.wait_for_url("**/tasks/*-*")


async def test_without_scripts_a_search_makes_the_list(windows: Windows, tmp_path: Path) -> None:
    windows.expected.append("Failed to load resource")  # what was not filled in is answered 422
    async with at_the_form(tmp_path, windows, java_script_enabled=False) as (there, window):
        page = window.page
        await page.get_by_label("Find a repository").fill("WIDG")
        await page.get_by_role("button", name="Search").click()
        await page.get_by_label("Repository", exact=True).select_option("acme/widgets")
        await page.get_by_role("button", name="Start the task").click()
        assert "one field needs another look" in await window.text()
        await window.shot("new-task-problem")
        await page.get_by_role("link", name="What is to be done").click()
        await page.get_by_label("What is to be done").fill("Mend it.")
        await page.get_by_role("button", name="Start the task").click()
        assert await there.desk.count() == 1
