"""Lists of tasks, searches, and the history of finished work."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from yarl import URL

from storage.pull_times import BOUNDS
from tests.http_pages import browser
from tests.http_tasks import WAITS, Client, Desk, desk


async def found(client: Client, query: str = "", path: str = "/tasks") -> list[str]:
    """The ids of a list."""
    answer = await client.call("GET", f"{path}?{query}")
    assert answer.status == 200, answer.body
    return [one["taskId"] for one in answer.body["tasks"]]


async def search(client: Client, q: str) -> list[str]:
    return await found(client, f"q={quote(q)}")


async def other_repository(here: Desk) -> None:
    other = here.stage.sim.add_repository("acme/other", {"a": "b"})
    for login in ("alice", "bob"):
        other.set_role(login, "write")
    here.stage.sim.install(other)


async def test_pages_of_own_tasks(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS) as (here, alice):
        made = [(await alice.ask(f"Mend {n}.")).id for n in range(5)]
        bob = await here.client("bob")
        bobs = (await bob.ask()).id
        assert await found(alice) == made[::-1]
        assert await found(bob) == [bobs]
        told: list[str] = []
        path = "/v1/tasks?limit=2"
        while path:
            page = await alice.call("GET", path)
            assert (page.body["count"], page.body["countExact"]) == (5, True)
            told += [one["taskId"] for one in page.body["tasks"]]
            link = page.headers.get("Link", "")
            cursor = page.body["nextCursor"]
            assert (cursor is None) == (link == "")
            if link:
                url = URL(link.removeprefix("<").removesuffix('>; rel="next"'), encoded=True)
                assert (url.path, url.query["cursor"], url.query["limit"]) == (
                    "/api/v1/tasks",
                    cursor,
                    "2",
                )
            path = link and str(url).removeprefix("/api")
        assert told == made[::-1]


async def test_what_narrows_a_list(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS, max_running_per_owner=1) as (here, alice):
        await other_repository(here)
        bob = await here.client("bob")
        one = (await alice.ask("Oil the creaking door.")).id
        two = (await alice.ask("Paint the door.", repoUrl="acme/other")).id
        bobs = (await bob.ask("Oil it.", repoUrl="acme/other")).id
        await here.in_state(one, "working")
        for query, expected in (
            ("", [two, one]),
            ("repository=acme/widgets", [one]),
            ("repository=ACME/Widgets", [one]),
            ("repository=acme/nowhere", []),
            ("status=queued", [two]),
            ("status=queued,running", [two, one]),
            ("status=queued&status=running", [two, one]),
            ("status=failed", []),
        ):
            assert await found(alice, query) == expected, query
        for q, expected in (
            ("owner:me", [two, one]),
            ("owner:anyone", [bobs, two, one]),
            ("owner:BOB", [bobs]),
            ("owner:alice repo:acme/other", [two]),
            ("owner:nobody", []),
            ("repo:acme/nowhere", []),
            ("door", [two, one]),
            ('"creaking door"', [one]),
            ("oil owner:anyone", [bobs, one]),
            ("agent:command status:running", [one]),
            ("agent:codex", []),
            ("!!! * ^ AND", []),
        ):
            assert await search(alice, q) == expected, q
        both = f"repository=acme/other&status=queued,running&q={quote('status:queued')}"
        assert await found(alice, both) == [two]
        assert await found(alice, f"status=running&q={quote('status:queued')}") == []
        assert await found(alice, f"repository=acme/other&q={quote('repo:acme/widgets')}") == []


async def test_only_what_may_be_seen_is_listed(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS, admins="visitor") as (here, alice):
        await other_repository(here)
        made = (await alice.ask()).id
        other = (await alice.ask(repoUrl="acme/other")).id
        tina = await here.client("tina")
        assert await search(tina, "owner:anyone") == []
        operator = await here.client("visitor")
        assert await search(operator, "owner:anyone") == [other, made]
        assert await search(operator, "owner:alice") == [other, made]
        here.stage.repository.private = True
        here.stage.repository.set_role("alice", "none")
        here.stage.time_passes(minutes=6)
        assert await found(alice) == [other]
        assert await search(alice, "owner:anyone") == [other]
        here.stage.time_passes(minutes=6)
        here.stage.fault("GET", "/repos/acme/other/collaborators", "status", times=99)
        answer = await alice.call("GET", "/tasks")
        assert (answer.status, answer.body["code"]) == (503, "lookup_failed")


async def test_what_is_being_removed_is_in_no_list(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS, max_running=1) as (_, alice):
        running = (await alice.ask()).id
        queued = (await alice.ask()).id
        await alice.call("DELETE", f"/tasks/{queued}")
        assert await found(alice) == [running]


async def test_questions_that_are_wrong(tmp_path: Path) -> None:
    async with desk(tmp_path) as (_, alice):
        for query, status, field in (
            ("limit=0", 422, "limit"),
            ("limit=101", 422, "limit"),
            ("limit=x", 422, "limit"),
            ("limit=", 422, "limit"),
            ("status=done", 422, "status"),
            ("status=", 422, "status"),
            ("repository=widgets", 422, "repository"),
            ("q=stat:failed", 400, "q"),
            ("q=repo:acme", 400, "q"),
            ("q=%22open", 400, "q"),
        ):
            answer = await alice.call("GET", f"/tasks?{query}")
            assert (answer.status, answer.fields) == (status, [field]), query
        named = await alice.call("GET", "/tasks?q=a%20stat:failed")
        assert "at character 3, `stat:failed`" in named.body["detail"]
        garbage = ("", "x", "%20", "ü" * 11, "+" * 22, "a" * 12, "a" * 11 + "\n")
        for path in ("/tasks", "/tasks/history"):
            for cursor in garbage:
                answer = await alice.call("GET", f"{path}?cursor={quote(cursor)}")
                assert (answer.status, answer.body["code"]) == (400, "bad_cursor"), (path, cursor)
        for path, length in (("/tasks", 11), ("/tasks/history", 22)):
            for char in "Aa_":  # whatever looks right is a place, if one behind all others
                assert await found(alice, f"cursor={char * length}", path) == []
        words = await alice.call("GET", "/tasks/history?q=door")
        assert (words.status, words.body["code"]) == (400, "bad_query")
        days = await alice.call("GET", "/tasks/history?days=367")
        assert (days.status, days.fields) == (422, ["days"])


async def test_the_history_of_finished_work(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, alice):
        assert (await alice.call("GET", "/tasks/history")).body == {
            "tasks": [],
            "days": [],
            "pullTimes": [{"within": one, "pullRequests": 0} for one in (*BOUNDS, None)],
            "nextCursor": None,
        }
        done: list[str] = []
        for number in range(3):
            made = await alice.ask(f"Mend {number}.")
            await here.ended(made.id)
            done.insert(0, made.id)
        page = (await alice.call("GET", "/tasks/history?limit=2")).body
        assert [one["taskId"] for one in page["tasks"]] == done[:2]
        rest = await alice.call("GET", f"/tasks/history?limit=2&cursor={page['nextCursor']}")
        assert [one["taskId"] for one in rest.body["tasks"]] == done[2:]
        assert rest.body["nextCursor"] is None
        first: dict[str, Any] = page["tasks"][0]
        assert first["outcome"] == "completed"
        assert first["waited"] >= 0
        assert first["worked"] > 0
        (day,) = page["days"]
        assert day["day"] == here.stage.clock().date().isoformat()
        assert (day["repository"], day["outcome"]) == ("acme/widgets", "completed")
        assert (day["attempts"], day["pullRequests"]) == (3, 3)
        quick, *slow = page["pullTimes"]
        assert quick == {"within": 60, "pullRequests": 3}
        assert {one["pullRequests"] for one in slow} == {0}
        shown = await (await browser(here, "alice")).get("/plots")
        same = "Half of 3 pull requests came within 1 min of being asked for."
        assert same in shown.text, "the page has the same numbers"
        ago = (await alice.call("GET", "/tasks/history?repository=acme%2Fother")).body
        assert {one["pullRequests"] for one in ago["pullTimes"]} == {0}
        assert await found(alice, "status=failed", "/tasks/history") == []
        assert await found(alice, "q=owner:anyone", "/tasks/history") == done
