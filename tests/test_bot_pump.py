"""The loop goes on: in order, past what is broken, and without sleeping over anything."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from bot.catch_up.look import CatchUp
from bot.effects.perform import Performer
from bot.effects.sending import Courier
from bot.intake import Intake
from bot.line import Line
from bot.outbound_url import UrlRules
from bot.pump import Pump
from storage import migrations
from storage.sqlite import Engine
from storage.times import to_text
from tests.makers import NOON, SECOND
from tests.storage_support import opened
from tests.story import Stage, staged, until

SPOIL = "UPDATE tasks SET doc = json_set(doc, '$.state', 5, '$.status', 'running')"
"""A task that cannot be read any more: what a mistake of ours looks like to the loop."""


def taken(line: Line, now: datetime = NOON) -> list[int]:
    found: list[int] = []
    while (turn := line.take(now)) is not None:
        found.append(turn[1])
    return found


def test_a_lane_is_in_order_and_holds_up_no_other() -> None:
    line = Line()
    for number, lane in enumerate("aaab", 1):
        line.add(number, lane)
    assert (line.seen, taken(line)) == (4, [1, 4])
    line.done("a")
    assert taken(line) == [2]
    line.done("b")
    line.done("a")
    assert taken(line) == [3]
    assert line.seen == 4
    line.done("a")
    assert line.seen == 0, "numbers may be given anew"
    assert line.take(NOON) is None


def test_what_is_put_off_keeps_its_followers_waiting() -> None:
    line = Line()
    for number, lane in enumerate("aabb", 1):
        line.add(number, lane)
    assert taken(line) == [1, 3]
    line.put_off("a", NOON + SECOND)
    line.put_off("b", NOON + SECOND)
    assert taken(line) == []
    assert line.next_due(NOON) == NOON + SECOND
    assert line.next_due(NOON + SECOND) is None
    assert taken(line, NOON + SECOND) == [1, 3]


@asynccontextmanager
async def beside(stage: Stage) -> AsyncGenerator[Engine]:
    """The database of a running Bellhop, to look into and to spoil."""
    path = stage.settings.data / stage.settings.database
    engine = await Engine.open(path, migrations=migrations.migrations, readers=1)
    try:
        yield engine
    finally:
        await engine.close()


async def rows(engine: Engine, sql: str) -> list[tuple[Any, ...]]:
    return await engine.read(lambda db: list(db.conn.execute(sql)))


async def change(engine: Engine, sql: str, *values: str) -> None:
    await engine.write(lambda db: db.conn.execute(sql, values).rowcount)


async def test_commands_of_an_issue_do_not_overtake_each_other(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        other = stage.sim.open_issue(stage.repository, author="alice", title="Elsewhere")
        path = r"/repos/acme/widgets/collaborators/alice/permission$"
        stage.fault("GET", path, "status", times=10_000, status=500)
        stage.comments("alice", "/ask what is it?")
        await stage.sim.settled()
        stage.comments("tina", "/bellhop help")
        stage.comments("bob", "/bellhop help", other)
        await until(lambda: len(stage.replies(other)) == 1, "the answer elsewhere")
        assert len(await stage.bot.store.inbox.waiting(9)) == 2
        assert stage.replies() == []


async def test_a_clock_that_fails_waits_and_stops_no_other(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage, beside(stage) as engine:
        other = stage.sim.open_issue(stage.repository, author="alice", title="Elsewhere")
        stage.comments("alice", "/ask what is it?")
        await stage.ended()
        now = stage.clock()
        await change(engine, f"{SPOIL}, due_at = ?", to_text(now))
        stage.bot.store.changed.set()
        due = "SELECT 1 FROM tasks WHERE due_at > '" + to_text(now + timedelta(minutes=4)) + "'"

        async def postponed() -> bool:
            return await rows(engine, due) == [(1,)]

        await until(postponed, "a later time")
        stage.comments("alice", "/bellhop help", other)
        await until(lambda: len(stage.replies(other)) == 1, "the answer elsewhere")


async def test_what_fails_for_an_hour_is_given_up_and_told(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage, beside(stage) as engine:
        stage.comments("alice", "/ask what is it?")
        await stage.ended()
        await change(engine, SPOIL)
        before = len(stage.replies())
        stage.comments("alice", "/bellhop status")
        stage.sim.close_issue(stage.issue, "alice")
        await stage.sim.settled()
        assert len(await stage.bot.store.inbox.waiting(9)) == 2
        stage.time_passes(hours=1, minutes=1)

        async def nothing_waits() -> bool:
            return not await stage.bot.store.inbox.waiting(9)

        await until(nothing_waits, "the end of trying")
        await until(lambda: len(stage.replies()) > before, "the answer")
        assert "Bellhop itself failed; its log tells why" in stage.final()


async def test_an_unreadable_delivery_ends_nothing(tmp_path: Path) -> None:
    async with staged(tmp_path, start=False) as stage:
        await stage.start()
        async with beside(stage) as engine:
            await stage.sim.settled()
            await engine.write(
                lambda db: (
                    db.conn.execute(
                        "INSERT INTO deliveries (id, event, received_at, body) "
                        "VALUES ('x', 'issues', '2026-01-01T00:00:00.000000Z', x'00')"
                    ).rowcount
                )
            )
            stage.comments("alice", "/bellhop help")
            await until(lambda: len(stage.replies()) == 1, "the answer")
            assert await stage.bot.store.inbox.waiting(9) == []


class Steps:
    """A clock that goes on at once when it is looked at, as far as a test says."""

    def __init__(self) -> None:
        self.times = [NOON]

    def __call__(self) -> datetime:
        return self.times.pop(0) if len(self.times) > 1 else self.times[0]


async def test_what_becomes_due_between_the_look_and_the_sleep_is_not_slept_over(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as bench:
        await bench.ask()
        await bench.sql("UPDATE effects SET state = 'done', done_at = '2020'")
        clock = Steps()
        nobody = cast("Any", None)
        courier = Courier(bench.store, nobody, UrlRules(), nobody, nobody, clock, lambda _: 1.0)
        intake, performer = cast("Intake", nobody), cast("Performer", nobody)
        catch_up = CatchUp(nobody)
        catch_up.due_at = NOON + timedelta(days=1)
        pump = Pump(bench.store, intake, performer, courier, catch_up, clock, lambda _: 1.0)

        async def tidied() -> bool:
            return await bench.rows("SELECT 1 FROM effects") == []

        running = asyncio.create_task(pump.run())
        try:
            await until(tidied, "the end of tidying")
            await until(lambda: not pump.busy, "the end of tidying")
            await until(lambda: not bench.store.changed.is_set(), "the sleep")
            due = NOON + 30 * SECOND
            await bench.sql(f"{SPOIL}, due_at = ?", to_text(due))
            clock.times = [NOON, NOON + 60 * SECOND]
            bench.store.changed.set()

            async def struck() -> bool:
                (found,) = await bench.rows("SELECT due_at FROM tasks")
                return found[0] > to_text(due)

            await until(struck, "the clock")
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running


async def test_a_mistake_anywhere_does_not_end_the_loop(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage, beside(stage) as engine:
        stage.comments("alice", "/bellhop help")
        await until(lambda: len(stage.replies()) == 1, "the answer")
        await stage.quiet()
        await change(engine, "UPDATE effects SET doc = '{}', state = 'waiting'")
        stage.bot.store.changed.set()
        stage.comments("alice", "/bellhop help")
        await stage.sim.settled()
        await change(engine, "DELETE FROM effects WHERE doc = '{}'")
        await until(lambda: len(stage.replies()) == 2, "the second answer")
        assert stage.bot.ready
