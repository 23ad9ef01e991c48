"""Stories of deliveries that GitHub could not bring: they are found in its log, and done once."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.catch_up.finding import MOST_FAILURES
from bot.catch_up.taking import MOST_ASKED
from handlers.missed import Missed
from simulator import Delivery, Record
from simulator.faults import Kind
from simulator.model import Comment, Issue
from storage import Store
from storage.missed import Outcome
from storage.receiving import Arrival
from tests.first_start import lay_out_in
from tests.simulator_support import receiving
from tests.story import Stage, staged, until

LIST = r"/app/hook/deliveries$"
ONE = r"/app/hook/deliveries/\d+$"
AGAIN = r"/app/hook/deliveries/\d+/attempts$"
NOWHERE = "http://127.0.0.1:1/hook"


def asked(stage: Stage) -> int:
    """How often GitHub was asked to deliver something again."""
    return sum(one.path.endswith("/attempts") for one in stage.sim.requests)


def pages(stage: Stage) -> int:
    """How many pages of the log were read."""
    return sum(one.path == "/app/hook/deliveries" for one in stage.sim.requests)


def payloads(stage: Stage) -> int:
    """How many payloads were got from the log."""
    return sum(
        one.method == "GET" and one.path.startswith("/app/hook/deliveries/")
        for one in stage.sim.requests
    )


async def prompts(stage: Stage, issue: Issue | None = None) -> list[str]:
    """What the tasks of an issue were asked for, oldest first."""
    return [one.wish.prompt for one in await stage.tasks(issue)]


async def arrived(stage: Stage) -> list[tuple[str, str]]:
    """How the deliveries came and what became of them, oldest first."""
    rows = await stage.bot.store.arrivals.page(200, None)
    return [(one.via, "+".join(each.state for each in one.asked)) for one in reversed(rows)]


async def looked(stage: Stage, times: int = 1, result: str = "done") -> None:
    """Wait until so many looks have ended."""
    meters = stage.bot.meters
    await until(lambda: meters.looks[result] >= times, f"look {times} that is {result}")


async def while_down(stage: Stage, *texts: str, issue: Issue | None = None) -> list[Comment]:
    """Alice writes what GitHub cannot deliver."""
    made = [stage.comments("alice", text, issue) for text in texts]
    await stage.sim.settled()
    return made


def impatient(stage: Stage) -> None:
    """Redeliveries are hardly waited for."""
    stage.tempo = dataclasses.replace(stage.tempo, redelivery=0.05)


async def test_what_was_written_while_bellhop_was_down_is_done_in_order_and_once(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path, start=False) as stage:
        other = stage.sim.open_issue(stage.repository, author="alice", title="Elsewhere")
        await while_down(stage, "/ask one", "/ask two")
        await while_down(stage, "/ask elsewhere", issue=other)
        await while_down(stage, "/ask three", "what do you think?")
        await stage.start()
        await stage.ended(3)
        await stage.ended(1, other)
        assert await prompts(stage) == ["one", "two", "three"]
        assert await prompts(stage, other) == ["elsewhere"]
        everything = [*await stage.tasks(), *await stage.tasks(other)]
        in_order = sorted(everything, key=lambda one: one.id)
        assert [one.wish.prompt for one in in_order] == ["one", "two", "elsewhere", "three"]
        assert await arrived(stage) == [("redelivery", "task")] * 4
        assert dict(stage.bot.meters.missed) == {"redelivered": 4, "nothing": 3}
        assert asked(stage) == 4, "what asks for nothing is not worth a redelivery"
        await stage.stop()
        await stage.start()
        await looked(stage)
        await stage.quiet()
        assert (len(await stage.tasks()), asked(stage), payloads(stage)) == (3, 4, 7)


async def test_what_comes_out_of_order_is_done_in_the_order_of_the_comments(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path, start=False) as stage:
        await while_down(stage, "/ask one", "/ask two")
        stage.clock.offset += _seconds(30)
        stage.sim.redeliver(stage.sim.deliveries[-2])  # fails, too, and is the latest in the log
        await stage.sim.settled()
        stage.fault("POST", AGAIN, "status", times=9, status=422)
        await stage.start()
        await stage.ended(2)
        assert await prompts(stage) == ["one", "two"]
        assert await arrived(stage) == [("log", "task")] * 2


async def test_the_timer_finds_what_was_answered_503(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage, receiving() as full:
        await stage.quiet()
        await looked(stage)
        full.status, bellhop = 503, stage.sim.webhook_url
        stage.sim.webhook_url = full.url
        await while_down(stage, "/ask one", "/ask two")
        stage.sim.webhook_url = bellhop
        stage.comments("alice", "/ask three")
        await stage.ended(1)
        assert await prompts(stage) == ["three"]
        stage.time_passes(minutes=5)
        await stage.quiet()
        assert pages(stage) == 1
        stage.time_passes(minutes=5, seconds=1)
        await stage.ended(3)
        assert sorted(await prompts(stage)) == ["one", "three", "two"]
        assert await arrived(stage) == [("webhook", "task"), *[("redelivery", "task")] * 2]
        assert pages(stage) == 2


async def test_what_github_does_not_deliver_again_is_taken_from_its_log(tmp_path: Path) -> None:
    async with staged(tmp_path, start=False) as stage:
        await while_down(stage, "/ask one", "/ask two")
        stage.fault("POST", AGAIN, "status", times=9, status=422)
        await stage.start()
        before = stage.clock()
        await stage.ended(2)
        assert await prompts(stage) == ["one", "two"]
        assert await arrived(stage) == [("log", "task")] * 2
        assert asked(stage) == 2, "GitHub may refuse the one and not the other"
        rows = await stage.bot.store.arrivals.page(9, None)
        assert all(one.received_at >= before - _seconds(60) for one in rows)
        assert dict(stage.bot.meters.missed)["log"] == 2


@pytest.mark.parametrize("secret", ["right", "wrong"])
async def test_where_no_redelivery_comes_no_second_one_is_waited_for(
    tmp_path: Path, secret: str
) -> None:
    """The address is wrong, or the secret: Bellhop works all the same."""
    settings = {"webhook_secret": SecretStr("another")} if secret == "wrong" else {}
    async with staged(tmp_path, prepare=impatient, start=False, **settings) as stage:
        if secret == "right":
            stage.sim.webhook_url = NOWHERE
        await while_down(stage, "/ask one", "/ask two", "/ask three")
        await stage.start()
        await stage.ended(3)
        assert await prompts(stage) == ["one", "two", "three"]
        assert await arrived(stage) == [("log", "task")] * 3
        assert asked(stage) == 1


async def test_what_comes_twice_is_done_once(tmp_path: Path) -> None:
    async with staged(tmp_path, start=False) as stage:
        await while_down(stage, "/ask one")
        stage.fault("POST", AGAIN, "cut_after")
        await stage.start()
        await stage.ended(1)
        assert stage.sim.deliveries[-1].event != "ping"
        again = [one for one in stage.sim.deliveries if one.redelivery]
        assert [one.status for one in again] == ["OK"]
        assert len(await stage.tasks()) == 1
        assert len(await arrived(stage)) == 1


async def test_what_somebody_had_delivered_again_is_not_asked_for(tmp_path: Path) -> None:
    async with staged(tmp_path, start=False) as stage, receiving() as elsewhere:
        await while_down(stage, "/ask one")
        missed = stage.sim.deliveries[-1]
        bellhop, stage.sim.webhook_url = stage.sim.webhook_url, elsewhere.url
        stage.sim.redeliver(missed)
        await stage.sim.settled()
        stage.sim.webhook_url = bellhop
        await stage.start()
        await looked(stage)
        await stage.quiet()
        assert await stage.tasks() == ()
        assert asked(stage) == 0


async def test_what_somebody_has_delivered_again_meanwhile_is_done_once(tmp_path: Path) -> None:
    async with staged(tmp_path, start=False) as stage:
        await while_down(stage, "/ask one", "/ask two")
        second = stage.sim.deliveries[-1]
        again: list[Delivery] = []

        def meanwhile(record: Record, done: bool) -> None:
            if done and record.path.endswith(f"/{second.id}"):
                again.append(stage.sim.redeliver(second))

        stage.sim.on_request.append(meanwhile)
        await stage.start()
        await stage.ended(2)
        await looked(stage)
        assert [one.status for one in again] == ["OK"]
        missed = stage.bot.meters.missed
        assert (missed["known"], missed["redelivered"], asked(stage)) == (1, 1, 1)
        assert sorted(await prompts(stage)) == ["one", "two"]


@pytest.mark.parametrize("body", [b"nonsense", b"{}", b'{"action":"edited","installation":{}}'])
async def test_what_is_understood_no_more_holds_up_nothing(tmp_path: Path, body: bytes) -> None:
    async with staged(tmp_path, start=False) as stage:
        await while_down(stage, "/ask one")
        lay_out_in(stage.settings)
        path = stage.settings.data / stage.settings.database
        store = await Store.open(path, stage.settings.rules("bellhop"))
        early = stage.clock() - _seconds(600)
        await store.missed.note([Missed("guid", 1, "issue_comment", early)], None, early)
        await store.missed.read("guid", body, (early, 1))
        await store.close()
        await stage.start()
        await stage.ended(1)
        assert await prompts(stage) == ["one"]
        await looked(stage)
        missed = stage.bot.meters.missed
        assert missed["unreadable"] + missed["nothing"] == 2, "this one, and the issue"


async def test_a_mistake_of_ours_is_given_up(tmp_path: Path) -> None:
    def mistaken(*_: object) -> Arrival | None:
        raise RecursionError

    async with staged(tmp_path) as stage:
        tools = dataclasses.replace(stage.bot.catch_up().tools, read=mistaken)
        missed = Missed("guid", 1, "issue_comment", stage.clock())
        assert tools.understood(missed, b"{}") is Outcome.UNREADABLE


async def test_a_comment_that_is_gone_by_then_is_skipped_in_silence(tmp_path: Path) -> None:
    async with staged(tmp_path, start=False) as stage:
        other = stage.sim.open_issue(stage.repository, author="alice", title="T", body="/ask it")
        gone, _ = await while_down(stage, "/fix this\n/ask that", "/ask two")
        stage.sim.delete_comment(gone)
        await while_down(stage, "/ask elsewhere", issue=other)
        stage.sim.delete_issue(other)
        await stage.sim.settled()
        await stage.start()
        await stage.ended(1)
        assert await prompts(stage) == ["two"]
        assert len(stage.replies()) == 2
        assert stage.replies(other) == []
        assert await arrived(stage) == [
            ("redelivery", "gone"),
            ("redelivery", "gone+gone"),
            ("redelivery", "task"),
            ("redelivery", "gone"),
            ("redelivery", ""),
        ]


async def test_what_is_kept_no_more_is_not_done_again_while_github_still_has_it(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path, start=False) as stage:
        impatient(stage)
        stage.fault("POST", AGAIN, "status", times=9, status=422)
        await while_down(stage, "/bellhop nonsense")
        await stage.start()
        await until(lambda: len(stage.replies()) == 1)
        await stage.quiet()
        stage.time_passes(minutes=6)
        stage.comments("alice", "Thank you.")
        await stage.sim.settled()
        stage.time_passes(minutes=4, seconds=1)
        await looked(stage, 2)
        store, later = stage.bot.store, stage.clock() + timedelta(days=14)
        await store.inbox.forget(later)
        await store.missed.forget(later)
        stage.time_passes(minutes=10, seconds=1)
        await looked(stage, 3)
        await stage.quiet()
        assert (len(stage.replies()), await arrived(stage)) == (1, [])


async def test_a_label_that_was_taken_off_by_then_asks_for_nothing(tmp_path: Path) -> None:
    async with staged(tmp_path, start=False) as stage:
        file = {".github/bellhop.yml": "labels: {ring: fix, off: fix}"}
        stage.repository.commit("main", file, "Configure", "alice <alice@example.org>")
        off = stage.sim.label(stage.issue, "off", "alice")
        stage.sim.label(stage.issue, "Ring", "alice")
        stage.sim.unlabel(stage.issue, off, "alice")
        await stage.sim.settled()
        await stage.start()
        await stage.ended(1)
        await stage.quiet()
        assert await arrived(stage) == [("redelivery", "gone"), ("redelivery", "task")]


async def states(stage: Stage) -> list[str]:
    """The statuses of the tasks of the issue, oldest first."""
    return [one.status.value for one in await stage.tasks()]


def closed(stage: Stage) -> None:
    stage.sim.close_issue(stage.issue, "alice")


def reopened(stage: Stage) -> None:
    stage.issue.state, stage.issue.closed_at = "open", None


def archived(stage: Stage) -> None:
    stage.sim.archive_repository(stage.repository)


def revived(stage: Stage) -> None:
    stage.repository.archived = False


def suspended(stage: Stage) -> None:
    stage.sim.suspend(stage.installation)


def unsuspended(stage: Stage) -> None:
    stage.sim.unsuspend(stage.installation)


def uninstalled(stage: Stage) -> None:
    stage.sim.uninstall(stage.installation)


def nothing(_: Stage) -> None:
    pass


@pytest.mark.parametrize(
    ("happens", "then", "status"),
    [
        (closed, nothing, "cancelled"),
        (closed, reopened, "queued"),
        (archived, nothing, "failed"),
        (archived, revived, "queued"),
        (archived, uninstalled, "failed"),
        (suspended, nothing, "failed"),
        (suspended, unsuspended, "queued"),
        (uninstalled, nothing, "failed"),
    ],
)
async def test_what_happened_while_bellhop_was_down_counts_if_it_still_holds(
    tmp_path: Path, happens: Callable[[Stage], None], then: Callable[[Stage], None], status: str
) -> None:
    async with staged(tmp_path, max_running=1, agent_command="sleep 300") as stage:
        other = stage.sim.open_issue(stage.repository, author="alice", title="First")
        stage.comments("alice", "/ask what is it?", other)
        await stage.in_state("running", other)
        stage.comments("alice", "/ask and this?")
        await stage.in_state("queued")
        await stage.stop()
        happens(stage)
        then(stage)
        await stage.sim.settled()
        await stage.start()
        await looked(stage)

        async def dealt_with() -> bool:
            return not await stage.bot.store.inbox.waiting(9)

        await until(dealt_with, "what happened")
        if status != "queued":  # it may just have got the other's place, and ends from there
            await stage.in_state(status)
        assert await states(stage) == [status]


@pytest.mark.parametrize(("status", "minutes"), [(451, 0), (500, 61)])
async def test_what_github_does_not_say_of_a_place_counts_as_it_was_told(
    tmp_path: Path, status: int, minutes: int
) -> None:
    async with staged(tmp_path) as stage:
        stage.comments("alice", "/fix it")
        await stage.ended()
        await stage.quiet()
        await stage.stop()
        (pull,) = stage.repository.pulls
        stage.sim.close_pull(pull, "alice")
        await stage.sim.settled()
        path = rf"/repos/acme/widgets/issues/{pull.number}$"
        stage.fault("GET", path, "status", times=100_000, status=status)
        await stage.start()
        await looked(stage)
        stage.time_passes(minutes=minutes)

        async def is_known() -> bool:
            task = await stage.task()
            return task.pull is not None and task.pull.state == "closed"

        await until(is_known, "that it is closed")


async def test_a_name_that_is_not_the_present_one_changes_nothing(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.comments("alice", "/ask what is it?")
        await stage.ended()
        await looked(stage)
        bellhop, stage.sim.webhook_url = stage.sim.webhook_url, NOWHERE
        stage.sim.rename_repository(stage.repository, "gadgets")
        await stage.sim.settled()
        stage.sim.webhook_url = bellhop
        stage.sim.rename_repository(stage.repository, "things")
        await stage.quiet()
        assert (await stage.task()).where.repository == "acme/things"
        stage.fault("GET", r"/repos/acme/gadgets$", "status", status=401)
        stage.time_passes(minutes=11)
        await looked(stage, 2)
        await stage.quiet()
        assert [way for way, _ in await arrived(stage)] == ["webhook", "webhook", "redelivery"]
        assert (await stage.task()).where.repository == "acme/things"


FAULTS: dict[str, tuple[Kind, dict[str, int]]] = {
    "500": ("status", {"status": 500}),
    "403 with retry-after": ("rate_limited", {"status": 403, "retry_after": 20}),
    "429": ("rate_limited", {"status": 429, "retry_after": 20}),
    "401": ("status", {"status": 401}),
    "cut before": ("cut_before", {}),
    "cut after": ("cut_after", {}),
}
CALLS = {"list": ("GET", LIST), "payload": ("GET", ONE), "redelivery": ("POST", AGAIN)}


@pytest.mark.parametrize("name", list(FAULTS))
@pytest.mark.parametrize("call", list(CALLS))
async def test_a_github_that_fails_for_a_while(tmp_path: Path, call: str, name: str) -> None:
    """More often than a question is repeated at once."""
    async with staged(tmp_path, start=False) as stage:
        await while_down(stage, "/ask one", "/ask two")
        kind, how = FAULTS[name]
        stage.fault(*CALLS[call], kind, times=9, **how)  # what was cut is sent twice each time
        await stage.start()

        async def met() -> bool:
            stage.bot.store.changed.set()
            stage.clock.offset += _seconds(1)  # which lets a rest pass
            return len(await stage.tasks()) == 2

        await until(met, "both tasks")
        stage.sim.faults.clear()
        await stage.ended(2)
        assert await prompts(stage) == ["one", "two"]
        looks = stage.bot.meters.looks
        assert (looks["failed"] > 0) is (call != "redelivery")
        if call == "redelivery":
            ways = [way for way, _ in await arrived(stage)]
            assert ways[1] == "log"
            assert ways[0] == "log" or name == "cut after", "then it may come all the same"
            assert asked(stage) == 1, "who asks to be left alone is"


async def test_github_is_left_alone_for_as_long_as_it_asks(tmp_path: Path) -> None:
    async with staged(tmp_path, start=False) as stage:
        await while_down(stage, "/ask one")
        stage.fault("POST", AGAIN, "rate_limited", status=403, retry_after=1_800)
        await stage.start()
        await stage.ended(1)
        await looked(stage)
        stage.time_passes(minutes=20)
        await stage.quiet()
        assert pages(stage) == 1
        stage.time_passes(minutes=11)
        await looked(stage, 2)


async def test_one_that_cannot_be_had_holds_up_no_other(tmp_path: Path) -> None:
    async with staged(tmp_path, start=False) as stage:
        await while_down(stage, "/ask one")
        broken = stage.sim.deliveries[-1].id
        await while_down(stage, "/ask two")
        stage.fault("GET", rf"/app/hook/deliveries/{broken}$", "status", times=10_000)
        await stage.start()
        await stage.ended(1)
        assert await prompts(stage) == ["two"]
        stage.sim.faults.clear()

        async def met() -> bool:
            stage.time_passes(seconds=1)
            return len(await stage.tasks()) == 2

        await until(met, "the first, after all")
        await stage.ended(2)


async def test_what_github_never_gives_is_given_up(tmp_path: Path) -> None:
    async with staged(tmp_path, start=False) as stage:
        await while_down(stage, "/ask one")
        broken = stage.sim.deliveries[-1]
        stage.fault("GET", rf"/app/hook/deliveries/{broken.id}$", "status", times=100_000)
        await stage.start()
        await looked(stage, 1, "failed")
        for _ in range(MOST_FAILURES - 3):
            await stage.bot.store.missed.failed(broken.guid)
        missed = stage.bot.meters.missed

        async def met() -> bool:
            stage.time_passes(seconds=5)
            return missed["lost"] == 1

        await until(met, "the end of trying")
        await looked(stage)
        stage.sim.faults.clear()
        before = payloads(stage)
        stage.time_passes(minutes=11)
        await looked(stage, 2)
        assert (payloads(stage), await stage.tasks()) == (before, ())


async def test_what_github_has_forgotten_by_then_is_lost(tmp_path: Path) -> None:
    async with staged(tmp_path, start=False) as stage:
        await while_down(stage, "/ask one", "/ask two")
        first = stage.sim.deliveries[-2].id
        stage.fault("GET", rf"/app/hook/deliveries/{first}$", "status", status=404)
        await stage.start()
        await stage.ended(1)
        assert await prompts(stage) == ["two"]
        assert stage.bot.meters.missed["lost"] == 1


NO_PAYLOAD = json.dumps({"request": {"headers": {}, "payload": None}})


async def test_without_a_payload_github_alone_can_bring_it(tmp_path: Path) -> None:
    async with staged(tmp_path, start=False) as stage:
        await while_down(stage, "/ask one")
        attempt = stage.sim.deliveries[-1].id
        path = rf"/app/hook/deliveries/{attempt}$"
        stage.fault("GET", path, "status", status=200, body=NO_PAYLOAD)
        stage.fault("POST", AGAIN, "rate_limited", status=429, retry_after=20)
        await stage.start()

        async def met() -> bool:
            stage.time_passes(seconds=1)
            return len(await stage.tasks()) == 1

        await until(met, "the task")
        await stage.ended(1)
        assert await arrived(stage) == [("redelivery", "task")]


async def test_without_a_payload_and_a_redelivery_it_is_lost(tmp_path: Path) -> None:
    async with staged(tmp_path, prepare=impatient, start=False) as stage:
        await while_down(stage, "/ask one")
        stage.fault("GET", ONE, "status", times=2, status=200, body=NO_PAYLOAD)
        stage.sim.webhook_url = NOWHERE
        await stage.start()
        missed = stage.bot.meters.missed
        await until(lambda: missed["lost"] == 2, "the end of trying")
        assert asked(stage) == 2
        await stage.quiet()
        assert await stage.tasks() == ()


async def test_what_is_refused_for_good_is_asked_for_no_more(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await looked(stage)  # ten minutes are counted from its end
        payload = {"action": "created", "installation": {"id": stage.installation.id}}
        stage.sim.hooks.emit("issue_comment", payload)
        await stage.sim.settled()
        assert stage.sim.deliveries[-1].status_code == 400
        stage.time_passes(minutes=11)
        await looked(stage, 2)
        assert stage.bot.meters.missed["unreadable"] == 1
        before = payloads(stage)
        stage.time_passes(minutes=11)
        await looked(stage, 3)
        assert (asked(stage), payloads(stage)) == (0, before)


async def test_a_long_log_is_read_once(tmp_path: Path) -> None:
    async with staged(tmp_path, start=False) as stage:
        await while_down(stage, "/ask one")
        for _ in range(240):
            stage.sim.ping()
        await stage.sim.settled()
        stage.clock.offset += _seconds(600)
        await while_down(stage, "/ask two")
        stage.fault("GET", LIST, "status", times=1, status=502)
        await stage.start()
        await stage.ended(2)
        assert await prompts(stage) == ["one", "two"]
        assert pages(stage) == 4, "three pages, one of them twice"
        await stage.stop()
        stage.clock.offset += _seconds(600)
        for _ in range(3):
            stage.sim.ping()
        await while_down(stage, "/ask three")
        await stage.start()
        await stage.ended(3)
        assert pages(stage) == 5, "what was read is not read again"
        await looked(stage)
        stage.time_passes(minutes=11)
        await looked(stage, 2)
        assert pages(stage) == 6
        assert asked(stage) == 3


async def test_a_thousand_are_not_all_asked_for(tmp_path: Path) -> None:
    async with staged(tmp_path, start=False) as stage:
        count = MOST_ASKED + 5
        for _ in range(count):
            stage.comments("visitor", "/fix it")
        await stage.sim.settled()
        began = stage.clock()
        await stage.start()
        await until(lambda: sum(stage.bot.meters.missed.values()) > count, "all of them")
        await stage.quiet()
        assert asked(stage) == MOST_ASKED
        ways = [way for way, _ in await arrived(stage)]
        assert ways == ["redelivery"] * MOST_ASKED + ["log"] * 5
        assert stage.clock() - began >= _seconds(MOST_ASKED - 1), "a second lies between two"
        assert len(stage.replies()) == 1


async def test_an_app_without_a_webhook_has_no_log(tmp_path: Path) -> None:
    async with staged(tmp_path, start=False) as stage:
        stage.fault("GET", LIST, "status", times=3, status=404)
        await stage.start()
        await looked(stage, 3, "failed")
        await looked(stage)


def _seconds(count: float) -> timedelta:
    return timedelta(seconds=count)
