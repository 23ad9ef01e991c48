"""What is not yours is not there: whatever two owners ask, neither sees or changes the other's."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from handlers.task import Status, Task
from handlers.values import Person, Where
from simulator.model import Repository
from storage import tasks
from tests.http_tasks import ABSENT, Client, Desk, Reply, desk, unlimited
from tests.makers import NOON, id_of, task_in

EACH = 1_000
CALLS = 300
STATUSES = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)
TELLS_NOTHING = {"x-request-id", "date", "ratelimit", "ratelimit-policy"}
"""Headers that differ between any two answers, or count the asking."""


def theirs(owner: Person, repository: Repository, installation: int, first: int) -> Iterator[Task]:
    """A person's tasks that have ended, in a repository of their own."""
    for number in range(first, first + EACH):
        yield replace(
            task_in(STATUSES[number % 3], completed_at=NOON + timedelta(seconds=number)),
            id=id_of(number),
            name=f"task-{number}",
            where=Where(
                installation, repository.id, repository.full_name, 1, is_pull_request=False
            ),
            owner=owner,
            requester=owner,
            version=0,
        )


async def fill(place: Desk) -> tuple[Client, Client]:
    """Alice and bob, each with a thousand tasks in a repository that the other cannot push to."""
    stage = place.stage
    other = stage.sim.add_repository("burrow/carrots", {"README.md": "# Carrots\n"})
    other.set_role("bob", "write")
    stage.repository.set_role("bob", "read")
    there = stage.sim.install(other)
    alice, bob = place.person("alice"), place.person("bob")
    both = [
        *theirs(alice, stage.repository, stage.installation.id, 1),
        *theirs(bob, other, there.id, EACH + 1),
    ]
    await stage.bot.store._engine.write(lambda db: [tasks.save(db, one, None) for one in both])
    return await place.client("alice"), await place.client("bob")


def routes(task_id: str) -> list[tuple[str, str, dict[str, Any] | None]]:
    """Every call that is about one task."""
    here = f"/tasks/{task_id}"
    return [
        ("GET", here, None),
        ("GET", f"{here}/status", None),
        ("GET", f"{here}/events", None),
        ("POST", f"{here}/messages", {"text": "And the other one."}),
        ("POST", f"{here}/retry", None),
        ("POST", f"{here}/stop", None),
        ("POST", f"{here}/extend", {"seconds": 60}),
        ("DELETE", here, None),
    ]


LISTS = (
    "/tasks",
    "/tasks?limit=100",
    "/tasks?q=owner:anyone",
    "/tasks?q=owner:{other}",
    "/tasks?q=owner:anyone%20repo:burrow/carrots",
    "/tasks?q=owner:anyone%20repo:acme/widgets",
    "/tasks?q=owner:anyone%20status:failed%20door",
    "/tasks/history",
    "/tasks/history?q=owner:anyone",
    "/tasks/events",
)


def told(reply: Reply) -> tuple[int, bytes, dict[str, str]]:
    """All of an answer by which one could tell something."""
    headers = {name.lower(): value for name, value in reply.headers.items()}
    headers = {name: value for name, value in headers.items() if name not in TELLS_NOTHING}
    return reply.status, reply.raw, headers


async def docs_of(place: Desk, owner: Person) -> dict[str, str]:
    def work(db: Any) -> dict[str, str]:
        return dict(db.conn.execute("SELECT id, doc FROM tasks WHERE owner_id = ?", (owner.id,)))

    return await place.stage.bot.store._engine.read(work)


async def test_whatever_two_owners_ask_neither_sees_or_changes_the_others(tmp_path: Path) -> None:
    async with desk(tmp_path, prepare=unlimited) as (place, _):
        alice, bob = await fill(place)
        before = await docs_of(place, place.person("bob"))
        assert len(before) == EACH
        foreign = list(before)
        json = {"Accept": "application/json"}
        for _ in range(CALLS):
            if random.random() < 0.3:
                path = random.choice(LISTS).replace("{other}", "bob")
                reply = await alice.call("GET", path, headers=json)
                assert reply.status == 200
                assert not any(one.encode() in reply.raw for one in random.sample(foreign, 50))
                listed = [one["taskId"] for one in _rows(reply.body)]
                assert before.keys().isdisjoint(listed)
                continue
            which = random.randrange(8)
            method, path, body = routes(random.choice(foreign))[which]
            absent = routes(ABSENT)[which]
            found = await alice.call(method, path, body, headers=json)
            nothing = await alice.call(absent[0], absent[1], absent[2], headers=json)
            assert found.status == 404
            assert told(found) == told(nothing)
        every = await alice.call("DELETE", "/tasks?action=completed,failed,cancelled")
        assert every.body == {"deletedCount": EACH}
        assert await docs_of(place, place.person("bob")) == before
        assert (await bob.call("GET", "/tasks")).body["count"] == EACH


