"""What workers call, over a real socket."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from inline_snapshot import snapshot

from bot.agent_keys import AgentKeys
from bot.http.callbacks import CallbackDesk
from bot.http.contract import VERSION, spoken
from bot.http.problems import Problem
from bot.http.throttle import A_MINUTE
from bot.runners.base import WorkerKey
from bot.worker_tokens import WorkerTokens
from handlers.task import Task
from storage import migrations
from storage.sqlite import Engine
from storage.times import to_text
from tests.story import Stage, plain, staged, until
from worker import contract as worker

HANGS = "sleep 600"


@pytest_asyncio.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with staged(tmp_path, agent_command=HANGS) as one:
        yield one


async def working(stage: Stage, text: str = "/fix it") -> Task:
    stage.comments("alice", text)
    return await stage.in_state("working")


def token_of(stage: Stage, task: Task, attempt: int | None = None) -> str:
    key = WorkerKey(task.id, attempt or task.attempt, task.launch)
    return WorkerTokens(stage.bot.vault.worker_key).make(key)


async def spoil(stage: Stage, statement: str, *values: str) -> None:
    """Change the database behind everybody's back."""
    path = stage.settings.data / "bellhop.db"
    engine = await Engine.open(path, migrations=migrations.migrations, readers=1)
    try:
        await engine.write(lambda db: db.conn.execute(statement, values).rowcount)
    finally:
        await engine.close()


async def send(
    stage: Stage,
    method: str,
    name: str,
    token: str | None,
    *,
    data: bytes | str | BytesIO = b"{}",
    content_type: str = "application/json",
    **headers: str,
) -> tuple[int, dict[str, Any]]:
    sent = {"Content-Type": content_type, **headers}
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    url = f"{stage.settings.public_url}/api/v1/callbacks/{name}"
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, data=data, headers=sent) as answer,
    ):
        assert answer.headers["X-Request-Id"]
        return answer.status, await answer.json(content_type=None)


CALLS = (("GET", "task"), ("POST", "progress"), ("POST", "token"), ("POST", "complete"))


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call[1])
async def test_tokens_that_are_none_and_old_ones(stage: Stage, call: tuple[str, str]) -> None:
    task = await working(stage)
    data = f'{{"taskId": "{task.id}", "status": "completed"}}' if call[1] == "complete" else "{}"
    for token in (None, "bhw_nonsense", token_of(stage, task, 2)):
        headers = {"Bellhop-Instance": "someone-else"}
        status, problem = await send(stage, *call, token, data=data, **headers)
        assert (status, problem["code"]) == (401, "unauthorized")
    assert (await stage.task()).state.state == "working"


async def test_a_second_worker_must_end(stage: Stage) -> None:
    task = await working(stage)
    token = token_of(stage, task)
    headers = {"Bellhop-Instance": "someone-else"}
    status, problem = await send(stage, "GET", "task", token, **headers)
    assert (status, problem["code"]) == (409, "claimed")
    same = {"Bellhop-Instance": task.instance or ""}
    status, assignment = await send(stage, "GET", "task", token, **same)
    assert status == 200
    assignment["githubToken"]["token"] = "ghs_…"
    for changing in ("taskId", "deadline"):
        del assignment[changing]
    del assignment["githubToken"]["expiresAt"]
    del assignment["context"]
    text = plain(repr(assignment)).replace(stage.sim.url, "https://github.test")
    text = text.replace(stage.settings.public_url, "https://bell.test").replace(task.id, "ID")
    assert text == snapshot(
        "{'contractVersion': 1, 'name': 'NAME', 'attempt': 1, 'command': 'fix', 'title': 'It is broken', 'prompt': 'it', 'repository': 'acme/widgets', 'issueNumber': 1, 'cloneUrl': 'https://github.test/acme/widgets.git', 'baseBranch': 'main', 'headBranch': 'bellhop/NAME', 'headSha': None, 'configFrom': None, 'pushUrl': 'https://bell.test/api/git/ID', 'githubToken': {'token': 'ghs_…'}, 'commitAuthor': {'name': 'bellhop[bot]', 'email': '1002+bellhop[bot]@users.noreply.github.com'}, 'coAuthors': [{'name': 'alice', 'email': '100001+alice@users.noreply.github.com'}], 'skipCi': False, 'agent': 'command', 'agentCommand': 'sleep 600', 'model': None, 'credentials': {}, 'timeLimit': 1800, 'maxCost': None}"
    )


