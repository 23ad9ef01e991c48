"""Tasks that programs ask for, from the request to the pull request."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.http_tasks import WAITS, desk
from tests.test_outbound_guard import Names

OWN = """\
commands:
  explain: {description: explain it, prompt: Explain the code., result: answer}
  release: {description: release it, prompt: Release it., permission: admin}
"""


async def test_a_task_for_an_issue_becomes_a_pull_request(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, alice):
        stage = here.stage
        made = await alice.ask("Mend it well.", issueNumber=stage.issue.number)
        assert made.status == 202
        assert made.headers["Location"] == f"/api/tasks/{made.id}"
        task = await here.ended(made.id)
        assert task.status == "completed"
        (pull,) = stage.repository.pulls
        assert f"Closes #{stage.issue.number}" in (pull.body or "")
        assert len(stage.replies()) == 2, "the status and the end, as for a comment"
        told = (await alice.get(made.id)).body
        assert (told["status"], told["progress"], told["prUrl"]) == (
            "completed",
            100,
            task.pull.url,
        )
        (attempt,) = told["attempts"]
        assert (attempt["outcome"], attempt["prompt"]) == ("completed", "Mend it well.")
        assert attempt["completedAt"].endswith("Z")


async def test_who_has_too_much_waiting_is_told_when_to_ask_again(tmp_path: Path) -> None:
    limits = {"max_running_per_owner": 1, "max_queued_per_owner": 1}
    async with desk(tmp_path, agent_command=WAITS, **limits) as (here, alice):
        first = await alice.ask()
        second = await alice.ask()
        assert (first.status, second.status) == (202, 202)
        third = await alice.ask(key="a")
        assert (third.status, third.body["code"]) == (429, "queue_full")
        assert third.headers["Retry-After"] == "60"
        assert third.body["detail"].startswith("1 task waits for a free place already")
        assert await here.count() == 2
        await alice.call("POST", f"/tasks/{second.id}/stop")
        assert (await alice.ask(key="a")).status == 202


async def test_a_task_without_an_issue_says_nothing_on_github(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, alice):
        stage = here.stage
        made = await alice.ask("Mend it without an issue.")
        task = await here.ended(made.id)
        assert (task.status, task.where.number) == ("completed", None)
        (pull,) = stage.repository.pulls
        assert "Closes" not in (pull.body or "")
        assert "Refs" not in (pull.body or "")
        assert stage.replies() == []
        assert stage.replies(pull) == []


async def test_the_answer_is_the_whole_task(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS, time_limit=900) as (here, alice):
        fields: dict[str, Any] = {
            "branch": "main",
            "agent": "command",
            "model": "openai/gpt-5/high",
            "timeLimit": 600,
            "maxCost": 2.5,
            "metadata": {"ticket": "A-1", "a_b": "1", "aB": "2"},
        }
        made = await alice.ask("Look at it.", command="ask", **fields)
        body = made.body
        url = here.stage.settings.github_url
        person = {"id": here.stage.sim.user("alice").id, "login": "alice"}
        times = {name: body.pop(name) for name in list(body) if name.endswith("At")}
        assert {name for name, time in times.items() if time} == {
            "createdAt",
            "queuedAt",
            "updatedAt",
        }
        state = body.pop("currentState")
        assert (state["state"], state["timestamp"]) == ("waiting_for_slot", times["createdAt"])
        body.pop("name")
        assert body == {
            "taskId": made.id,
            "status": "queued",
            "progress": 0,
            "command": "ask",
            "prompt": "Look at it.",
            "agent": "command",
            "model": "openai/gpt-5/high",
            "runner": "process",
            "repoUrl": f"{url}/acme/widgets",
            "repository": "acme/widgets",
            "issueNumber": None,
            "commentUrl": None,
            "branch": None,
            "baseBranch": "main",
            "source": "api",
            "owner": person,
            "requester": person,
            "attempt": 1,
            "prUrl": None,
            "prState": None,
            "summary": None,
            "error": None,
            "usage": {"inputTokens": 0, "outputTokens": 0, "costUsd": 0.0},
            "timeLimit": 600,
            "maxCost": 2.5,
            "webhookUrl": None,
            "webhookEvents": [],
            "workerUrl": None,
            "metadata": {"ticket": "A-1", "a_b": "1", "aB": "2"},
        }


async def test_limits_are_the_lowest_of_all(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS, time_limit=300) as (_, alice):
        made = await alice.ask(timeLimit=86_400)
        assert made.body["timeLimit"] == 300


async def test_a_repository_is_named_in_many_ways(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS) as (here, alice):
        base = here.stage.settings.github_url
        for url in (
            "acme/widgets",
            "acme/widgets.git",
            f"{base}/acme/widgets",
            f"{base}/acme/widgets.git",
            f"{base.upper()}/Acme/Widgets/",
        ):
            made = await alice.ask(repoUrl=url)
            assert (made.status, made.body["repository"]) == (202, "acme/widgets"), url


async def test_what_is_no_repository(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, alice):
        for url in (
            "widgets",
            "acme/widgets/tree/main",
            "https://example.com/acme/widgets",
            "acme/..",
            "acme/wid gets",
            f"{here.stage.settings.github_url}/acme/widgets?x=1",
            "git@github.com:acme/widgets.git",
        ):
            made = await alice.ask(repoUrl=url)
            assert (made.status, made.fields) == (422, ["repoUrl"]), url
            assert "owner/name" in made.body["detail"]


async def test_what_is_not_installed_and_what_is_not_readable_are_the_same(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, alice):
        sim = here.stage.sim
        sim.add_repository("acme/elsewhere", {"a": "b"}, private=True)
        hidden = sim.add_repository("acme/hidden", {"a": "b"}, private=True)
        sim.install(hidden)
        names = ("elsewhere", "hidden", "nowhere")
        answers = [await alice.ask(repoUrl=f"acme/{name}") for name in names]
        assert {(one.status, *one.fields) for one in answers} == {(422, "repoUrl")}
        said = {
            one.body["detail"].replace(name, "NAME")
            for one, name in zip(answers, names, strict=True)
        }
        assert len(said) == 1


async def test_a_role_that_is_too_low(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, _):
        tina = await here.client("tina")
        made = await tina.ask()
        assert made.status == 403
        assert "needs the **write** role" in made.body["detail"]
        assert (await tina.ask(command="ask")).status == 202
        visitor = await here.client("visitor")
        assert (await visitor.ask(command="ask")).status == 403


async def test_a_command_of_the_repositorys_own(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command="head -n 1") as (here, alice):
        tina = await here.client("tina")
        unknown = await alice.ask(command="explain")
        assert (unknown.status, unknown.body["errors"]) == (
            422,
            [
                {
                    "field": "command",
                    "message": "There is no command `explain` that makes a task. Name `fix`, "
                    "`ask`, or one of the `commands` in the repository's `.github/bellhop.yml`.",
                }
            ],
        )
        files = {".github/bellhop.yml": OWN}
        here.stage.repository.commit("main", files, "Configure", "alice <alice@example.org>")
        made = await tina.ask("Why?", command="explain")
        assert (made.status, made.body["command"]) == (202, "explain")
        task = await here.ended(made.id)
        assert (task.wish.prompt, task.summary) == (
            "Explain the code.\n\nWhy?",
            "Explain the code.",
        )
        assert (await tina.ask(command="release")).status == 403
        assert (await alice.ask(command="status")).body["errors"][0]["field"] == "command"
        assert (await alice.ask(command="No command")).status == 422
        files = {".github/bellhop.yml": "commands: 5\n"}
        here.stage.repository.commit("main", files, "Break", "alice <alice@example.org>")
        broken = await alice.ask(command="explain")
        assert (broken.status, "has mistakes" in broken.body["detail"]) == (409, True)


async def test_an_archived_repository(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, alice):
        here.stage.repository.archived = True
        made = await alice.ask()
        assert (made.status, made.body["code"]) == (409, "conflict")
        assert "archived" in made.body["detail"]


async def test_branches_and_issues_must_be_there(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, alice):
        assert (await alice.ask(branch="gone")).fields == ["branch"]
        assert (await alice.ask(issueNumber=4711)).fields == ["issueNumber"]
        here.stage.repository.commit("topic", {"a": "b"})
        pull = here.stage.sim.open_pull(here.stage.repository, author="bob", head="topic")
        both = await alice.ask(issueNumber=pull.number, branch="main")
        assert (both.status, both.fields) == (422, ["branch"])
        made = await alice.ask(issueNumber=pull.number)
        assert (made.status, made.body["branch"]) == (202, "topic")
        here.stage.sim.close_pull(pull)
        assert (await alice.ask(issueNumber=pull.number)).status == 422


async def test_an_agent_that_is_not_offered(tmp_path: Path) -> None:
    async with desk(tmp_path) as (_, alice):
        made = await alice.ask(agent="codex")
        assert (made.status, made.fields) == (422, ["agent"])
        assert "It has: `command`." in made.body["detail"]


async def test_settings_of_the_repository_that_cannot_be_read(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, alice):
        here.stage.repository.commit("main", {".github/bellhop.yml": "agnt: x\n"})
        made = await alice.ask()
        assert made.status == 409
        assert "agnt" in made.body["detail"]


async def test_webhooks_need_a_url_that_may_be_called_and_a_secret(tmp_path: Path) -> None:
    names = Names(hooks=[["93.184.215.14"]])
    async with desk(tmp_path, resolver=names, agent_command=WAITS) as (here, alice):
        bad = await alice.ask(webhookUrl="http://example.com/")
        assert (bad.status, bad.fields) == (422, ["webhookUrl"])
        none = await alice.ask(webhookEvents=["failed"])
        assert (none.status, none.fields) == (422, ["webhookEvents"])
        unsigned = await alice.ask(webhookUrl="https://hooks.test/x")
        assert (unsigned.status, unsigned.fields) == (422, ["webhookUrl"])
        assert "webhook-secrets" in unsigned.body["detail"]
        await here.secret("alice")
        made = await alice.ask(
            webhookUrl="https://hooks.test/x", webhookEvents=["failed", "failed"]
        )
        assert made.status == 202
        assert made.body["webhookUrl"] == "https://hooks.test/x"
        assert made.body["webhookEvents"] == ["failed"]
        bob = await here.client("bob")
        seen = (await bob.get(made.id)).body
        assert (seen["webhookUrl"], seen["webhookEvents"]) == (None, ["failed"])
        usual = await alice.ask(webhookUrl="https://hooks.test/x")
        assert usual.body["webhookEvents"] == ["completed", "failed", "cancelled"]


async def test_a_look_up_that_fails_is_told_as_such(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS) as (here, alice):
        for path in (
            "/repos/acme/widgets/installation",
            "/app/installations/",
            "/repos/acme/widgets$",
            "/repos/acme/widgets/collaborators/",
            "/repos/acme/widgets/issues/1$",
            "/repos/acme/widgets/contents/",
        ):
            here.stage.fault("*", path, "status", times=99)
            made = await alice.ask(issueNumber=1)
            assert (made.status, made.body["code"]) == (503, "lookup_failed"), path
            assert int(made.headers["Retry-After"]) >= 1
            here.stage.sim.faults.clear()
            here.stage.time_passes(minutes=6)
        assert (await alice.ask(issueNumber=1)).status == 202


GOOD: dict[str, Any] = {"repoUrl": "acme/widgets", "prompt": "Mend it."}


WRONG_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"prompt": None}, "prompt"),
    ({"prompt": ""}, "prompt"),
    ({"prompt": " \n\t"}, "prompt"),
    ({"prompt": 5}, "prompt"),
    ({"prompt": "x" * 60_001}, "prompt"),
    ({"repoUrl": ""}, "repoUrl"),
    ({"repoUrl": ["acme/widgets"]}, "repoUrl"),
    ({"command": "stop"}, "command"),
    ({"agent": "-x"}, "agent"),
    ({"model": "/x"}, "model"),
    ({"model": "x" * 201}, "model"),
    ({"branch": "a..b"}, "branch"),
    ({"issueNumber": 0}, "issueNumber"),
    ({"issueNumber": 1.5}, "issueNumber"),
    ({"issueNumber": "1"}, "issueNumber"),
    ({"issueNumber": 2**31}, "issueNumber"),
    ({"timeLimit": 59}, "timeLimit"),
    ({"timeLimit": 86_401}, "timeLimit"),
    ({"timeLimit": True}, "timeLimit"),
    ({"maxCost": 0}, "maxCost"),
    ({"maxCost": -1}, "maxCost"),
    ({"webhookUrl": "x" * 2049}, "webhookUrl"),
    ({"webhookEvents": []}, "webhookEvents"),
    ({"webhookEvents": ["running"]}, "webhookEvents.0"),
    ({"metadata": {"a": 1}}, "metadata.a"),
    ({"metadata": {"": "a"}}, "metadata..[key]"),
    ({"metadata": {"a": "x" * 513}}, "metadata.a"),
    ({"metadata": {str(n): "" for n in range(17)}}, "metadata"),
    ({"metadata": ["a"]}, "metadata"),
    ({"more": 1}, "more"),
]

WRONG_BODIES: list[tuple[bytes, int]] = [
    (b"", 400),
    (b"{", 400),
    (b"\xff\xfe", 400),
    (b"null", 422),
    (b"[]", 422),
    (b'"x"', 422),
    (b"{}", 422),
    (b'{"repoUrl":"acme/widgets","prompt":"\\ud800"}', 400),
    (b'{"repoUrl":"acme/\\u0000","prompt":"x"}', 422),
    (b'{"repoUrl":"acme/widgets","prompt":"x","maxCost":NaN}', 422),
    (b'{"repoUrl":"acme/widgets","prompt":"x","maxCost":1e999}', 422),
    (b'{"repoUrl":"acme/widgets","prompt":"x","prompt":"y"}', 422),
    (b'{"repoUrl":"acme/widgets","repo_url":"acme/widgets","prompt":"y"}', 422),
    (b'{"repoUrl":"acme/widgets","prompt":"x","metadata":{"a":"1","a":"2"}}', 422),
    (b"[" * 100_000, 400),
    (b" " * (1024 * 1024 + 1), 413),
]


async def test_bodies_that_are_wrong(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, alice):
        for change, field in WRONG_FIELDS:
            answer = await alice.call("POST", "/tasks", {**GOOD, **change})
            assert (answer.status, answer.fields) == (422, [field]), change
        for raw, status in WRONG_BODIES:
            answer = await alice.call("POST", "/tasks", data=raw)
            assert answer.status == status, raw[:80]
            assert answer.headers["Content-Type"].startswith("application/problem+json")
        headers = {"Content-Type": "text/plain"}
        answer = await alice.call("POST", "/tasks", data=b"{}", headers=headers)
        assert answer.status == 415
        assert await here.count() == 0


async def test_snake_case_is_taken_and_nul_becomes_visible(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS) as (_, alice):
        body = {"repo_url": "acme/widgets", "prompt": "a\0b", "time_limit": 60}
        made = await alice.call("POST", "/tasks", {**body, "metadata": {"a\0": "\0"}})
        assert (made.status, made.body["timeLimit"]) == (202, 60)
        assert made.body["prompt"] == "a\ufffdb"
        assert made.body["metadata"] == {"a\ufffd": "\ufffd"}


async def test_who_has_no_key_or_not_the_scope(tmp_path: Path) -> None:
    async with desk(tmp_path) as (here, alice):
        reader = await here.client("alice", scopes=("tasks:read",))
        assert (await reader.ask()).status == 403
        alice.key = "nonsense"
        answer = await alice.ask()
        assert (answer.status, answer.headers["WWW-Authenticate"][:6]) == (401, "Bearer")


async def test_a_limit_of_places_queues_programs_as_people(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command=WAITS, max_running=1) as (here, alice):
        one, two, three = [(await alice.ask()).id for _ in range(3)]
        assert await asyncio.gather(
            *(here.stage.bot.store.place_in_queue(task) for task in (one, two, three))
        ) == [0, 1, 2]
