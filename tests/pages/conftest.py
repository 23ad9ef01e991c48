"""One browser for all tests of a worker, a fresh profile for each; without one they are skipped."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from tests.pages.window import Windows

HERE = Path(__file__).parent
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"
SCREENSHOTS = HERE.parent.parent / "screenshots"
NAMES = ("chromium", "chromium-browser", "google-chrome")
expect.set_options(timeout=15_000)
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them share the browser, and so the loop that it is spoken to in."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def _needed(found: str | None, missing: str) -> str:
    """What a test cannot do without: CI has it, a newcomer is told what to install."""
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    found = AXE.read_text() if AXE.exists() else None
    return _needed(found, "axe-core is not there: `make test-pages` installs it with npm")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncGenerator[Browser]:
    """A browser without a window."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    program = _needed(found, "no Chromium: on Debian, `apt-get install chromium`")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def windows(browser: Browser, axe: str) -> AsyncGenerator[Windows]:
    """Opens windows; none of them may have complained when the test is over."""
    SCREENSHOTS.mkdir(exist_ok=True)
    made = Windows(browser, axe, SCREENSHOTS)
    try:
        yield made
    finally:
        await made.close()
    assert made.complaints == []