async def test_an_instance_is_needed(stage: Stage) -> None:
    token = token_of(stage, await working(stage))
    for instance in ("", "short", "x" * 65, "with space"):
        status, problem = await send(stage, "GET", "task", token, **{"Bellhop-Instance": instance})
        assert (status, problem["detail"]) == snapshot(
            (400, "Send a Bellhop-Instance header: 8 to 64 letters or digits.")
        )


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call[1])
async def test_a_worker_of_another_contract_is_told_so(stage: Stage, call: tuple[str, str]) -> None:
    task = await working(stage)
    headers = {"Bellhop-Instance": task.instance or "", "Bellhop-Contract": "3"}
    status, problem = await send(stage, *call, token_of(stage, task), **headers)
    assert (status, problem["code"], problem["detail"]) == snapshot(
        (
            400,
            "contract",
            "This Bellhop speaks the worker's contract in version 1, not “3”: use the worker that belongs to it.",
        )
    )
    assert (await stage.task()).state.state == "working"


@pytest.mark.parametrize(
    ("ours", "known"),
    [(1, {None: 1, "1": 1}), (2, {None: 1, "1": 1, "2": 2}), (3, {"2": 2, "3": 3})],
)
def test_the_contract_of_before_is_taken(ours: int, known: dict[str | None, int]) -> None:
    for told in (None, "0", "1", "2", "3", "4", "", "1.0", "²", "9" * 5_000):
        if told in known:
            assert spoken(told, ours) == known[told]
        else:
            with pytest.raises(Problem, match="use the worker that belongs to it"):
                spoken(told, ours)


async def test_this_versions_worker_is_answered_by_the_next_bellhop(stage: Stage) -> None:
    task = await working(stage)
    next_one = CallbackDesk(
        store=stage.bot.store,
        tokens=WorkerTokens(stage.bot.vault.worker_key),
        github_tokens=stage.bot.token_desk(),
        identity=stage.bot.who,
        clock=stage.clock,
        worker_url=stage.settings.workers_url,
        github_url=stage.settings.github_url,
        agent_command=HANGS,
        agent_keys=AgentKeys(stage.bot.store, stage.bot.vault),
        contract=VERSION + 1,
    )
    next_one.register(app := web.Application())
    headers = {
        "Authorization": f"Bearer {token_of(stage, task)}",
        "Bellhop-Instance": task.instance or "",
        "Bellhop-Contract": str(worker.VERSION),
    }
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/api/callbacks/task", headers=headers)
        told = worker.read_assignment(await answer.json(), task.id)
        assert told.agent_command == HANGS


async def test_the_gits_token_can_be_renewed(stage: Stage) -> None:
    task = await working(stage)
    (first,) = (one.value for one in stage.worker_tokens())
    for minutes, same in ((11, True), (9, False)):
        soon = to_text(stage.clock() + timedelta(minutes=minutes))
        await spoil(stage, "UPDATE tokens SET expires_at = ?", soon)
        for _ in range(3):
            status, got = await send(stage, "POST", "token", token_of(stage, task))
            assert (status, got["token"] == first) == (200, same)
    assert len(stage.worker_tokens()) == 2
    stage.comments("alice", "/stop")
    await stage.ended()
    assert all(one.revoked for one in stage.worker_tokens())
    status, problem = await send(stage, "POST", "token", token_of(stage, task))
    assert (status, problem["code"]) == (409, "ended")


