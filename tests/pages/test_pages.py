"""Every page, narrow and wide, light and dark: it fits, and keeps nobody out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path

import pytest

from tests.http_github import signed_in
from tests.pages.busy import AGENT, busy
from tests.pages.place import Place, place
from tests.pages.window import NARROW, WIDE, Scheme, Window, Windows
from tests.story import Stage

SCHEMES: tuple[Scheme, ...] = ("light", "dark")
LOOKS = tuple(product((NARROW, WIDE), SCHEMES))
ADMINS = ("tina",)
pytestmark = pytest.mark.timeout(300)  # a hundred pages, each looked at and through

STRANGERS = {"landing": "/", "sign-in": "/sign-in"}
EMPTY = {
    "feed-none": "/",
    "plots-none": "/plots",
    "settings": "/settings",
    "defaults": "/settings/defaults",
    "providers": "/settings/providers",
    "fly": "/settings/fly",
    "keys-none": "/settings/keys",
    "webhook-secrets-none": "/settings/webhook-secrets",
    "sessions": "/settings/sessions",
    "deliveries-none": "/deliveries",
    "deliveries-sent-none": "/deliveries?direction=outbound",
    "nowhere": "/nowhere",
    "absent": "/settings/installations/987654",
}


OF_GITHUB = {"new-task": "/tasks/new?issue=1", "installations": "/installations"}


def _github_fails(stage: Stage) -> None:
    stage.fault("GET", "/user", "status", times=1000, status=502)


def _not_granted(stage: Stage) -> None:
    del stage.installation.permissions["contents"]


async def _look(
    there: Place,
    login: str | None,
    pages: Mapping[str, str],
    looks: Sequence[tuple[int, Scheme]] = LOOKS,
) -> None:
    """Look at pages in every way; all that is wrong with them is told at once."""
    wrong: dict[str, object] = {}
    for width, scheme in looks:
        window = await there.window(login, width=width, scheme=scheme)
        for name, path in pages.items():
            await window.go(path)
            if found := await _wrong(window, f"{name}-{width}-{scheme}"):
                wrong[f"{name}-{width}-{scheme}"] = found
    assert wrong == {}


async def _wrong(window: Window, name: str) -> list[object]:
    await window.shot(name, whole=True)
    found: list[object] = list(await window.barriers())
    if not await window.fits():
        found.append("it has to be scrolled to the side")
    return found


async def test_what_strangers_see(windows: Windows, tmp_path: Path) -> None:
    async with place(tmp_path, windows) as there:
        await _look(there, None, STRANGERS)


async def test_the_long_page_of_the_api(windows: Windows, tmp_path: Path) -> None:
    async with place(tmp_path, windows) as there:
        await _look(there, None, {"docs": "/docs"}, ((NARROW, "dark"), (WIDE, "light")))


async def test_what_somebody_new_sees(windows: Windows, tmp_path: Path) -> None:
    windows.expected.append("Failed to load resource")  # where the page is one of an error
    async with place(tmp_path, windows, admins=ADMINS) as there:
        await signed_in(there.desk, "tina")
        await _look(there, "tina", EMPTY)


@pytest.mark.parametrize(
    ("name", "login", "change"),
    [
        ("some", "alice", lambda _: None),
        ("none", "visitor", lambda _: None),
        ("down", "alice", _github_fails),
        ("not-granted", "alice", _not_granted),
        ("again", "bob", lambda _: None),
    ],
)
async def test_what_is_seen_of_github(
    windows: Windows, tmp_path: Path, name: str, login: str, change: Callable[[Stage], None]
) -> None:
    windows.expected.append("Failed to load resource")
    pages = {f"{page}-{name}": path for page, path in OF_GITHUB.items()}
    async with place(tmp_path, windows) as there:
        if name != "again":  # they have to sign in once more
            await signed_in(there.desk, login)
        change(there.desk.stage)
        await _look(there, login, pages)


async def test_what_is_there_after_a_while(windows: Windows, tmp_path: Path) -> None:
    windows.expected.append("Failed to load resource")
    settings = {"admins": ("alice",), "agent_command": AGENT, "allow_loopback_webhooks": True}
    async with place(tmp_path, windows, **settings) as there:
        await _look(there, "alice", await busy(there))
