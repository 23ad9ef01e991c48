"""Faults on demand: what the caller sees, and whether the write took place."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from simulator import Fault, Record
from tests.simulator_support import Place, git, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

COMMENTS = "/repos/acme/widgets/issues/1/comments"
ON_COMMENTS = {"method": "POST", "path": r"/repos/.*/comments$"}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with running(tmp_path) as made:
        made.sim.open_issue(made.repo, author="alice", title="T")
        yield made


async def post(place: Place, token: str) -> Any:
    return await place.call("POST", COMMENTS, token, body={"body": "x"})


def written(place: Place) -> int:
    return len(place.repo.issues[0].comments)


async def test_a_fault_strikes_what_it_names_as_often_as_it_says(place: Place) -> None:
    token = await place.token()
    place.sim.faults.add(Fault(**ON_COMMENTS, status=502, times=2))
    assert (await place.call("GET", COMMENTS, token)).status == 200
    assert [(await post(place, token)).status for _ in range(3)] == [502, 502, 201]
    assert written(place) == 1
    assert [one.status for one in place.sim.requests][-3:] == [502, 502, 201]


async def test_a_fault_without_end_lasts_until_cleared(place: Place) -> None:
    fault = Fault(kind="status", status=503, times=None, headers={"X-Why": "test"}, body="down")
    place.sim.faults.add(fault)
    for _ in range(3):
        answer = await place.call("GET", "/meta")
        assert (answer.status, answer.raw, answer.headers["X-Why"]) == (503, b"down", "test")
    place.sim.faults.clear()
    assert (await place.call("GET", "/meta")).status == 200


@pytest.mark.parametrize(
    ("fault", "status", "retry_after", "remaining"),
    [
        ({"status": 403, "retry_after": 30}, 403, "30", None),
        ({"status": 429, "retry_after": 7}, 429, "7", None),
        ({}, 403, None, "0"),
    ],
)
async def test_rate_limits(
    place: Place, fault: Any, status: int, retry_after: str | None, remaining: str | None
) -> None:
    place.sim.faults.add(Fault(**ON_COMMENTS, kind="rate_limited", **fault))
    answer = await post(place, await place.token())
    assert answer.status == status
    assert "rate limit" in answer.json["message"]
    assert answer.headers.get("retry-after") == retry_after
    assert answer.headers.get("x-ratelimit-remaining") == remaining
    if remaining:
        assert 50 < int(answer.headers["x-ratelimit-reset"]) - time.time() < 61
    assert written(place) == 0


@pytest.mark.parametrize(("kind", "comments"), [("cut_before", 0), ("cut_after", 1)])
async def test_cut_connections(place: Place, kind: Any, comments: int) -> None:
    token = await place.token()
    place.sim.faults.add(Fault(**ON_COMMENTS, kind=kind))
    with pytest.raises(aiohttp.ClientConnectionError):
        await post(place, token)
    assert written(place) == comments
    assert place.sim.requests[-1].status == 0
    assert (await post(place, token)).status == 201


async def test_a_slow_request_is_held_until_released(place: Place) -> None:
    token = await place.token()
    place.sim.faults.add(Fault(**ON_COMMENTS, kind="slow", seconds=60))
    slow = asyncio.create_task(post(place, token))
    await place.sim.faults.held()
    assert written(place) == 0
    place.sim.faults.release()
    assert (await slow).status == 201


async def test_a_slow_request_goes_on_by_itself(place: Place) -> None:
    place.sim.faults.add(Fault(kind="slow", seconds=0.05))
    started = time.monotonic()
    assert (await place.call("GET", "/meta")).status == 200
    assert time.monotonic() - started >= 0.05


async def test_a_listener_hears_of_a_request_before_and_after_it_is_done(place: Place) -> None:
    token = await place.token()
    heard: list[tuple[str, bool, int]] = []

    def hear(record: Record, done: bool) -> None:
        heard.append((record.path, done, written(place)))
        if not done and len(heard) == 1:
            place.sim.faults.add(Fault(kind="cut_before"))

    place.sim.on_request.append(hear)
    with pytest.raises(aiohttp.ClientConnectionError):
        await post(place, token)
    assert (await post(place, token)).status == 201
    assert heard == [(COMMENTS, False, 0), (COMMENTS, False, 0), (COMMENTS, True, 1)]


async def test_git_fails_too(place: Place) -> None:
    path = r"/acme/widgets\.git/git-upload-pack"
    place.sim.faults.add(Fault(method="POST", path=path, status=500))
    said = await git("clone", place.git_url(), "one", cwd=place.folder, ok=False)
    assert "500" in said
    place.sim.faults.add(Fault(method="GET", path=r"/acme/widgets\.git/", kind="cut_before"))
    await git("clone", "-q", place.git_url(), "two", cwd=place.folder, ok=False)
    await git("clone", "-q", place.git_url(), "three", cwd=place.folder)


def test_a_pattern_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="no regular expression"):
        Fault(path="[")