WRONG = (
    (b"", 400, []),
    (b"[1", 400, []),
    (b'{"message": "\\ud800"}', 400, []),
    (b"\xff\xfe", 400, []),
    (b"[" * 100_000, 400, []),
    (b"[]", 422, [""]),
    (b'{"progress": 101}', 422, ["progress"]),
    (b'{"progress": "50"}', 422, ["progress"]),
    (b'{"progress": NaN}', 422, ["progress"]),
    (b'{"state": "Not A State"}', 422, ["state"]),
    (b'{"speed": 1}', 422, ["speed"]),
    (b'{"usage": {"costUsd": -1}}', 422, ["usage.costUsd"]),
    (b'{"usage": {"costUsd": 1, "cost_usd": 1}}', 422, ["cost_usd"]),
    (b'{"logs": [{"message": "x", "type": "shout"}]}', 422, ["logs.0.type"]),
    (b'{"logs": [{"message": "x", "timestamp": "2026-01-01"}]}', 422, ["logs.0.timestamp"]),
    (b'{"progress": 1, "progress": 2}', 422, ["progress"]),
    (b'{"%s!": 1}' % (b"a" * 900_000), 422, ["a" * 64]),
)


async def test_bodies_that_are_wrong(stage: Stage) -> None:
    task = await working(stage)
    before = await stage.bot.store.timeline(task.id)
    token = token_of(stage, task)
    for data, status, fields in WRONG:
        answered, problem = await send(stage, "POST", "progress", token, data=data)
        found = [one["field"] for one in problem.get("errors", [])]
        assert (answered, found) == (status, fields), data[:80]
    assert await stage.bot.store.timeline(task.id) == before


async def test_other_types_and_sizes_are_refused(stage: Stage) -> None:
    token = token_of(stage, await working(stage))
    status, _ = await send(stage, "POST", "progress", token, content_type="text/plain")
    assert status == 415
    large = BytesIO(b'{"message": "' + b"x" * 2_000_000 + b'"}')
    status, _ = await send(stage, "POST", "progress", token, data=large)
    assert status == 413


async def test_progress_is_told_and_never_falls(stage: Stage) -> None:
    task = await working(stage)
    token = token_of(stage, task)
    report = {
        "progress": 60,
        "state": "working",
        "message": "half ghp_" + "a" * 36,
        "usage": {"inputTokens": 5, "output_tokens": 6, "costUsd": 0.5},
        "logs": [
            {"type": "command", "message": "ls ghp_" + "b" * 36},
            {"message": "done", "timestamp": "2026-01-01T00:00:00Z"},
        ],
    }
    status, orders = await send(stage, "POST", "progress", token, data=json.dumps(report))
    assert (status, orders["stop"], orders["messages"]) == (200, False, [])
    await send(stage, "POST", "progress", token, data=b'{"progress": 20}')
    after = await stage.task()
    assert (after.progress, after.state.message) == (60, "half ***")
    assert (after.usage.input_tokens, after.usage.output_tokens, after.usage.cost_usd) == (
        5,
        6,
        0.5,
    )
    lines = [line.message for _, line in await stage.bot.store.logs.of_task(task.id)]
    assert "ls ***" in lines
    assert "done" in lines


async def test_a_warning_is_told_until_it_is_acknowledged(stage: Stage) -> None:
    task = await working(stage)
    token = token_of(stage, task)
    await stage.freeze_worker()
    await stage.minutes_pass(24)
    await until(stage.warned, "the warning")
    _, orders = await send(stage, "POST", "progress", token)
    assert [one["id"] for one in orders["messages"]] == ["time-limit"]
    data = b'{"acknowledged": ["time-limit"]}'
    _, orders = await send(stage, "POST", "progress", token, data=data)
    assert orders["messages"] == []


async def test_a_completion_of_another_task(stage: Stage) -> None:
    task = await working(stage)
    data = '{"taskId": "01a200a0-0ddb-71c1-ae1e-ede9764f911c", "status": "completed"}'
    status, problem = await send(stage, "POST", "complete", token_of(stage, task), data=data)
    assert (status, problem["detail"]) == snapshot((422, "taskId is not the task of this token."))


