"""The feed: whose tasks are on it, how it is narrowed, and what stands there instead of none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from handlers.commands import COMMANDS
from tests.http_pages import Shown, browser
from tests.http_tasks import WAITS, desk, unlimited

HOSTILE = "<script>alert('x')</script> \"><img src=x onerror=alert(1)>"


def tasks_on(shown: Shown) -> list[str]:
    """The ids of the tasks on a feed, in their order."""
    return re.findall(r'<li class="ticket[^>]* data-task="([^"]+)"', shown.html)


async def test_who_has_not_signed_in_is_told_what_this_is(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, client):
        await client.ask("A secret of the house")
        nobody = await browser(here)
        shown = await nobody.get("/")
        assert shown.status == 200
        assert 'href="/api/auth/github?next=%2F"' in shown.html
        assert "get a pull request back" in shown.text
        assert "A secret of the house" not in shown.html
        named = set(re.findall(r"<code>/(\w+)</code>", shown.html))
        assert {"fix"} < named <= set(COMMANDS), "what it tells of can be used"


async def test_a_feed_without_tasks_says_how_to_begin(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, _):
        alice = await browser(here, "alice")
        shown = await alice.get("/")
        assert "No task yet" in shown.text
        assert 'href="/tasks/new"' in shown.html
        assert "data-follow" in shown.html
        shown = await alice.get("/?q=words")
        assert "Nothing matches" in shown.text


async def test_a_feed_has_the_tasks_of_its_reader_and_nothing_in_them_does_harm(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as (here, client):
        made = await client.ask(HOSTILE)
        task = await here.ended(made.id)
        alice, visitor = await browser(here, "alice"), await browser(here, "visitor")
        shown = await alice.get("/")
        assert tasks_on(shown) == [task.id]
        assert f'href="/tasks/{task.id}"' in shown.html
        assert task.pull is not None
        assert f'href="{task.pull.url}"' in shown.html
        assert "alert('x')" in shown.text
        assert shown.html.count("<script") == 1
        assert "<img src=x" not in shown.html
        assert tasks_on(await visitor.get("/")) == []
        assert tasks_on(await visitor.get("/?whose=anyone")) == []


async def test_writers_see_what_others_asked_for(tmp_path: Path) -> None:
    def prepare(stage: Any) -> None:
        stage.repository.set_role("bob", "write")

    async with desk(tmp_path, prepare=prepare) as (here, client):
        made = await client.ask("Mend it.")
        bob = await browser(here, "bob")
        assert tasks_on(await bob.get("/")) == []
        shown = await bob.get("/?whose=anyone")
        assert tasks_on(shown) == [made.id]
        assert "for alice" in shown.text
        assert tasks_on(await bob.get("/?whose=anyone&q=owner%3Ame")) == []
        await here.ended(made.id)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=completed", 1),
        ("status=failed", 0),
        ("repository=acme%2Fwidgets", 1),
        ("repository=acme%2Fother", 0),
        ("q=hinge", 1),
        ("q=hinge+status%3Afailed", 0),
    ],
)
async def test_a_feed_can_be_narrowed(tmp_path: Path, query: str, found: int) -> None:
    async with desk(tmp_path) as (here, client):
        await here.ended((await client.ask("Oil the hinge")).id)
        alice = await browser(here, "alice")
        assert len(tasks_on(await alice.get(f"/?{query}"))) == found


async def test_fields_that_are_left_empty_are_left_out_of_the_address(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, _):
        alice = await browser(here, "alice")
        shown = await alice.get("/?q=a+b&status=&repository=&whose=")
        assert (shown.status, shown.location) == (303, "/?q=a+b")
        shown = await alice.get("/?q=")
        assert (shown.status, shown.location) == (303, "/")


async def test_a_search_that_cannot_be_read_is_pointed_at(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, _):
        alice = await browser(here, "alice")
        shown = await alice.get("/?q=door+status%3Afaled+%3Cb%3E")
        assert shown.status == 400
        assert "door <mark>status:faled</mark> &lt;b&gt;" in shown.html
        assert "Give failed , or one or more of" in shown.text
        assert 'aria-invalid="true"' in shown.html
        assert "data-follow" not in shown.html
        shown = await alice.get("/?q=%22door")
        assert "<mark>&#34;door</mark>" in shown.html


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("status=fallen", 422, "Give some of queued, starting"),
        ("repository=widgets", 422, "Give a repository as owner/name."),
        ("cursor=x", 400, "a page of the list that there is not."),
    ],
)
async def test_what_is_wrong_in_an_address_is_told(
    tmp_path: Path, query: str, status: int, words: str
) -> None:
    async with desk(tmp_path) as (here, _):
        shown = await (await browser(here, "alice")).get(f"/?{query}")
        assert shown.status == status
        assert words in shown.text
        assert "Nothing was looked for" in shown.text


async def test_a_feed_has_pages(tmp_path: Path) -> None:
    async with desk(tmp_path, max_running=1, prepare=unlimited, agent_command=WAITS) as (
        here,
        client,
    ):
        made = [(await client.ask(f"Number {number}")).id for number in range(3)]
        alice = await browser(here, "alice")
        first = await alice.get("/?limit=2")
        assert tasks_on(first) == made[:0:-1]
        assert "3 tasks, the newest first" in first.text
        (older,) = re.findall(r'href="(/\?[^"]*cursor=[^"]*)"', first.html)
        last = await alice.get(older.replace("&amp;", "&"))
        assert tasks_on(last) == made[:1]
        assert 'href="/?limit=2">Newest' in last.html
        for one in made:
            await client.call("POST", f"/tasks/{one}/stop")


async def test_github_failing_is_no_empty_feed(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, client):
        await here.ended((await client.ask("Mend it.")).id)
        here.stage.time_passes(minutes=6)
        here.stage.fault("GET", ".*/collaborators/.*", "status", times=99, status=500)
        shown = await (await browser(here, "alice")).get("/")
        assert shown.status == 503
        assert "GitHub did not say" in shown.text
        assert "No task yet" not in shown.text
