"""A log as long as logs get: little of it is in the document, and it scrolls and is searched."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.async_api import expect

from storage.logs import LogLine
from tests.pages.place import Place, place
from tests.pages.window import Windows

LINES = 50_000
AT_ONCE = 10_000
KINDS = ("info", "command", "error")
MOST_ROWS = 400
"""Rows in the document, however long the log is."""
MOST_SECONDS = 0.5
"""What a page may take, on a busy machine, to show another part of the log."""

JUMP = """
async (part) => {
  const view = document.querySelector("[data-log-view]");
  const begun = performance.now();
  view.scrollTop = view.scrollHeight * part;
  await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now() - begun;
}
"""


async def long_log(there: Place) -> str:
    """The id of a task that has ended and has as many lines as are kept."""
    stage = there.desk.stage
    stage.comments("alice", "/fix it")
    task = await stage.ended()
    logs, now = stage.bot.store.logs, stage.clock()
    few = len(await logs.of_task(task.id))
    for first in range(few, LINES, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, LINES))
        lines = [LogLine(KINDS[number % 3], f"line {number} of them", now) for number in numbers]
        await logs.append(task.id, 1, lines)
    return task.id


async def test_fifty_thousand_lines(windows: Windows, tmp_path: Path) -> None:
    async with place(tmp_path, windows) as there:
        task_id = await long_log(there)
        window = await there.window("alice")
        page = window.page
        await window.go(f"/tasks/{task_id}")
        shown, rows = page.locator("[data-log-rows]"), page.locator("[data-log-rows] > *")
        count = page.locator("[data-log-count]")
        await expect(count).to_contain_text("50,0", timeout=20_000)
        await expect(count).to_contain_text("times in UTC")
        for part, seen in ((0, "command (sh)"), (0.5, "line 250"), (1, f"line {LINES - 1} of")):
            took = await page.evaluate(JUMP, part)
            assert took / 1000 < MOST_SECONDS, (part, took)
            assert await rows.count() < MOST_ROWS
            await expect(shown).to_contain_text(seen)
        await page.get_by_label("Search the log").fill("line 31415")
        await expect(rows).to_have_count(1)
        await expect(shown).to_contain_text("line 31415 of them")
        said = page.locator("#log [role=status]")  # once an answer, and not with every line
        await expect(said).to_have_text(re.compile(r"^1 of 50,0\d\d lines$"))
        await expect(page.get_by_role("status").and_(count)).to_have_count(0)
        await page.get_by_label("Search the log").fill("")
        await page.get_by_label("Which lines").select_option("error")
        await expect(count).to_contain_text("16,6")
        assert await window.fits()
        await window.shot("log-errors")
