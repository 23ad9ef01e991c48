"""The page that asks for a new task."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from bot.http.limiting import Limits
from tests.http_github import Somebody, signed_in, visited
from tests.http_pages import Shown, browser
from tests.http_tasks import WAITS, Desk
from tests.story import Stage
from tests.test_http_github import add

PATH = "/tasks/new"
WHOLE: Mapping[str, str] = {
    "repository": "acme/widgets",
    "issue": "1",
    "prompt": "Mend it, <b>please</b>.",
    "command": "fix",
    "branch": "",
    "agent": "",
    "model": "",
    "minutes": "10",
    "max_cost": "2.50",
}


def once_of(page: Shown) -> str:
    found = re.search(r'name="once" value="([0-9a-f-]+)"', page.html)
    assert found
    return found[1]


def options(page: Shown) -> list[str]:
    """The names in the list of repositories."""
    found = re.search(r'<select id="repository".*?</select>', page.html, re.DOTALL)
    assert found, page.text
    return re.findall(r'<option value="([^"]+)"', found[0])


def field_of(page: Shown, name: str) -> str:
    """The tag of a field."""
    found = re.search(rf'<(?:input|select|textarea|fieldset)[^>]* id="{name}".*?>', page.html)
    found = found or re.search(rf'<\w+ id="{name}".*?>', page.html)
    assert found, name
    return found[0]


def problem_of(page: Shown, name: str) -> str:
    """What is said to be wrong with a field; the field must say that it is."""
    tag = field_of(page, name)
    assert 'aria-invalid="true"' in tag
    assert f"{name}-problem" in tag
    found = re.search(rf'<p class="problem" id="{name}-problem">(.*?)</p>', page.html)
    assert found
    return unescape(found[1])


async def send(alice: Somebody, page: Shown | None = None, **fields: str) -> Shown:
    """Fill in the form and send it."""
    shown = page or await alice.browser.get(PATH)
    hidden = {"form_token": shown.token, "once": once_of(shown)}
    return await alice.browser.post(PATH, {**hidden, **WHOLE, **fields})


def one_at_a_time(stage: Stage) -> None:
    """Let nobody make more than one task in a minute."""
    stage.tempo = replace(stage.tempo, limits=Limits(creations=1))


async def made_by(here: Desk, answer: Shown) -> Any:
    assert answer.status == 303, answer.text
    found = re.fullmatch(r"/tasks/([0-9a-f-]{36})", answer.location)
    assert found
    return await here.task(found[1])


async def test_who_is_not_signed_in_signs_in_first(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, _):
        nobody = await browser(here)
        answer = await nobody.get(f"{PATH}?repository=acme/widgets")
        assert (answer.status, answer.location) == (
            303,
            "/sign-in?next=%2Ftasks%2Fnew%3Frepository%3Dacme%2Fwidgets",
        )
        assert (await nobody.post(PATH, WHOLE)).status == 303
        assert await here.count() == 0


async def test_the_form_has_the_repositories_of_whoever_looks(tmp_path: Path) -> None:
    async with visited(tmp_path, agents="command,codex") as (here, alice):
        add(here, "acme/secrets", login="bob", private=True)
        add(here, "acme/old")
        old = here.stage.sim.find("acme/old")
        assert old is not None
        old.archived = True
        page = await alice.browser.get(PATH)
        assert page.status == 200
        assert options(page) == ["acme/widgets"]
        assert "The usual limit is 30 minutes" in page.text
        assert "<option>codex</option>" in page.html
        bob = await signed_in(here, "bob")
        assert options(await bob.browser.get(PATH)) == ["acme/secrets", "acme/widgets"]


async def test_a_search_without_a_script(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        for name in ("anvils", "bolts"):
            add(here, f"acme/{name}")
        page = await alice.browser.get(f"{PATH}?q=BOLT&issue=7")
        assert options(page) == ["acme/bolts"]
        assert 'value="BOLT"' in field_of(page, "q")
        assert 'type="hidden" name="issue" value="7"' in page.html
        page = await alice.browser.get(f"{PATH}?q=%22%3E%3Cscript%3E")
        assert options(page) == []
        assert "<script>" not in page.html
        assert "Nothing is called" in page.text


async def test_a_link_fills_in_where(tmp_path: Path) -> None:
    async with visited(tmp_path) as (_, alice):
        page = await alice.browser.get(f"{PATH}?repository=Acme/Widgets&issue=7&prompt=Give+in")
        assert '<option value="acme/widgets" selected>' in page.html
        assert 'value="7"' in field_of(page, "issue")
        assert "Give in" not in page.html
        page = await alice.browser.get(f"{PATH}?repository=other/place")
        assert options(page) == ["other/place", "acme/widgets"]


async def test_a_task_is_made_as_by_a_program(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        answer = await send(alice, agent="command", branch="main")
        task = await made_by(here, answer)
        assert (task.origin.kind, task.owner.login) == ("web", "alice")
        assert (task.where.number, task.branches.base) == (1, "main")
        wish = task.wish
        assert (wish.prompt, wish.time_limit, wish.max_cost) == (WHOLE["prompt"], 600, 2.5)
        done = await here.ended(task.id)
        assert done.status.value == "completed"


async def test_the_same_form_twice_is_one_task(tmp_path: Path) -> None:
    async with visited(tmp_path, agent_command=WAITS) as (here, alice):
        page = await alice.browser.get(PATH)
        answers = await asyncio.gather(*(send(alice, page) for _ in range(5)))
        assert {one.status for one in answers} == {303}
        assert len({one.location for one in answers}) == 1
        assert await here.count() == 1
        other = await send(alice, page, prompt="Something else.")
        assert other.status == 303
        assert other.location != answers[0].location
        again = await send(alice)
        assert again.location not in {other.location, answers[0].location}


async def test_a_form_without_a_number_of_its_own(tmp_path: Path) -> None:
    async with visited(tmp_path, agent_command=WAITS) as (here, alice):
        for once in ("", "x", "\t"):
            assert (await send(alice, once=once)).status == 303
        assert await here.count() == 3


async def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        fields = {
            "repository": "",
            "issue": "door",
            "prompt": "\n\n</textarea><script>alert(1)</script>",
            "command": "ask",
            "branch": "a..b",
            "model": "a b",
            "minutes": "0",
            "max_cost": "free",
        }
        page = await send(alice, **fields)
        assert page.status == 422
        told = {
            name: problem_of(page, name) for name in fields if name not in {"prompt", "command"}
        }
        assert told["repository"] == "Choose a repository."
        assert told["minutes"] == "Give 1 to 1440 minutes."
        assert "6 fields need another look" in page.text
        for name in told:
            assert f'<a href="#{name}">' in page.html
        for name in ("issue", "branch", "model", "minutes", "max_cost"):
            assert f'value="{fields[name]}"' in field_of(page, name)
        assert "<details open>" in page.html
        assert "<script>alert" not in page.html
        text = re.search(r"<textarea.*?>\n(.*?)</textarea>", page.html, re.DOTALL)
        assert text
        assert unescape(text[1]) == fields["prompt"]
        assert re.search(r'value="ask" checked', page.html)
        assert await here.count() == 0
        mended = await send(alice, page)
        assert mended.status == 303


async def test_what_only_a_look_at_the_world_shows_stands_at_its_field(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        page = await send(alice, issue="99")
        assert page.status == 422
        assert "has no issue 99" in problem_of(page, "issue")
        assert "one field needs another look" in page.text
        page = await send(alice, repository="acme/nothing")
        assert "There is no repository acme/nothing" in problem_of(page, "repository")
        assert options(page) == ["acme/nothing", "acme/widgets"]
        page = await send(alice, agent="codex")
        assert "agent" in problem_of(page, "agent")
        assert await here.count() == 0


async def test_what_may_not_be_is_said_above_the_form(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, _):
        tina = await signed_in(here, "tina")
        page = await send(tina)
        assert page.status == 403
        assert "Nothing was started." in page.text
        assert "Mend it" in page.text
        assert (await send(tina, command="ask")).status == 303


async def test_github_down_keeps_what_was_typed(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        page = await alice.browser.get(PATH)
        here.stage.fault("GET", "/repos", "status", times=100, status=502)
        answer = await send(alice, page)
        assert answer.status == 503
        assert answer.headers["Retry-After"]
        assert "Nothing was started." in answer.text
        assert 'value="acme/widgets"' in field_of(answer, "repository")
        assert "Mend it" in answer.text
        here.stage.sim.faults.clear()
        assert (await send(alice, answer)).status == 303
        assert await here.count() == 1


async def test_a_list_that_cannot_be_loaded_is_no_empty_list(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        here.stage.fault("GET", "/user", "status", times=100, status=502)
        page = await alice.browser.get(PATH)
        assert page.status == 200
        assert "cannot be listed at the moment" in page.text
        assert "no repository" not in page.text.lower()
        assert field_of(page, "repository").startswith("<input")
        assert (await send(alice, page)).status == 303


async def test_who_must_sign_in_again_can_still_type_a_name(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        here.stage.sim.revoke_authorization("alice")
        page = await alice.browser.get(PATH)
        assert page.status == 200
        assert "/api/auth/github?next=%2Ftasks%2Fnew" in page.html
        assert (await send(alice, page)).status == 303


async def test_nothing_to_choose_from_says_what_to_do(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, _):
        visitor = await signed_in(here, "visitor")
        page = await visitor.browser.get(PATH)
        assert page.status == 200
        assert "There is no repository to work on yet" in page.text
        assert "/apps/bellhop/installations/new" in page.html
        assert 'name="repository"' not in page.html


async def test_too_many_at_once(tmp_path: Path) -> None:
    async with visited(tmp_path, prepare=one_at_a_time, agent_command=WAITS) as (here, alice):
        assert (await send(alice)).status == 303
        page = await send(alice)
        assert page.status == 429
        assert page.headers["Retry-After"]
        assert "Nothing was started." in page.text
        assert await here.count() == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_page_of_another_site_starts_nothing(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    async with visited(tmp_path) as (here, alice):
        page = await alice.browser.get(PATH)
        fields = {"form_token": page.token, "once": once_of(page), **WHOLE}
        answer = await alice.browser.post(PATH, fields, **headers)
        assert answer.status == 403
        assert await here.count() == 0


async def test_a_form_of_another_session_starts_nothing(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        bob = await signed_in(here, "bob")
        page = await bob.browser.get(PATH)
        for token in (page.token, "", "0" * 64):
            fields = {"form_token": token, "once": once_of(page), **WHOLE}
            answer = await alice.browser.post(PATH, fields)
            assert answer.status == 403
            assert "This page is too old" in answer.text
        assert await here.count() == 0


async def test_a_script_in_a_name_or_a_description_is_text(tmp_path: Path) -> None:
    async with visited(tmp_path) as (here, alice):
        add(here, "acme/door")
        door = here.stage.sim.find("acme/door")
        assert door is not None
        door.name = '"><script>alert(1)</script>'
        door.description = "<img src=x onerror=alert(2)>"
        for path in (PATH, "/installations"):
            page = await alice.browser.get(path)
            assert page.status == 200
            assert "<script>alert" not in page.html
            assert "<img src=x" not in page.html
            assert "&lt;script&gt;alert(1)" in page.html
