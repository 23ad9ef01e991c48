"""Whoever waits for GitHub does so on their own: no other installation waits with them."""

from __future__ import annotations

from pathlib import Path

from bot.github.pace import Priority
from bot.pump import AT_A_TIME
from tests.story import Stage, staged, until


async def _all_taken(stage: Stage) -> bool:
    return not await stage.bot.store.inbox.waiting(1)


async def test_an_installation_that_wrote_too_much_holds_up_nobody_else(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        crowded = stage.sim.installation_of(stage.repository)
        assert crowded is not None
        pace = stage.bot.github.pace
        while pace.try_spend(crowded.id, Priority.FINAL) == 0:
            pass
        for number in range(AT_A_TIME + 6):
            who = f"stranger-{number}"
            theirs = stage.sim.open_issue(stage.repository, author=who, title="Mine")
            stage.comments(who, "/fix it for me", theirs)
        other = stage.sim.add_repository("elsewhere/calm")
        other.set_role("alice", "write")
        stage.sim.install(other)
        calm = stage.sim.open_issue(other, author="alice", title="Quiet here")
        await stage.sim.settled()
        await until(lambda: _all_taken(stage), "a decision about all of them")
        stage.sim.comment(calm, author="alice", body="/ask what is this?")
        await until(lambda: len(stage.replies(calm)) == 2, "the answer elsewhere")
        assert not any(stage.replies(issue) for issue in stage.repository.issues)


async def test_a_repository_that_github_does_not_answer_for_holds_up_nobody_else(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        stage.fault("GET", "/repos/acme/widgets/collaborators", "rate_limited", 10**6)
        other = stage.sim.add_repository("elsewhere/calm")
        other.set_role("alice", "write")
        stage.sim.install(other)
        calm = stage.sim.open_issue(other, author="alice", title="Quiet here")
        for _ in range(AT_A_TIME + 6):
            theirs = stage.sim.open_issue(stage.repository, author="alice", title="Mine")
            stage.comments("alice", "/fix it for me", theirs)
        stage.sim.comment(calm, author="alice", body="/ask what is this?")
        await until(lambda: len(stage.replies(calm)) == 2, "the answer elsewhere")
        assert not any(stage.replies(issue) for issue in stage.repository.issues)
