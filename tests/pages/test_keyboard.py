"""Without a mouse: the way past the head of the page, and where one is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages.place import place
from tests.pages.window import NARROW, WIDE, Windows

FOCUS = """
() => {
  const one = document.activeElement;
  const style = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  return {
    name: one.textContent.trim() || one.getAttribute("aria-label") || one.name,
    seen: box.width > 0 && box.height > 0 && box.right > 0,
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0,
    field: ["INPUT", "SELECT", "TEXTAREA"].includes(one.tagName),
    body: one === document.body,
  };
}
"""
MOST_STEPS = 60


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("path", ["/", "/settings/keys", "/tasks/new"])
async def test_every_step_of_the_keyboard_is_seen(
    windows: Windows, tmp_path: Path, path: str, width: int
) -> None:
    async with place(tmp_path, windows) as there:
        window = await there.signed_in("alice", path, width=width)
        page = window.page
        await page.keyboard.press("Tab")
        skip = await page.evaluate(FOCUS)
        assert (skip["name"], skip["seen"]) == ("Skip to the content", True)
        names = []
        for _ in range(MOST_STEPS):
            await page.keyboard.press("Tab")
            focus = await page.evaluate(FOCUS)
            if focus["body"]:
                break
            names.append(focus["name"])
            assert focus["seen"], names
            assert focus["outlined"], names
        else:
            pytest.fail(f"the keyboard does not come to the end: {names}")
        assert "New task" in names


async def test_the_skip_link_leads_past_the_head(windows: Windows, tmp_path: Path) -> None:
    async with place(tmp_path, windows) as there:
        window = await there.window("alice")
        page = window.page
        await window.go("/settings/keys")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        inside = "document.getElementById('content').contains(document.activeElement)"
        assert await page.evaluate(inside)


async def test_nothing_moves_for_those_who_asked_for_that(windows: Windows, tmp_path: Path) -> None:
    async with place(tmp_path, windows) as there:
        window = await there.window("alice", reduced_motion="reduce")
        await window.go("/settings/sessions")
        moving = "document.getAnimations().filter(one => one.playState === 'running').length"
        assert await window.page.evaluate(moving) == 0
        scroll = "getComputedStyle(document.documentElement).scrollBehavior"
        assert await window.page.evaluate(scroll) == "auto"
