"""The page of a task: who sees it, what it shows, what its forms do, and what does no harm."""

from __future__ import annotations

import re
import shlex
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.http.page_task import LINES
from handlers.task import Status
from storage.logs import LogLine
from tests.http_pages import Browser, Shown, browser
from tests.http_tasks import ABSENT, WAITS, Client, Desk, desk
from tests.makers import NOON

HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"
SAYS = f"echo fixed >> fix.txt; echo {shlex.quote(HOSTILE)}"


def writers(stage: Any) -> None:
    stage.repository.set_role("bob", "write")


@asynccontextmanager
async def waiting(folder: Path, **settings: Any) -> AsyncGenerator[tuple[Desk, Client, str]]:
    """A task of alice's whose agent works until it is stopped."""
    async with desk(folder, agent_command=WAITS, prepare=writers, **settings) as (here, client):
        made = await client.ask("Mend the door.\n\nIt squeaks.", timeLimit=600)
        await here.in_state(made.id, "working")
        yield here, client, made.id


async def sent(who: Browser, task_id: str, act: str, **fields: str) -> Shown:
    """Somebody uses a form of a task's page."""
    token = (await who.get(f"/tasks/{task_id}")).token
    return await who.post(f"/tasks/{task_id}/{act}", {"form_token": token, **fields})


def acts_on(shown: Shown) -> set[str]:
    """The buttons that are there."""
    return set(re.findall(r'id="act-([a-z]+)"', shown.html))


async def test_who_has_not_signed_in_goes_there_and_comes_back(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, _):
        nobody = await browser(here)
        shown = await nobody.get(f"/tasks/{ABSENT}?log=0")
        assert (shown.status, shown.location) == (
            303,
            f"/sign-in?next=%2Ftasks%2F{ABSENT}%3Flog%3D0",
        )
        shown = await nobody.post(f"/tasks/{ABSENT}/stop", {})
        assert (shown.status, shown.location) == (303, "/sign-in")


async def test_what_is_not_yours_is_not_there(tmp_path: Path) -> None:
    async with waiting(tmp_path) as (here, _, task_id):
        visitor = await browser(here, "visitor")
        pages = [
            await visitor.get(f"/tasks/{one}{below}")
            for one in (task_id, ABSENT, "nonsense")
            for below in ("", "/delete")
        ]
        assert {page.status for page in pages} == {404}
        texts = {page.html for page in pages}
        assert len({re.sub(r'name="form_token" value="\w+"', "", text) for text in texts}) == 1
        assert "There is nothing here" in pages[0].text
        token = pages[0].token
        for act in ("stop", "retry", "messages", "extend", "delete"):
            answer = await visitor.post(
                f"/tasks/{task_id}/{act}", {"form_token": token, "text": "a", "minutes": "1"}
            )
            assert answer.status == 404, act
        assert (await here.task(task_id)).status is Status.RUNNING


async def test_a_task_at_work(tmp_path: Path) -> None:
    async with waiting(tmp_path) as (here, _, task_id):
        alice = await browser(here, "alice")
        shown = await alice.get(f"/tasks/{task_id}")
        task = await here.task(task_id)
        assert shown.status == 200
        for words in ("Mend the door.", "It squeaks.", "running", task.name, "of 10 min", "$0.00"):
            assert words in shown.text
        assert f'<progress max="100" value="{task.progress}"' in shown.html
        assert "data-since=" in shown.html
        assert re.search(r'<svg [^>]*class="band"', shown.html)
        assert "cloning" in shown.text
        assert acts_on(shown) == {"stop", "extend", "delete"}
        assert "Tell the worker" in shown.text
        assert shown.headers["Content-Security-Policy"].startswith("default-src 'none'")


