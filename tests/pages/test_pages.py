"""Every page, narrow and wide, light and dark: it fits, and keeps nobody out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import product
from pathlib import Path

import pytest

from tests.pages.place import Place, place
from tests.pages.window import NARROW, WIDE, Scheme, Window, Windows

SCHEMES: tuple[Scheme, ...] = ("light", "dark")
LOOKS = tuple(product((NARROW, WIDE), SCHEMES))

Prepare = Callable[[Place], Awaitable[None]]


async def _nothing(there: Place) -> None:
    """As it is for somebody who has just come."""


async def _keys(there: Place) -> None:
    await there.desk.client("tina")
    await there.desk.secret("tina")


PAGES: list[tuple[str, str | None, str, Prepare]] = [
    ("docs", None, "/docs", _nothing),
    ("sign-in", None, "/sign-in", _nothing),
    ("nowhere", "tina", "/nowhere", _nothing),
    ("settings", "tina", "/settings", _keys),
    ("keys-none", "tina", "/settings/keys", _nothing),
    ("keys", "tina", "/settings/keys", _keys),
    ("webhook-secrets", "tina", "/settings/webhook-secrets", _keys),
    ("sessions", "tina", "/settings/sessions", _nothing),
    ("deliveries", "tina", "/deliveries", _nothing),
    ("deliveries-sent", "tina", "/deliveries?direction=outbound", _nothing),
    ("deliveries-forbidden", "alice", "/deliveries", _nothing),
]


@pytest.mark.parametrize(("name", "login", "path", "prepare"), PAGES, ids=[one[0] for one in PAGES])
async def test_it_fits_and_keeps_nobody_out(  # noqa: PLR0917 - pytest gives them by name
    windows: Windows, tmp_path: Path, name: str, login: str | None, path: str, prepare: Prepare
) -> None:
    windows.expected.append("Failed to load resource")  # where the page is one of an error
    async with place(tmp_path, windows, admins=("tina",)) as there:
        await prepare(there)
        for width, scheme in LOOKS:
            window = await there.window(login, width=width, scheme=scheme)
            await window.go(path)
            await _look_at(window, f"{name}-{width}-{scheme}")


async def _look_at(window: Window, name: str) -> None:
    await window.shot(name, whole=True)
    assert await window.fits(), f"{name} has to be scrolled to the side"
    assert await window.barriers() == [], name
