"""How jobs are gathered into groups: the writer has one at a time, and nothing is left behind."""

from __future__ import annotations

import asyncio

from storage.gathering import QUIET_TURNS, Gathering
from storage.jobs import Job


class Desk:
    """Takes groups in the writer's place, and does them when it is told to."""

    def __init__(self, most: int) -> None:
        self.groups: list[list[Job]] = []
        self.gathering = Gathering(self.groups.append, most)

    def add(self, item: int) -> Job:
        job = Job(
            lambda _, items: items, item, asyncio.get_running_loop().create_future(), result=item
        )
        self.gathering.add(job)
        return job

    def items(self) -> list[list[int]]:
        return [[job.item for job in group] for group in self.groups]


async def quiet() -> None:
    for _ in range(2 * QUIET_TURNS):
        await asyncio.sleep(0)


async def test_those_who_come_at_about_the_same_time_are_one_group() -> None:
    desk = Desk(most=9)
    job = desk.add(0)
    await asyncio.sleep(0)
    desk.add(1)
    assert desk.items() == [], "others may be on their way"
    await quiet()
    assert desk.items() == [[0, 1]]
    desk.gathering.done(desk.groups[0])
    await quiet()
    assert job.future.done()
    assert len(desk.groups) == 1


async def test_what_comes_while_a_group_is_done_is_the_next_one() -> None:
    desk = Desk(most=2)
    first = [desk.add(number) for number in range(3)]
    await quiet()
    assert desk.items() == [[0, 1]]
    desk.add(3)
    await quiet()
    assert desk.items() == [[0, 1]], "the writer has one group at a time"
    desk.gathering.done(desk.groups[0])
    assert [job.future.done() for job in first] == [True, True, False]
    await quiet()
    assert desk.items() == [[0, 1], [2, 3]]


async def test_the_end_waits_for_all_that_was_added() -> None:
    desk = Desk(most=1)
    jobs = [desk.add(number) for number in range(2)]
    ending = asyncio.create_task(desk.gathering.end())
    for done in range(2):
        await quiet()
        assert not ending.done()
        desk.gathering.done(desk.groups[done])
    await ending
    assert [await job.future for job in jobs] == [0, 1]


async def test_the_end_of_nothing_is_at_once() -> None:
    await Desk(most=1).gathering.end()
