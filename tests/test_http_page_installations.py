"""The page that shows where the App is installed."""

from __future__ import annotations

from pathlib import Path

from tests.http_github import signed_in, visited
from tests.http_pages import browser
from tests.test_http_github import add, within

PATH = "/installations"
WORDS = ("installed", "updated", "requested", "%3Cb%3E")


async def test_who_is_not_signed_in_signs_in_first(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, _):
        answer = await (await browser(here)).get(PATH)
        assert (answer.status, answer.location) == (303, "/sign-in?next=%2Finstallations")


async def test_what_is_installed_where(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        add(here, "acme/secrets", login="bob", private=True)
        add(here, "beta/crates", role="read", private=True)
        page = await alice.browser.get(PATH)
        assert page.status == 200
        assert "secrets" not in page.html
        web, number = here.stage.settings.github_url, here.stage.installation.id
        for link in (
            f"{web}/apps/bellhop/installations/new",
            f"{web}/settings/installations/{number}",
            f"/settings/installations/{number}",
            f"{web}/acme/widgets",
            "/tasks/new?repository=acme/widgets",
        ):
            assert f'href="{link}"' in page.html
        assert "acme/widgets write main New task" in page.text
        assert "beta/crates (private) read" in page.text
        assert "on some repositories" in page.text


async def test_who_comes_back_from_github_is_told_what_was_done(tmp_path: Path) -> None:
    async with visited(tmp_path) as (_, alice):
        told = {word: (await alice.browser.get(f"{PATH}?done={word}")).text for word in WORDS}
        assert "Bellhop is installed." in told["installed"]
        assert "What is installed has changed." in told["updated"]
        assert "was asked to install Bellhop" in told["requested"]
        assert "<b>" not in told["%3Cb%3E"]


async def test_nothing_installed_says_what_to_do(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, _):
        visitor = await signed_in(here, "visitor")
        page = await visitor.browser.get(PATH)
        assert page.status == 200
        assert "Bellhop is not installed anywhere that you see" in page.text
        assert "/apps/bellhop/installations/new" in page.html


async def test_a_failed_load_is_no_empty_list(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        here.stage.fault("GET", "/user", "status", times=100, status=502)
        page = await alice.browser.get(PATH)
        assert page.status == 503
        assert page.headers["Retry-After"]
        assert "cannot be shown at the moment" in page.text
        assert "not installed" not in page.text


async def test_one_that_cannot_be_loaded_hides_no_other(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        add(here, "beta/crates")
        here.stage.fault("GET", within(here), "status", times=100, status=502)
        page = await alice.browser.get(PATH)
        assert page.status == 200
        assert "Its repositories cannot be shown at the moment" in page.text
        assert "beta/crates write" in page.text


async def test_what_github_hides_is_no_empty_list(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        here.stage.fault(
            "GET", within(here), "status", times=1, status=403, body='{"message": "SSO"}'
        )
        page = await alice.browser.get(PATH)
        assert "does not show its repositories to you" in page.text


async def test_a_suspended_installation(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        here.stage.sim.suspend(here.stage.installation)
        page = await alice.browser.get(PATH)
        assert page.status == 200
        assert "It is suspended since" in page.text
        assert not alice.statuses(within(here))


async def test_missing_permissions_are_told(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        del here.stage.installation.permissions["pull_requests"]
        page = await alice.browser.get(PATH)
        assert "Its owner has yet to grant: pull_requests: write" in page.text


async def test_who_must_sign_in_again_is_told_so(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        here.stage.sim.revoke_authorization("alice")
        page = await alice.browser.get(PATH)
        assert page.status == 401
        assert "/api/auth/github?next=%2Finstallations" in page.html
        assert "not installed" not in page.text