async def test_a_task_that_is_done_and_everything_others_wrote_is_text(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=SAYS) as (here, client):
        made = await client.ask(HOSTILE, metadata={"<b>": HOSTILE})
        task = await here.ended(made.id)
        assert task.pull is not None
        assert "<script>" in str(task.summary)
        shown = await (await browser(here, "alice")).get(f"/tasks/{made.id}")
        assert shown.html.count("<script") == 1
        assert "<img src=x" not in shown.html
        assert "<b>" not in shown.html
        assert "onerror=alert(1)>" not in shown.html.replace("&gt;", "")
        assert f'href="{task.pull.url}"' in shown.html
        assert acts_on(shown) == {"retry", "delete"}
        assert "What the agent says" in shown.text
        assert "Ask for more" in shown.text


async def test_a_task_that_failed_says_why_and_what_to_do(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command="echo no >&2; exit 3") as (here, client):
        made = await client.ask("Mend it.")
        task = await here.ended(made.id)
        assert task.error is not None
        shown = await (await browser(here, "alice")).get(f"/tasks/{made.id}")
        for words in (task.error.title, task.error.detail, task.error.code.value):
            assert words in shown.text


async def test_a_task_of_an_issue_leads_to_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, _):
        comment = here.stage.comments("alice", "/ask why?")
        task = await here.stage.ended()
        shown = await (await browser(here, "alice")).get(f"/tasks/{task.id}")
        assert f'href="{here.stage.settings.github_url}/acme/widgets/issues/1"' in shown.html
        assert f"issuecomment-{comment.id}" in shown.html
        assert "The answer" in shown.text


async def test_a_task_without_words_is_called_as_its_issue(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, _):
        here.stage.repository.issues[0].title = f"The door squeaks {HOSTILE}"
        here.stage.comments("alice", "/fix")
        task = await here.stage.ended()
        alice = await browser(here, "alice")
        shown, feed = await alice.get(f"/tasks/{task.id}"), await alice.get("/")
        for page in (shown, feed):
            assert "The door squeaks <script>" in page.text
            assert "<img src=x" not in page.html
        assert "Nothing beyond what the issue says." in shown.text
        assert 'class="prompt"' not in shown.html


async def test_one_that_waits_says_where_it_stands(tmp_path: Path) -> None:
    async with waiting(tmp_path, max_running=1) as (here, client, _):
        made = await client.ask("Next.")
        shown = await (await browser(here, "alice")).get(f"/tasks/{made.id}")
        assert "Number 1 in the queue" in shown.text
        assert acts_on(shown) == {"stop", "delete"}
        assert "Nothing yet" in shown.text


def with_approval(stage: Any) -> None:
    file = {".github/bellhop.yml": "outsiders: approve\n"}
    stage.repository.commit("main", file, "Configure", "alice <alice@example.org>")


async def test_what_waits_for_approval_is_shown_with_what_nobody_sees(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command="echo yes", prepare=with_approval) as (here, client):
        stage = here.stage
        stage.comments("visitor", f"/ask --time 5m Is\u202e it {HOSTILE}?")
        task = await stage.in_state("awaiting_approval")
        assert task.approval is not None
        alice, visitor = await browser(here, "alice"), await browser(here, "visitor")
        for shown in (await alice.get(f"/tasks/{task.id}"), await visitor.get(f"/tasks/{task.id}")):
            assert f"/approve {task.approval.hash}" in shown.text
            assert f"/ask --time 5m Is⟨U+202E⟩ it {HOSTILE}?" in shown.text
            assert "<img src=x" not in shown.html
            assert "Number" not in shown.text.partition("Log")[0], "it stands in no line"
        assert acts_on(await alice.get(f"/tasks/{task.id}")) == {"stop"}
        assert acts_on(await visitor.get(f"/tasks/{task.id}")) == set(), (
            "nor is it forgotten by them"
        )
        told = (await client.get(task.id)).body
        assert told["status"] == "queued"
        assert told["currentState"]["state"] == "awaiting_approval"
        assert told["attempts"] == []
        stage.comments("alice", f"/approve {task.approval.hash}")
        await stage.ended()
        shown = await alice.get(f"/tasks/{task.id}")
        assert "It waits for approval" not in shown.text
        assert f"Is⟨U+202E⟩ it {HOSTILE}?" in shown.text, "whose words it was is not forgotten"
        assert (await visitor.get(f"/tasks/{task.id}")).status == 404, "it is alice's now"


