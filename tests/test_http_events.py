"""Events over a socket: in order, resumed, ended, and seen only by those who may."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from bot.http.access import Doorman
from bot.http.caller import Caller
from bot.http.event_audience import OfAll
from bot.http.event_stream import Pace
from bot.http.events import MOST_STREAMS
from bot.http.forms import Forms
from bot.http.task_sight import TaskSight
from bot.operators import Operators
from bot.roles import Roles
from handlers.circumstances import Circumstances
from handlers.events import RetryRequested
from handlers.repo_config import RepoConfig
from handlers.roles import Role
from storage.feed import Fed
from tests.http_events import Event, house
from tests.http_tasks import ABSENT
from tests.makers import MINUTE
from tests.story import until

BEGUN = ["/ask was admitted", "starting a worker", "a worker has begun"]
FAST = Pace(heartbeat=0.02)


def messages(events: list[Event]) -> list[str]:
    return [one.message for one in events if one.type != "end"]


async def test_a_task_is_followed_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        task = await it.task()
        await it.say(task, "a", "b")
        async with it.follow(f"/{task.id}/events") as stream:
            assert stream.answer.headers["Cache-Control"] == "no-store"
            assert stream.answer.headers["X-Accel-Buffering"] == "no"
            assert "Content-Encoding" not in stream.answer.headers
            begun = await stream.some(5)
            await it.say(task, "c\nd")
            await it.end(task)
            rest = await stream.rest()
        assert stream.retry == "3000"
        assert messages(begun) == [*BEGUN, "a", "b"]
        assert messages(rest)[0] == "c\nd"
        assert [one.type for one in rest] == ["command", "success", "end"]
        numbers = [one.number for one in [*begun, *rest[:-1]]]
        assert numbers == list(range(1, 8))
        first = begun[0]
        assert first.data == {
            "id": 1,
            "taskId": task.id,
            "attempt": 1,
            "timestamp": first.data["timestamp"],
            "type": "status",
            "message": "/ask was admitted",
            "data": {"status": "queued"},
        }
        assert first.data["timestamp"].endswith("Z")
        assert (first.type, rest[-1].data) == ("status", {})


async def test_all_tasks_are_followed_until_somebody_leaves(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        first = await it.task()
        async with it.follow("/events") as stream:
            await stream.some(3)
            second = await it.task(owner="bob")
            await it.say(first, "a")
            await it.end(second)
            await it.say(first, "b")
            told = await stream.some(6)
        assert messages(told)[:4] == [*BEGUN, "a"]
        assert told[-1].message == "b"
        assert [one.number for one in told] == list(range(4, 10))


@pytest.mark.parametrize("how", ["Last_Event_ID", "after", "page"])
async def test_everything_is_there_from_any_place_on(tmp_path: Path, how: str) -> None:
    async with house(tmp_path) as it:
        task, other = await it.task(), await it.task()
        await it.say(task, "a", "b")
        await it.say(other, "x")
        await it.end(task)
        whole, _ = await it.page(f"/{task.id}/events")
        numbers = [one.number for one in whole]
        assert numbers == [1, 2, 3, 7, 8, 10]
        for last in range(10):
            path = f"/{task.id}/events"
            right = [number for number in numbers if number > last]
            if how == "page":
                found, _ = await it.page(f"{path}?after={last}")
            elif how == "after":
                async with it.follow(f"{path}?after={last}") as stream:
                    found = (await stream.rest())[:-1]
            else:
                async with it.follow(f"{path}?after=999", Last_Event_ID=str(last)) as stream:
                    found = (await stream.rest())[:-1]
            assert [one.number for one in found] == right, last


async def test_who_has_everything_of_an_ended_task_is_told_not_to_come_again(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as it:
        task = await it.task()
        path = f"/{task.id}/events"
        async with it.follow(f"{path}?after=3"):
            pass  # it goes on
        await it.end(task)
        async with it.follow(path) as stream:
            *_, last, end = await stream.rest()
        assert end == Event(last.id, "end", {})
        assert await it.status(path, Last_Event_ID=last.id) == 204
        assert await it.status(f"{path}?after={last.number + 5}") == 204
        assert await it.status(f"{path}?after=0", Last_Event_ID=last.id) == 204
        assert await it.page(f"{path}?after={last.id}") == ([], last.number)
        found = Circumstances(Role.WRITE, RepoConfig(), "main")
        await it.bot.store.apply(
            RetryRequested(task.id, it.person("alice"), found), it.stage.clock()
        )
        async with it.follow(path, Last_Event_ID=last.id) as stream:
            (again, _) = await stream.some(2)
        assert (again.data["attempt"], again.data["data"]) == (2, {"status": "queued"})


async def test_nothing_is_missed_or_doubled_over_a_restart(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        task = await it.task()
        async with it.follow("/events") as stream:
            before = await stream.some(3)
            await it.say(task, "a")
            before += await stream.some(1)
            stopping = asyncio.create_task(it.stop())
            assert await stream.rest() == []
            await stopping
        await it.start()
        await it.say(task, "b")
        await it.end(task)
        async with it.follow("/events", Last_Event_ID=before[-1].id) as stream:
            after = await stream.some(2)
        whole, last = await it.page("/events")
        assert before + after == [replace(one) for one in whole]
        assert last == after[-1].number


async def test_a_crowd_gets_everything_in_order_while_it_happens(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        task, other = await it.task(), await it.task()

        async def read(after: int) -> list[Event]:
            async with it.follow(f"/events?after={after}") as stream:
                return await stream.some(6 + 40 - after)

        reading = [asyncio.create_task(read(after)) for after in range(10)]
        for number in range(10):
            await asyncio.gather(
                it.say(task, f"{number}", f"{number} again"),
                it.tell(other, f"{number}"),
                it.say(other, f"{number}"),
            )
        for after, found in enumerate(await asyncio.gather(*reading)):
            assert [one.number for one in found] == list(range(after + 1, 47))


async def test_pages_hold_as_many_as_asked_for_and_say_where_to_go_on(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        task = await it.task()
        found: list[Event] = []
        after = 0
        for size in (1, 1, 1, 0):
            events, after = await it.page(f"/events?limit=1&after={after}")
            assert len(events) == size
            found += events
        assert (messages(found), after) == (BEGUN, 3)
        assert await it.page(f"/{task.id}/events?limit=1000") == (found, 3)


async def test_a_long_history_comes_in_order(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        task = await it.task()
        await it.say(task, *(str(number) for number in range(10_000)))
        await it.end(task)
        async with it.follow(f"/{task.id}/events?after=3") as stream:
            found = await stream.rest()
        assert messages(found)[:-1] == [str(number) for number in range(10_000)]
        page, last = await it.page(f"/{task.id}/events?limit=1000&after=5003")
        assert messages(page) == [str(number) for number in range(5_000, 6_000)]
        assert last == 6_003


@pytest.mark.parametrize("path", ["/events", f"/{ABSENT}/events"])
async def test_what_is_malformed_is_refused(tmp_path: Path, path: str) -> None:
    async with house(tmp_path) as it:
        if ABSENT in path:
            assert await it.status(path) == 404
            path = f"/{(await it.task()).id}/events"
        for query in ("after=", "after=-1", "after=x", "after=1&after=2", f"after={'9' * 19}"):
            assert await it.status(f"{path}?{query}") == 400, query
        for query in ("limit=0", "limit=1001", "limit=a"):
            assert await it.status(f"{path}?{query}", Accept="application/json") == 400, query
        for last in ("", "x", "-1", "1.5"):
            assert await it.status(path, Last_Event_ID=last) == 400, last


async def test_strangers_see_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        task = await it.task()
        path = f"/{task.id}/events"
        assert await it.status(path, "tina") == 404
        assert await it.status("/no-uuid/events") == 400
        assert await it.page("/events", "tina") == ([], 3)
        async with it.session.get(f"{it.stage.settings.public_url}/api/tasks/events") as answer:
            assert answer.status == 401


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json", "application/json"),
        ("application/json;q=0.9, text/event-stream;q=0.5", "application/json"),
        ("text/event-stream, application/json", "text/event-stream"),
        ("application/json;q=x", "text/event-stream"),
        ("application/json;charset=utf-8", "application/json"),
        ("text/html, */*", "text/event-stream"),
    ],
)
async def test_a_stream_is_sent_unless_pages_are_preferred(
    tmp_path: Path, accept: str, kind: str
) -> None:
    async with house(tmp_path) as it, it.get("/events", Accept=accept) as answer:
        assert answer.content_type == kind
        assert answer.headers["Cache-Control"] == "no-store"


async def test_heartbeats_come_while_nothing_happens(tmp_path: Path) -> None:
    async with house(tmp_path, FAST) as it:
        task = await it.task()
        async with it.follow("/events?after=3") as stream:
            coming = asyncio.create_task(stream.one())
            await until(lambda: stream.beats >= 3, "heartbeats")
            await it.say(task, "a")
            one = await coming
            assert one is not None
            assert one.message == "a"


async def test_each_sees_what_they_may_and_new_repositories_are_asked_about(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as it:
        await it.task(owner="alice")
        elsewhere = it.stage.sim.add_repository("acme/gadgets", {"README.md": "# Gadgets\n"})
        it.stage.sim.install(elsewhere)
        elsewhere.set_role("alice", "read")
        elsewhere.set_role("tina", "triage")
        async with it.follow("/events") as alices, it.follow("/events", "tina") as tinas:
            await alices.some(3)
            hidden = await it.task(owner="bob", repository=elsewhere)
            own = await it.task(owner="tina", repository=elsewhere)
            last = await it.task(owner="alice", repository=elsewhere)
            assert {one.data["taskId"] for one in await alices.some(3)} == {last.id}
            assert {one.data["taskId"] for one in await tinas.some(3)} == {own.id}
        elsewhere.set_role("alice", "write")
        it.stage.clock.offset += 6 * MINUTE
        async with it.follow("/events?after=3") as stream:
            assert {one.data["taskId"] for one in await stream.some(3)} == {hidden.id}


async def test_operators_see_everything(tmp_path: Path) -> None:
    async with house(tmp_path, admins=("tina",)) as it:
        task = await it.task()
        async with it.follow("/events", "tina") as stream:
            assert messages(await stream.some(3)) == BEGUN
            await it.say(task, "a")
            assert messages(await stream.some(1)) == ["a"]


async def test_nobody_sees_an_event_of_a_task_that_was_removed_meanwhile(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        bot, clock = it.bot, it.stage.clock
        roles = Roles(bot.github, clock)
        doorman = Doorman(
            bot.store.people, Operators(bot.store, bot.github, ()), clock, "", Forms(bot.vault)
        )
        caller = Caller(it.person("alice"), operator=False, scopes=frozenset())
        audience = OfAll(TaskSight(bot.store, doorman, roles), caller)
        of_nothing = Fed(1, ABSENT, 1, clock(), "info", "", {}, caller.person.id, 7)
        assert not await audience.sees(of_nothing)


async def test_a_stream_ends_when_its_key_is_taken_away(tmp_path: Path) -> None:
    async with house(tmp_path, Pace(heartbeat=0.02, look=0.0)) as it:
        task = await it.task()
        async with (
            it.follow("/events?after=3") as all_tasks,
            it.follow(f"/{task.id}/events?after=3") as one_task,
            it.follow("/events?after=3", "bob") as bobs,
        ):
            await it.say(task, "a")
            for stream in (all_tasks, one_task, bobs):
                assert messages(await stream.some(1)) == ["a"]
            await it.lose_key("alice")
            assert await all_tasks.rest() == await one_task.rest() == []
            await it.say(task, "b")
            assert messages(await bobs.some(1)) == ["b"]


async def test_a_stream_ends_when_its_reader_may_see_the_task_no_longer(tmp_path: Path) -> None:
    async with house(tmp_path, Pace(heartbeat=0.02, look=0.0)) as it:
        task = await it.task()
        async with (
            it.follow(f"/{task.id}/events?after=3", "bob") as of_task,
            it.follow("/events?after=3", "bob") as of_all,
            it.follow("/events?after=3", "alice") as alices,
        ):
            await it.say(task, "a")
            for stream in (of_task, of_all, alices):
                await stream.some(1)
            it.stage.repository.set_role("bob", "triage")
            it.stage.clock.offset += 6 * MINUTE
            assert await of_task.rest() == []
            await it.say(task, "b")
            await it.task(owner="bob")  # after it, "b" has been decided about
            assert messages(await of_all.some(3)) == BEGUN
            it.stage.repository.set_role("bob", "write")
            it.stage.clock.offset += 6 * MINUTE
            await it.say(task, "c")
            assert messages(await of_all.some(1)) == ["c"]


async def test_nothing_is_shown_while_github_does_not_say_who_may_see_it(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        await it.task()
        path = "/repos/acme/widgets/collaborators"
        it.stage.fault("GET", path, "status", times=10_000, status=500)
        async with it.get("/events", Accept="application/json") as answer:
            assert answer.status == 503
        async with it.follow("/events") as stream:
            assert await stream.rest() == []


async def test_the_stream_of_a_task_that_is_removed_ends(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        task = await it.task()
        async with it.follow(f"/{task.id}/events") as stream, it.follow("/events") as of_all:
            await stream.some(3)
            await of_all.some(3)
            await it.give_up(task)
            stopping = await stream.some(1)
            assert await of_all.some(1) == stopping
            await it.remove(task)
            assert [one.type for one in await stream.rest()] == ["end"]
            other = await it.task()
            assert {one.data["taskId"] for one in await of_all.some(3)} == {other.id}
        assert await it.status(f"/{task.id}/events", Last_Event_ID="3") == 404
        assert {one.data["taskId"] for one in (await it.page("/events"))[0]} == {other.id}


async def is_cut(lazy: socket.socket) -> bool:
    """Read what is left; whether the connection has ended."""
    loop = asyncio.get_running_loop()
    try:
        return not await loop.sock_recv(lazy, 1 << 20)
    except ConnectionResetError:
        return True


async def test_who_does_not_read_is_dropped_and_nobody_waits(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        tasks = [await it.task() for _ in range(3)]  # the log of one would be full
        lazy = await it.lazy("/events?after=9", "bob")
        async with it.follow("/events?after=9") as stream:
            for number in range(40):
                words = ["x" * 4_000] * 100
                await it.say(tasks[number % 3], *words)
                assert messages(await stream.some(100)) == words
        await until(lambda: is_cut(lazy), "the end of the connection")


async def test_who_takes_nothing_of_the_history_is_not_waited_for_long(tmp_path: Path) -> None:
    async with house(tmp_path, Pace(heartbeat=60.0, patience=0.1)) as it:
        task = await it.task()
        for _ in range(20):
            await it.say(task, *["x" * 4_000] * 100)
        lazy = await it.lazy(f"/{task.id}/events", "bob")
        await until(lambda: is_cut(lazy), "the end of the connection")


async def test_who_takes_nothing_does_not_hold_up_the_end(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        task = await it.task()
        for _ in range(20):
            await it.say(task, *["x" * 4_000] * 100)
        await it.lazy(f"/{task.id}/events", "bob")
        async with asyncio.timeout(8):
            await it.stop()


async def test_a_person_has_so_many_streams(tmp_path: Path) -> None:
    async with house(tmp_path) as it, contextlib.AsyncExitStack() as stack:
        for _ in range(MOST_STREAMS):
            await stack.enter_async_context(it.follow("/events"))
        async with it.get("/events") as answer:
            assert answer.status == 429
            assert answer.headers["Retry-After"]
        async with it.follow("/events", "bob"):
            pass
        assert await it.page("/events") == ([], 0)


async def test_streams_of_those_who_left_count_no_more(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        gone = [await it.lazy("/events", "alice") for _ in range(MOST_STREAMS)]
        assert await it.status("/events") == 429
        for one in gone:
            one.close()  # nothing is written to them for a minute

        async def let_in() -> bool:
            async with it.get("/events") as answer:
                return answer.status == 200

        await asyncio.wait_for(until(let_in, "a place"), 10)


async def test_streams_end_at_once_when_bellhop_stops(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        task = await it.task()
        async with (
            it.follow("/events") as of_all,
            it.follow(f"/{task.id}/events") as of_task,
        ):
            await of_all.some(3)
            await of_task.some(3)
            async with asyncio.timeout(5):
                await it.stop()
            assert await of_all.rest() == await of_task.rest() == []
