"""What holds for every page: who sees it, what it may load, and how its errors look."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bot.http.limiting import Limits
from bot.http.own_path import own_path
from bot.http.pages import HERE, is_page
from bot.http.static_files import FOLDER, static
from tests.http_github import signed_in
from tests.http_pages import browser
from tests.http_tasks import ABSENT, desk
from tests.story import Stage

OWN_CODE = r"<script(?![^>]*\bsrc=)|<style\b|\sstyle\s*=|\son[a-z]+=\""
"""Script and style that stand in a page itself."""
TEMPLATES = sorted((HERE / "templates").glob("*.html"))


@pytest.mark.parametrize(
    ("given", "leads"),
    [
        ("/tasks/new?a=b&c=d", "/tasks/new?a=b&c=d"),
        ("/", "/"),
        (None, "/"),
        ("", "/"),
        ("tasks", "/"),
        ("//evil.test", "/"),
        ("///evil.test", "/"),
        ("/\\evil.test", "/"),
        ("/a\\b", "/"),
        ("/\t/evil.test", "/"),
        ("/ok\r\nSet-Cookie: a=b", "/"),
        ("https://evil.test/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\u2215evil.test", "/"),
        ("/" + "a" * 3000, "/"),
    ],
)
def test_nobody_is_sent_elsewhere(given: str | None, leads: str) -> None:
    assert own_path(given) == leads


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_script_or_style_of_its_own(path: Path) -> None:
    text = path.read_text()
    assert re.findall(rf"{OWN_CODE}|javascript:", text) == []
    assert re.findall(r'(?:src|href)="(?:https?:)?//', text) == []
    assert re.findall(r"(?<!['\"])\s*\|\s*safe\b", text) == [], "only words of our own are markup"


SIGNED_IN = [path for path in TEMPLATES if not path.name.startswith("setup_")]
"""Before there is an App nobody can sign in."""


@pytest.mark.parametrize("path", SIGNED_IN, ids=lambda path: path.name)
def test_every_form_that_changes_something_has_the_token(path: Path) -> None:
    for form in re.findall(r"<form\b.*?</form>", path.read_text(), re.DOTALL):
        if 'method="post"' in form:
            assert '<input type="hidden" name="form_token" value="{{ form_token }}">' in form


async def test_no_page_lets_anything_in(tmp_path: Path) -> None:
    async with desk(tmp_path, admins=("alice",)) as (here, client):
        made = await client.ask("Mend it.")
        await here.ended(made.id)
        alice = await browser(here, "alice")
        app = here.stage.bot.application()
        paths = {
            route.resource.canonical.replace("{task_id}", made.id)
            for route in app.router.routes()
            if route.method == "GET" and route.resource and is_page(app, route.handler)
        }
        assert {"/", "/plots", "/sign-in", "/docs", f"/tasks/{made.id}"} <= paths
        for path in sorted(paths):
            shown = await alice.get(path)
            assert shown.status < 500, path
            if shown.status == 303:
                continue
            policy = shown.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self';")
            assert "unsafe" not in policy
            assert shown.headers["X-Content-Type-Options"] == "nosniff"
            assert (
                re.findall(r"<script(?![^>]*\bsrc=)|<style\b|\sstyle=|\son[a-z]+=", shown.html)
                == []
            )
            assert shown.html.count("<h1") == 1, path
            there = re.findall(r'\sid="([^"]+)"', shown.html)
            assert len(there) == len(set(there)), path
            named = re.findall(r'aria-(?:describedby|labelledby)="([^"]*)"', shown.html)
            assert {one for some in named for one in some.split()} <= set(there), path
            assert all(named), path


async def test_no_form_is_taken_without_its_token(tmp_path: Path) -> None:
    own: list[int] = []

    def prepare(stage: Stage) -> None:
        own.append(stage.sim.install(stage.sim.add_repository("alice/own", {"a": "b"})).id)

    async with desk(tmp_path, admins=("alice",), prepare=prepare) as (here, client):
        await signed_in(here, "alice")
        made = await client.ask("Mend it.")
        await here.ended(made.id)
        alice = await browser(here, "alice")
        app, filled = here.stage.bot.application(), {"provider": "openai", "task_id": made.id}
        filled |= {"installation_id": str(own[0]), "act": "retry"}
        paths = {
            re.sub(r"\{(\w+)\}", lambda found: filled.get(found[1], ABSENT), canonical)
            for route in app.router.routes()
            if route.method == "POST" and route.resource and is_page(app, route.handler)
            for canonical in [route.resource.canonical]
        }
        assert {
            f"/tasks/{made.id}/retry",
            "/settings/keys",
            "/settings/sessions/others/end",
        } <= paths
        for path in sorted(paths):
            for fields in ({}, {"form_token": "0" * 64}):
                shown = await alice.post(path, fields)
                assert (shown.status, "too old" in shown.text) == (403, True), path
                assert shown.headers["Cache-Control"] == "no-store"
        shown = await alice.get(f"/tasks/{made.id}/retry")
        assert (shown.status, shown.location) == (303, f"/tasks/{made.id}")
        shown = await alice.get("/settings/sessions/others/end")
        assert (shown.status, "only takes a form" in shown.text) == (405, True)


async def test_errors_of_pages_are_pages_and_those_of_the_api_are_not(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, _):
        nobody = await browser(here)
        shown = await nobody.get("/nowhere")
        assert shown.status == 404
        assert "There is nothing here" in shown.text
        assert shown.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert shown.headers["Cache-Control"] == "no-store"
        for path in ("/api/nowhere", "/api/tasks", "/api/openapi.json"):
            api = await nobody.get(path)
            assert api.headers["Cache-Control"] == "no-store", "it may be one person's"
            assert api.headers["X-Content-Type-Options"] == "nosniff"
        api = await nobody.get("/api/nowhere")
        assert api.headers["Content-Type"] == "application/problem+json"
        asked = await nobody.get("/nowhere", Accept="application/json")
        assert asked.headers["Content-Type"] == "application/problem+json"


def _slow(stage: Stage) -> None:
    stage.tempo = replace(stage.tempo, limits=Limits(key=2))


async def test_who_is_too_fast_is_told_so_on_a_page(tmp_path: Path) -> None:
    async with desk(tmp_path, prepare=_slow) as (here, _):
        alice = await browser(here, "alice")
        for _ in range(2):
            shown = await alice.get("/docs")
            assert shown.status == 200
        shown = await alice.get("/docs")
        assert (shown.status, int(shown.headers["Retry-After"]) > 0) == (429, True)
        assert "Load the page again" in shown.text


async def test_a_failing_database_is_told_on_a_page(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, _):
        alice = await browser(here, "alice")
        await here.stage.bot.store.close()
        shown = await alice.get("/docs")
        assert (shown.status, shown.headers["Retry-After"]) == (503, "30")
        assert "Not at the moment" in shown.text
        assert "alice" not in shown.text


async def test_the_page_of_the_sign_in(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, _):
        nobody = await browser(here)
        shown = await nobody.get("/sign-in?next=%2Fplots%3Fdays%3D7&done=signed-out")
        assert 'href="/api/auth/github?next=%2Fplots%3Fdays%3D7"' in shown.html
        assert "You are signed out." in shown.text
        stranger = await nobody.get("/sign-in?next=//evil.test&done=<b>")
        assert 'href="/api/auth/github?next=%2F"' in stranger.html
        assert "evil" not in stranger.html
        alice = await browser(here, "alice")
        there = await alice.get("/sign-in?next=%2Fdocs")
        assert (there.status, there.location) == (303, "/docs")


async def test_files_are_kept_by_browsers_as_long_as_they_are_the_same(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, _):
        nobody = await browser(here)
        page = (await nobody.get("/sign-in")).html
        assert f'href="{static("bellhop.css")}"' in page
        kept = await nobody.get(static("bellhop.css"))
        assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        for path in ("/static/bellhop.css", "/static/bellhop.css?v=0"):
            asked = await nobody.get(path)
            assert asked.headers["Cache-Control"] == "no-cache"
            again = await nobody.get(path, **{"If-None-Match": asked.headers["ETag"]})
            assert (again.status, again.headers["Cache-Control"]) == (304, "no-cache")
        assert (await nobody.get("/static/nothing.css")).status == 404
        assert (await nobody.get("/static/../pages.py")).status == 404


def luminance(colour: str) -> float:
    """The relative luminance of `#rrggbb`, as WCAG 2.2 says."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


COLOURS = {
    name: pair
    for name, *pair in re.findall(
        r"--([a-z-]+): light-dark\((#\w{6}), (#\w{6})\)", (FOLDER / "bellhop.css").read_text()
    )
}
TEXT = ("ink", "muted", "link", "good", "bad", "warn", "info", "idle")


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_everything_can_be_read(scheme: int) -> None:
    poor = {
        (text, ground): round(ratio, 2)
        for text in TEXT
        for ground in ("paper", "panel", "raised")
        if (ratio := contrast(COLOURS[text][scheme], COLOURS[ground][scheme])) < 4.5
    }
    assert poor == {}
    assert contrast(COLOURS["on-accent"][scheme], COLOURS["accent"][scheme]) >= 4.5
    for ground in ("paper", "panel"):
        assert contrast(COLOURS["edge"][scheme], COLOURS[ground][scheme]) >= 3