def _rows(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [*body.get("tasks", ()), *body.get("events", ())]


async def test_whoever_lost_a_repository_stops_seeing_its_tasks(tmp_path: Path) -> None:
    async with desk(tmp_path) as (place, alice):
        asked = await alice.ask()
        await place.ended(asked.id)
        tina = await place.client("tina")
        place.stage.repository.set_role("tina", "write")
        assert (await tina.get(asked.id)).status == 200
        place.stage.repository.set_role("tina", "none")
        assert (await tina.get(asked.id)).status == 200, "for five minutes it is believed"
        place.stage.time_passes(minutes=5)
        assert (await tina.get(asked.id)).status == 404
        assert (await tina.call("GET", "/tasks?q=owner:anyone")).body["tasks"] == []


def _asked_about_repositories(place: Desk) -> int:
    """What Bellhop asks as the App, such as for its log of deliveries, is about none."""
    return sum(one.actor != "app" for one in place.stage.sim.requests)


async def test_nobody_has_github_asked_about_everybodys_repositories(tmp_path: Path) -> None:
    async with desk(tmp_path) as (place, alice):
        bob = place.person("bob")
        many = [
            replace(
                task_in(Status.FAILED, completed_at=NOON),
                id=id_of(number),
                name=f"task-{number}",
                where=Where(1, 10_000 + number, f"burrow/r{number}", 1, is_pull_request=False),
                owner=bob,
                version=0,
            )
            for number in range(101)
        ]
        await place.stage.bot.store._engine.write(
            lambda db: [tasks.save(db, one, None) for one in many]
        )
        asked = _asked_about_repositories(place)
        reply = await alice.call("GET", "/tasks?q=owner:anyone")
        assert (reply.status, reply.body["code"]) == (422, "too_broad")
        assert _asked_about_repositories(place) == asked
        assert (await alice.call("GET", "/tasks")).status == 200


async def test_a_body_of_endless_fields_is_refused_at_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as (_, alice):
        for count, told in ((201, "more than 200 fields"), (200, "fields that are wrong")):
            reply = await alice.call("POST", "/tasks", {f"a{n}": n for n in range(count)})
            assert reply.status == 422
            assert told in reply.body["detail"]
            assert len(reply.raw) < 4_000


async def test_while_github_fails_nobody_learns_of_repositories_of_strangers(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path, agent_command="exit 1") as (place, alice):
        stage = place.stage
        unlimited(stage)
        hidden = stage.sim.add_repository("strangers/repo", {"a": "b"}, private=True)
        hidden.set_role("bob", "write")
        stage.sim.install(hidden)
        bob = await place.client("bob")
        await place.ended((await bob.ask(repoUrl="strangers/repo")).id)
        await place.ended((await alice.ask()).id)

        async def look(client: Client, name: str) -> list[tuple[int, bytes, dict[str, str]]]:
            return [
                told(await client.call("GET", path.format(name)))
                for path in (
                    "/tasks?q=repo:{}",
                    "/tasks?q=owner:anyone%20repo:{}",
                    "/tasks?q=owner:bob%20repo:{}",
                    "/tasks?repository={}&q=owner:anyone",
                    "/tasks/history?q=owner:anyone%20repo:{}",
                )
            ]

        usual = await look(alice, "strangers/repo")
        assert usual == await look(alice, "strangers/none")
        assert [one[0] for one in usual] == [200] * 5
        stage.time_passes(minutes=6)
        stage.fault("GET", "/repos/.*/collaborators", "status", times=None)
        assert await look(alice, "strangers/repo") == usual
        assert (await alice.call("GET", "/tasks?q=owner:anyone%20repo:acme/widgets")).status == 503
        assert (await bob.call("GET", "/tasks?q=owner:anyone%20repo:strangers/repo")).status == 503


async def test_who_could_read_before_is_told_that_github_does_not_say(tmp_path: Path) -> None:
    async with desk(tmp_path, agent_command="exit 1") as (place, alice):
        stage = place.stage
        await place.ended((await alice.ask()).id)
        bob = await place.client("bob")
        path = "/tasks?q=owner:anyone%20repo:acme/widgets"
        assert (await bob.call("GET", path)).body["count"] == 1
        stage.time_passes(minutes=6)
        stage.fault("GET", "/repos/.*/collaborators", "status", times=None)
        assert (await bob.call("GET", path)).status == 503
