"""Every page, narrow and wide, light and dark: it fits, and keeps nobody out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.http_github import signed_in
from tests.pages.busy import AGENT, busy
from tests.pages.place import Place, place
from tests.pages.window import LOOKS, NARROW, Windows
from tests.story import Stage
from tests.test_story_refusals import ALICE

ADMINS = ("tina",)
pytestmark = pytest.mark.timeout(300)  # a hundred pages, each looked at and through

STRANGERS = {"landing": "/", "sign-in": "/sign-in", "docs": "/docs"}
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
) -> None:
    """Look at pages in every way; all that is wrong with them is told at once."""
    wrong: dict[str, object] = {}
    for width, scheme in LOOKS:
        window = await there.window(login, width=width, scheme=scheme)
        for name, path in pages.items():
            await window.go(path)
            if found := await window.wrong(f"{name}-{width}-{scheme}"):
                wrong[f"{name}-{width}-{scheme}"] = found
    assert wrong == {}


async def test_what_strangers_see(windows: Windows, tmp_path: Path) -> None:
    async with place(tmp_path, windows) as there:
        await _look(there, None, STRANGERS)


async def test_the_head_of_a_phone_is_as_high_on_each_page(
    windows: Windows, tmp_path: Path
) -> None:
    async with place(tmp_path, windows) as there:
        await signed_in(there.desk, "alice")
        window = await there.window("alice", width=NARROW)
        high: dict[str, float] = {}
        for path in ("/", "/plots", "/installations", "/settings", "/docs", "/tasks/new"):
            await window.go(path)
            box = await window.page.get_by_role("banner").bounding_box()
            assert box is not None
            high[path] = box["height"]
        assert len(set(high.values())) == 1, high


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


async def test_what_an_installation_has_set(windows: Windows, tmp_path: Path) -> None:
    own: list[int] = []

    def prepare(stage: Stage) -> None:
        own.append(stage.sim.install(stage.sim.add_repository("alice/own", {"a": "b"})).id)

    async with place(tmp_path, windows, prepare) as there:
        await signed_in(there.desk, "alice")
        base = f"/settings/installations/{own[0]}"
        pages = {"defaults": "", "providers": "/providers", "fly": "/fly"}
        pages |= {"provider-remove": "/providers/anthropic/remove", "fly-remove": "/fly/remove"}
        await _look(there, "alice", {f"of-{name}": base + tail for name, tail in pages.items()})


async def test_what_waits_for_approval(windows: Windows, tmp_path: Path) -> None:
    def prepare(stage: Stage) -> None:
        asked = {".github/bellhop.yml": "outsiders: approve\n"}
        stage.repository.commit("main", asked, "Let strangers ask", ALICE)

    async with place(tmp_path, windows, prepare) as there:
        stage = there.desk.stage
        words = "Oil <b>the</b> door\u202e, @everyone.\n\n    " + "creak-" * 40
        stage.comments("visitor", f"/fix {words}")
        task = await stage.in_state("awaiting_approval")
        await _look(
            there, "alice", {"task-waits": f"/tasks/{task.id}", "feed-waits": "/?q=owner:anyone"}
        )


async def test_what_is_there_after_a_while(windows: Windows, tmp_path: Path) -> None:
    windows.expected.append("Failed to load resource")
    settings = {"admins": ("alice",), "agent_command": AGENT, "allow_loopback_webhooks": True}
    async with place(tmp_path, windows, **settings) as there:
        await _look(there, "alice", await busy(there))