async def test_whoever_only_looks_has_no_buttons(tmp_path: Path) -> None:
    async with waiting(tmp_path, admins=("visitor",)) as (here, _, task_id):
        operator = await browser(here, "visitor")
        shown = await operator.get(f"/tasks/{task_id}")
        assert shown.status == 200
        assert acts_on(shown) == {"stop", "delete"}
        assert "Tell the worker" not in shown.text
        bob = await browser(here, "bob")
        assert acts_on(await bob.get(f"/tasks/{task_id}")) == {"stop", "extend"}
        asked = await bob.get(f"/tasks/{task_id}/delete")
        assert "Only its owner" in asked.text
        refused = await sent(bob, task_id, "delete")
        assert refused.status == 403
        assert "Only the owner of a task" in refused.text


async def test_operators_look_while_github_is_silent_and_others_are_told(tmp_path: Path) -> None:
    async with waiting(tmp_path, admins=("visitor",)) as (here, _, task_id):
        here.stage.clock.offset += timedelta(minutes=6)
        operator, alice = await browser(here, "visitor"), await browser(here, "alice")
        here.stage.fault("GET", ".*/collaborators/.*", "status", times=999, status=500)
        assert (await operator.get(f"/tasks/{task_id}")).status == 200
        shown = await alice.get(f"/tasks/{task_id}")
        assert (shown.status, "Retry-After" in shown.headers) == (503, True)
        assert "Not at the moment" in shown.text


async def test_a_task_is_told_something_given_time_stopped_and_tried_again(tmp_path: Path) -> None:
    async with waiting(tmp_path) as (here, _, task_id):
        alice = await browser(here, "alice")
        page = f"/tasks/{task_id}"
        shown = await sent(alice, task_id, "messages", text="One\r\ntwo")
        assert (shown.status, shown.location) == (303, f"{page}?done=said")
        talk = await here.stage.bot.store.talk(task_id)
        assert talk[0].message == "One\ntwo"
        assert "Your message is on its way" in (await alice.get(shown.location)).text
        before = (await here.task(task_id)).wish.time_limit
        shown = await sent(alice, task_id, "extend", minutes="10")
        assert shown.location == f"{page}?done=extended"
        assert (await here.task(task_id)).wish.time_limit == before + 600
        assert re.findall(r'<option value="(\d+)"', (await alice.get(page)).html) == ["10"]
        shown = await sent(alice, task_id, "stop")
        assert shown.location == f"{page}?done=stopped"
        stopping = await alice.get(page)
        assert (
            not {"stop", "extend", "retry"} & acts_on(stopping) or (await here.task(task_id)).ended
        )


async def test_a_task_that_ended_is_tried_again(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, client):
        made = await client.ask("Mend it.")
        await here.ended(made.id)
        alice = await browser(here, "alice")
        shown = await sent(alice, made.id, "retry")
        assert shown.location == f"/tasks/{made.id}?done=retried"
        task = await here.ended(made.id)
        assert task.attempt == 2
        shown = await alice.get(f"/tasks/{made.id}")
        assert shown.html.count('class="band"') == 2


@pytest.mark.parametrize(
    ("act", "fields", "status", "words"),
    [
        ("messages", {"text": "  "}, 422, "The message was not sent: it is blank"),
        ("messages", {"text": "x" * 8001}, 422, "at most 8000 characters"),
        ("messages", {}, 422, "The message was not sent"),
        ("extend", {"minutes": "many"}, 422, "by how many minutes"),
        ("extend", {"minutes": "-5"}, 422, "by how many minutes"),
        ("extend", {"minutes": "999999"}, 422, "by how many minutes"),
        ("extend", {"minutes": "60"}, 422, "The operator allows 1800 seconds in all"),
        ("retry", {}, 409, ""),
    ],
)
async def test_what_cannot_be_done_is_told_beside_what_was_typed(
    tmp_path: Path, act: str, fields: dict[str, str], status: int, words: str
) -> None:
    async with waiting(tmp_path) as (here, _, task_id):
        alice = await browser(here, "alice")
        shown = await sent(alice, task_id, act, **fields)
        assert shown.status == status
        assert 'role="alert"' in shown.html
        assert words in shown.text
        if fields.get("text", "").strip():
            assert fields["text"] in shown.html


