"""Stories of days that may cost only so much."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from inline_snapshot import snapshot

from handlers.budgets import day_end
from tests.http_pages import browser
from tests.http_tasks import WAITS, desk
from tests.story import Stage, staged
from tests.test_page_task import sent

DAY = re.compile(r"\d{4}-\d\d-\d\d(?= 00:00 UTC)")


def at_noon(stage: Stage) -> None:
    """Begin at noon of the next day, so that no story is overtaken by midnight."""
    noon = day_end(stage.clock()) + timedelta(hours=12)
    stage.clock.offset += noon - stage.clock()


def midnight(stage: Stage) -> None:
    """Let the day end."""
    now = stage.clock()
    stage.time_passes(seconds=(day_end(now) - now).total_seconds())


async def test_what_waits_when_the_money_is_spent_goes_on_after_midnight(tmp_path: Path) -> None:
    limits = {"daily_cost_per_repository": 1.0, "max_running": 1}
    async with staged(tmp_path, prepare=at_noon, agent_command=WAITS, **limits) as stage:
        stage.comments("alice", "/fix it")
        first = await stage.in_state("working")
        other = stage.sim.open_issue(stage.repository, author="bob", title="Two", body="")
        stage.comments("bob", "/fix it too", other)
        await stage.in_state("waiting_for_slot", other)
        spent = {"status": "failed", "usage": {"costUsd": 1.25}}
        assert await stage.report(first, spent) == 200
        await stage.in_state("waiting_for_budget", other)
        await stage.quiet()
        assert stage.reply(other) == snapshot("""\
🛎️ **`/fix`** · [`NAME`](PAGE)

Waiting: $1.25 of today's $1.00 for this repository are spent; it goes on after 00:00 UTC.\
""")
        stage.comments("alice", "/retry")
        stage.comments("bob", "/status", other)
        await stage.quiet()
        assert DAY.sub("DAY", stage.final()) == snapshot(
            "$1.25 of today's $1.00 for this repository are spent, so nothing more is admitted before DAY 00:00 UTC. Ask again then, or ask whoever operates this Bellhop for a higher `BELLHOP_DAILY_COST_PER_REPOSITORY`."
        )
        assert stage.final(other) == snapshot("""\
| task | command | state | time | pull request |
|---|---|---|---|---|
| [`NAME`](PAGE) | `/fix` | queued, number 1, waits for a daily budget | - | - |\
""")
        midnight(stage)
        begun = await stage.in_state("working", other)
        assert await stage.report(begun, {"status": "failed", "usage": {"costUsd": 0.25}}) == 200
        await stage.ended(issue=other)
        stage.comments("alice", "/retry")
        await stage.attempt(2)
        await stage.in_state("working")


async def test_programs_are_told_when_the_day_ends(tmp_path: Path) -> None:
    limits = {"daily_cost_per_owner": 0.5}
    async with desk(tmp_path, prepare=at_noon, agent_command=WAITS, **limits) as (here, alice):
        stage = here.stage
        made = await alice.ask(issueNumber=stage.issue.number)
        task = await stage.in_state("working")
        told: dict[str, object] = {"usage": {"costUsd": 0.5}}
        assert (await stage.call("POST", "progress", task, told))[0] == 200
        refused = await alice.ask()
        assert (refused.status, refused.body["code"]) == (429, "over_budget")
        assert 11 * 3600 < int(refused.headers["Retry-After"]) <= 12 * 3600
        assert DAY.sub("DAY", refused.body["detail"]) == snapshot(
            "$0.50 of today's $0.50 for the tasks of one person are spent, so nothing more is admitted before DAY 00:00 UTC. Ask again then, or ask whoever operates this Bellhop for a higher `BELLHOP_DAILY_COST_PER_OWNER`."
        )
        assert await stage.report(task, {"status": "failed"}) == 200
        await stage.ended()
        for path, body in (("retry", None), ("messages", {"text": "And the hinge"})):
            again = await alice.call("POST", f"/tasks/{made.id}/{path}", body)
            assert (again.status, again.body["code"]) == (429, "over_budget")
        page = await browser(here, "alice")
        typed = {"text": "And the hinge"}
        shown = await sent(page, made.id, "messages", **typed)
        assert (shown.status, "And the hinge" in shown.html) == (429, True)
        assert "nothing more is admitted before" in shown.text
        midnight(stage)
        assert (await alice.call("POST", f"/tasks/{made.id}/retry")).status == 202