@pytest.mark.parametrize(
    ("pr_url", "why"),
    [
        (
            "https://github.test/acme/widgets/pull/99",
            snapshot("the pull request that the worker names does not exist"),
        ),
        (
            "https://github.test/acme/other/pull/2",
            snapshot("the pull request that the worker names is not of this repository"),
        ),
        ("nonsense", snapshot("the pull request that the worker names is not of this repository")),
        (
            "https://github.test/acme/widgets/pull/2",
            snapshot("the pull request that the worker names is not from this task's branch"),
        ),
    ],
)
async def test_a_claimed_pull_request_is_checked(stage: Stage, pr_url: str, why: str) -> None:
    stage.repository.commit("topic", {"x": "x"}, "Topic", "bob <bob@example.org>")
    stage.sim.open_pull(stage.repository, author="bob", head="topic", base="main", title="Mine")
    task = await working(stage)
    said: dict[str, object] = {"status": "completed", "prUrl": pr_url}
    assert await stage.report(task, said) == 200
    ended = await stage.ended()
    assert ended.error is not None
    assert (ended.error.code.value, ended.error.detail) == ("pr_failed", why)


async def test_a_branch_that_is_not_the_tasks(stage: Stage) -> None:
    task = await working(stage)
    said: dict[str, object] = {"status": "completed", "branch": "main"}
    assert await stage.report(task, said) == 200
    ended = await stage.ended()
    assert ended.error is not None
    assert (ended.error.code.value, ended.error.detail) == snapshot(
        ("pr_failed", "it names another branch than the task's")
    )


async def test_a_failure_in_the_workers_words(stage: Stage) -> None:
    task = await working(stage)
    error = {"code": "worker_failed", "title": "No model", "detail": "ghp_" + "a" * 36}
    assert await stage.report(task, {"status": "failed", "error": error}) == 200
    await stage.ended()
    assert stage.final() == snapshot("""\
❌ `NAME` failed: No model.

***

`/retry NAME` tries again.

[The log of `NAME`](PAGE)\
""")


async def test_a_worker_that_cancels(stage: Stage) -> None:
    task = await working(stage)
    assert await stage.report(task, {"status": "cancelled"}) == 200
    assert (await stage.ended()).status == "cancelled"
    status, problem = await stage.call("POST", "progress", task, {})
    assert (status, problem["code"]) == (409, "ended")


async def test_a_report_that_is_sent_again_is_logged_once(stage: Stage) -> None:
    task = await working(stage)
    number = 10**6
    for wait, word in ((0, "a"), (0, "a"), (1, "b")):
        number += wait
        report: dict[str, object] = {"report": number, "logs": [{"message": word}]}
        assert (await stage.call("POST", "progress", task, report))[0] == 200
    lines = [line.message for _, line in await stage.bot.store.logs.of_task(task.id)]
    assert [line for line in lines if line in {"a", "b"}] == ["a", "b"]


async def test_a_worker_with_a_wrong_clock_does_no_harm(stage: Stage) -> None:
    task = await working(stage)
    times = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z")
    before = stage.clock()
    for at in times:
        report: dict[str, object] = {"logs": [{"message": "tick", "timestamp": at}]}
        assert (await stage.call("POST", "progress", task, report))[0] == 200
    after = stage.clock()
    found = [line for _, line in await stage.bot.store.logs.of_task(task.id)]
    old, new, older = (line.timestamp for line in found if line.message == "tick")
    day = timedelta(days=1)
    assert before - day <= old <= older <= after - day
    assert before <= new <= after


async def test_texts_have_a_longest_length(stage: Stage) -> None:
    task = await working(stage)
    assert await stage.report(task, {"status": "completed", "summary": "x" * 60_001}) == 422
    assert await stage.report(task, {"status": "completed", "summary": "x" * 60_000}) == 200


async def test_a_worker_that_calls_without_end_is_slowed_down(stage: Stage) -> None:
    task = await working(stage)
    token = token_of(stage, task)
    statuses = [(await send(stage, "POST", "progress", token))[0] for _ in range(A_MINUTE + 1)]
    assert statuses[0] == 200
    assert statuses[-1] == 429