async def test_forms_of_other_sites_and_old_pages_do_nothing(tmp_path: Path) -> None:
    async with waiting(tmp_path) as (here, _, task_id):
        alice, bob = await browser(here, "alice"), await browser(here, "bob")
        mine = (await alice.get(f"/tasks/{task_id}")).token
        bobs = (await bob.get(f"/tasks/{task_id}")).token
        assert mine != bobs
        path = f"/tasks/{task_id}/stop"
        elsewhere = {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}
        foreign = await alice.post(path, {"form_token": mine}, **elsewhere)
        assert (foreign.status, "This is not for you" in foreign.text) == (403, True)
        for token in ("", "x", bobs):
            old = await alice.post(path, {"form_token": token})
            assert (old.status, "This page is too old" in old.text) == (403, True)
        as_json = await alice.post(path, {}, **{"Content-Type": "application/json"})
        assert as_json.status == 415
        led = await alice.get(path)
        assert (led.status, led.location) == (303, f"/tasks/{task_id}")
        assert (await here.task(task_id)).ending is None


async def test_deleting_asks_first(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, client):
        made = await client.ask("Mend it.")
        await here.ended(made.id)
        alice = await browser(here, "alice")
        asked = await alice.get(f"/tasks/{made.id}/delete")
        assert "Delete this task?" in asked.text
        assert (await here.task(made.id)).id == made.id
        shown = await alice.post(f"/tasks/{made.id}/delete", {"form_token": asked.token})
        assert (shown.status, shown.location) == (303, "/?done=deleted")
        assert "The task is deleted." in (await alice.get("/?done=deleted")).text
        assert (await alice.get(f"/tasks/{made.id}")).status == 404


async def test_a_task_at_work_is_stopped_before_it_is_deleted(tmp_path: Path) -> None:
    async with waiting(tmp_path) as (here, _, task_id):
        alice = await browser(here, "alice")
        asked = await alice.get(f"/tasks/{task_id}/delete")
        assert "Its worker is stopped first." in asked.text
        shown = await alice.post(f"/tasks/{task_id}/delete", {"form_token": asked.token})
        assert shown.location == f"/tasks/{task_id}?done=deleting"
        await here.gone(task_id)


async def test_a_log_can_be_read_without_scripts(tmp_path: Path) -> None:
    async with waiting(tmp_path) as (here, _, task_id):
        logs = here.stage.bot.store.logs
        many = [LogLine("info", f"line {number} {HOSTILE}", NOON) for number in range(3 * LINES)]
        await logs.append(task_id, 1, many)
        alice = await browser(here, "alice")
        newest = await alice.get(f"/tasks/{task_id}")
        rows = re.findall(r'<li class="log-row is-info">', newest.html)
        assert len(rows) == LINES
        assert f"line {3 * LINES - 1} &lt;script&gt;" in newest.html
        assert newest.html.count("<script") == 1
        first = await alice.get(f"/tasks/{task_id}?log=0")
        assert "line 0 " in first.text
        assert f"line {2 * LINES} " not in first.text
        (after,) = re.findall(r'href="[^"]*\?log=([1-9]\d*)#log" rel="next"', first.html)
        second = await alice.get(f"/tasks/{task_id}?log={after}")
        assert f"line {LINES + 2} " in second.text
        assert "The newest lines" in second.text
        assert "From the beginning" in second.text
        odd = await alice.get(f"/tasks/{task_id}?log=x")
        assert f"line {3 * LINES - 1} " in odd.text
