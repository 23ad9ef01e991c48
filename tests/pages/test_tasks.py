"""Tasks in a browser: asked for, watched live to their end, stopped, tried again, talked to."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.async_api import Page, expect

from tests.pages.place import place
from tests.pages.window import Window, Windows

TASK = re.compile(r"/tasks/[0-9a-f-]{36}")
MARK = "window.notLoadedAnew = true"
MARKED = "window.notLoadedAnew === true"


def gated(folder: Path, work: str = "echo fixed >> fix.txt; echo Mended.") -> tuple[str, Path]:
    """An agent that waits in the middle of its work until a file is there."""
    gate = folder / "go"
    return f"echo Looking around.; while ! test -e {gate}; do sleep 0.05; done; {work}", gate


async def ask(window: Window, prompt: str, *, issue: str = "") -> Page:
    """Fill the form of a new task in, as somebody whom GitHub knows; the page of the task."""
    page = window.page
    await window.go("/tasks/new")
    await page.get_by_role("combobox", name="Repository").fill("acme/widgets")
    await page.get_by_role("option", name="acme/widgets").click()
    await expect(page.get_by_role("button", name="Search")).to_be_hidden()
    await page.get_by_role("combobox", name="Issue or pull request").fill(issue)
    await page.get_by_label("What is to be done").fill(prompt)
    await page.get_by_role("button", name="Start the task").click()
    await page.wait_for_url(TASK)
    return page


async def reaches(page: Page, status: str) -> None:
    """Wait until the page shows a status, without being loaded anew."""
    await expect(page.locator(f".task-head .badge.is-{status}")).to_be_visible(timeout=30_000)


async def test_somebody_signs_in_and_out(windows: Windows, tmp_path: Path) -> None:
    async with place(tmp_path, windows) as there:
        window = await there.signed_in("alice", "/settings/sessions")
        assert window.here == "/settings/sessions", "they come back to where they wanted to go"
        assert "Chrome on Linux" in await window.text()
        await window.page.get_by_text("alice", exact=True).click()
        await window.page.get_by_role("button", name="Sign out").click()
        await expect(window.page.get_by_role("link", name="Sign in with GitHub")).to_be_visible()
        await window.go("/settings/sessions")
        assert window.here.startswith("/sign-in")


async def test_a_task_is_asked_for_and_watched_to_its_pull_request(
    windows: Windows, tmp_path: Path
) -> None:
    agent, gate = gated(tmp_path)
    async with place(tmp_path, windows, agent_command=agent) as there:
        window = await there.signed_in("alice")
        feed = await there.signed_in("alice")
        await feed.page.evaluate(MARK)
        page = await ask(window, "Please mend it.", issue="1")
        await page.evaluate(MARK)
        await reaches(page, "running")
        await expect(page.get_by_text("Looking around.")).to_be_visible()
        await expect(feed.page.locator(".feed .badge.is-running")).to_be_visible()
        await window.shot("story-running", whole=True)
        gate.touch()
        await reaches(page, "completed")
        pull = page.get_by_role("link", name="Look at the pull request")
        await expect(pull).to_be_visible()
        await expect(feed.page.locator(".feed .badge.is-completed")).to_be_visible()
        await expect(page.locator(".task-head.is-completed")).to_be_visible()
        await expect(page.get_by_role("heading", name="Ask for more")).to_be_visible()
        assert await page.evaluate(MARKED)
        assert await feed.page.evaluate(MARKED)
        await window.shot("story-completed", whole=True)
        await pull.click()
        await expect(page.get_by_text("Closes #1", exact=True)).to_be_visible()
        final = there.desk.stage.final()
        address = re.search(rf"{there.url}/tasks/[0-9a-f-]+", final)
        assert address is None or await window.go(address[0].removeprefix(there.url)) == 200


async def test_a_task_is_stopped_tried_again_and_talked_to(
    windows: Windows, tmp_path: Path
) -> None:
    agent, gate = gated(tmp_path)
    async with place(tmp_path, windows, agent_command=agent) as there:
        window = await there.signed_in("alice")
        page = await ask(window, "Please mend it.")
        await reaches(page, "running")
        await page.get_by_role("button", name="Stop").click()
        await reaches(page, "cancelled")
        await page.get_by_role("button", name="Try again").click()
        await reaches(page, "running")
        gate.touch()
        await reaches(page, "completed")
        gate.unlink()
        await page.get_by_label("Message").fill("And the other one, please.")
        await page.get_by_role("button", name="Send").click()
        await reaches(page, "running")
        gate.touch()
        await reaches(page, "completed")
        await expect(page.locator(".gauges")).to_contain_text("3")
        assert "Attempt 3" in await window.text()


SCRIPT = "<script>window.harmed = true</script><img src=x onerror='window.harmed = true'>"


async def test_a_script_in_a_title_or_in_a_line_is_text(windows: Windows, tmp_path: Path) -> None:
    agent = f'echo "{SCRIPT}"; echo fixed >> fix.txt; echo "Mended. {SCRIPT}"'
    async with place(tmp_path, windows, agent_command=agent) as there:
        stage = there.desk.stage
        issue = stage.sim.open_issue(stage.repository, author="bob", title=f"Broken {SCRIPT}")
        window = await there.signed_in("alice")
        page = await ask(window, f"Mend {SCRIPT}", issue=str(issue.number))
        await reaches(page, "completed")
        await expect(page.locator("[data-log-rows]")).to_contain_text("<script>")
        assert await page.evaluate("window.harmed") is None
        await window.go("/")
        await expect(page.locator(".feed")).to_contain_text("<script>")
        assert await page.evaluate("window.harmed") is None
        await window.go("/tasks/new")
        await page.get_by_role("combobox", name="Repository").fill("acme/widgets")
        await page.get_by_role("combobox", name="Issue or pull request").press_sequentially("Brok")
        await expect(page.get_by_role("option").filter(has_text="<script>").first).to_be_visible()
        assert await page.evaluate("window.harmed") is None


async def test_a_page_goes_on_when_bellhop_comes_back(windows: Windows, tmp_path: Path) -> None:
    windows.expected += ["Failed to load resource", "ERR_"]  # while nobody answers
    agent, gate = gated(tmp_path, "echo fixed >> fix.txt; echo 'After the break.'")
    async with place(tmp_path, windows, agent_command=agent) as there:
        window = await there.signed_in("alice")
        page = await ask(window, "Please mend it.")
        await page.evaluate(MARK)
        await reaches(page, "running")
        await there.desk.stage.stop()
        await expect(page.locator("#live[data-state=lost]")).to_be_visible(timeout=20_000)
        await window.shot("story-lost")
        await there.desk.stage.start()
        await expect(page.locator("#live[data-state=live]")).to_be_visible(timeout=40_000)
        gate.touch()
        await reaches(page, "completed")
        await expect(page.locator("[data-log-rows]")).to_contain_text("After the break.")
        assert await page.evaluate(MARKED)
