"""Effects that go wrong in ways that no story tells: nothing may stay stuck or be repeated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.effects.hands import Hands, Later
from bot.effects.saying import Voice
from bot.github.pace import Priority
from bot.runners.base import LaunchFailed, WorkerSpec
from bot.runners.process import ProcessRunner
from handlers.effects import Comment, EditStatus, Launch, RevokeTokens
from simulator import Fault
from storage import Store, migrations
from storage.outbox import Owed
from storage.sqlite import Engine
from tests.makers import HERE, ID
from tests.story import Stage, staged, until

TOKENS = r"/app/installations/\d+/access_tokens$"


class Clumsy(ProcessRunner):
    """A runner with a mistake in it."""

    async def start(self, spec: WorkerSpec) -> None:
        raise ValueError(f"{len(spec.environment)} is not what I expected")


class Unlucky(ProcessRunner):
    """A runner that starts nothing; from then on GitHub has a fault."""

    def __init__(self, stage: Stage, folder: Path, fault: Fault) -> None:
        super().__init__(folder / "unlucky")
        self._stage, self._fault = stage, fault
        self._struck = False

    async def start(self, spec: WorkerSpec) -> None:
        if not self._struck:
            self._stage.sim.faults.add(self._fault)
        self._struck = True
        raise LaunchFailed(f"not now, {spec.key}", retryable=True)


def hands_of(stage: Stage) -> Hands:
    """What the running Bellhop does its effects with."""
    assert stage.bot.pump is not None
    return stage.bot.pump.performer._hands


async def tries_of(stage: Stage, kind: str) -> list[tuple[int, str | None]]:
    """How often the effects of a kind were tried, and what went wrong."""
    path = stage.settings.data / "bellhop.db"
    engine = await Engine.open(path, migrations=migrations.migrations, readers=1)
    try:
        return await engine.read(
            lambda db: list(
                db.conn.execute("SELECT tries, error FROM effects WHERE kind = ?", (kind,))
            )
        )
    finally:
        await engine.close()


async def spoil(stage: Stage, statement: str) -> None:
    path = stage.settings.data / "bellhop.db"
    engine = await Engine.open(path, migrations=migrations.migrations, readers=1)
    try:
        await engine.write(lambda db: db.conn.execute(statement).rowcount)
    finally:
        await engine.close()


async def test_a_mistake_in_a_launch_ends_the_task_in_the_end(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.bot.runners["process"].close()
        stage.bot.runners["process"] = Clumsy(tmp_path / "clumsy")
        stage.comments("alice", "/fix it")
        task = await stage.ended()
        assert task.error is not None
        assert task.error.code == "internal"
        assert task.error.detail == "a mistake of Bellhop's own: ValueError"
        assert task.launch == 4


async def test_a_launch_that_is_given_up_ends_its_task(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.bot.runners["process"].close()
        stage.bot.runners["process"] = Unlucky(
            stage, tmp_path, Fault(path=TOKENS, kind="rate_limited", times=None, reset_after=600)
        )
        stage.comments("alice", "/fix it")

        async def limited() -> bool:
            return any(error for _, error in await tries_of(stage, "Launch"))

        await until(limited, "a launch that was put off")
        stage.time_passes(days=1, minutes=1)
        task = await stage.in_state("failed")
        assert task.error is not None
        assert (task.error.code, task.launch) == ("launch_failed", 2)
        assert "rate limit" in task.error.detail


async def test_a_pull_request_that_is_given_up_ends_its_task(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        pulls = r"/repos/acme/widgets/pulls"
        stage.fault("*", pulls, "rate_limited", 10**6, reset_after=600)
        stage.comments("alice", "/fix it")
        await stage.in_state("opening_pull_request")

        async def limited() -> bool:
            return any(error for _, error in await tries_of(stage, "OpenPullRequest"))

        await until(limited, "a pull request that was put off")
        stage.time_passes(days=1, minutes=1)
        task = await stage.in_state("failed")
        assert task.error is not None
        assert task.error.code == "pr_failed"
        assert "rate limit" in task.error.detail


@pytest.mark.parametrize(
    ("status", "code", "launches"),
    [
        (401, "github_unavailable", 4),
        (403, "repository_gone", 2),
        (404, "repository_gone", 2),
        (410, "repository_gone", 2),
        (451, "repository_gone", 2),
    ],
)
async def test_which_refusal_of_a_token_ends_a_task_at_once(
    tmp_path: Path, status: int, code: str, launches: int
) -> None:
    async with staged(tmp_path) as stage:
        await stage.bot.runners["process"].close()
        # For good: the reaction, too, may ask for a token before the next launch does.
        fault = Fault(path=TOKENS, status=status, times=None)
        stage.bot.runners["process"] = Unlucky(stage, tmp_path, fault)
        stage.comments("alice", "/fix it")

        async def met() -> bool:
            await stage._time_flies()
            return [one.ended for one in await stage.tasks()] == [True]

        await until(met, "its end, though nobody can be told of it")
        task = await stage.task()
        assert task.error is not None
        assert (task.error.code, task.launch) == (code, launches)


async def test_what_cannot_be_settled_is_put_off_and_not_done_twice(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await spoil(
            stage,
            "CREATE TRIGGER no BEFORE UPDATE OF doc ON tasks "
            "WHEN NEW.doc ->> '$.status_comment' > 0 BEGIN SELECT RAISE(ABORT, 'spoilt'); END",
        )
        stage.comments("alice", "/fix it")

        async def put_off() -> bool:
            return any(error for _, error in await tries_of(stage, "EditStatus"))

        await until(put_off, "a status comment that is put off")
        ((_, error),) = await tries_of(stage, "EditStatus")
        assert error == "IntegrityError('spoilt')"
        await spoil(stage, "DROP TRIGGER no")
        task = await stage.ended()
        assert task.status_comment is not None
        assert len(stage.replies()) == 2, "the status, once, and the end"


async def test_a_failing_database_is_named_as_that(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        bot = stage.bot
        await until(lambda: bot.pump is not None, "the loop")
        assert bot.pump is not None
        performer = bot.pump.performer
        store: Store = bot.store
        await stage.bot.stop()
        await store.close()
        for effect in (RevokeTokens("revoke", ID, 1, 1), Launch("launch", ID, 1, 1)):
            with capture_logs() as lines:
                await performer.perform(Owed(1, effect, 1, 1, stage.clock()))
            told = [(line["event"], "exc_info" in line) for line in lines]
            assert told == [("the database fails", False)] * 2


async def test_a_status_comment_that_may_be_there_is_looked_for_later(tmp_path: Path) -> None:
    async with staged(tmp_path, agent_command="sleep 600") as stage:
        pace = stage.bot.github.pace
        here = stage.installation.id
        while not pace.nearly_empty(here):
            assert pace.try_spend(here, Priority.ACKNOWLEDGEMENT) == 0
        stage.comments("alice", "/fix it")
        task = await stage.in_state("working")
        assert task.status_comment is None
        voice = Voice(hands_of(stage))
        effect = EditStatus("anew", task.where, task.id)
        assert await voice.edit_status(Owed(1, effect, 1, 1, stage.clock()), effect) is None
        with pytest.raises(Later):
            await voice.edit_status(Owed(1, effect, 1, 2, stage.clock()), effect)
        assert stage.replies() == []


@pytest.mark.parametrize("status", [None, 404])
async def test_nothing_is_kept_of_a_task_that_has_ended(tmp_path: Path, status: int | None) -> None:
    async with staged(tmp_path) as stage:
        if status is not None:
            comments = r"/repos/acme/widgets/issues/comments/\d+$"
            stage.fault("PATCH", comments, "status", 10**6, status=status)
        stage.comments("alice", "/fix it")
        assert (await stage.ended()).status_comment is not None
        assert stage.bot.pump is not None
        assert stage.bot.pump.performer._voice._edited == {}


async def test_an_acknowledgement_holds_up_no_final_comment(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        pace = stage.bot.github.pace
        here = stage.installation.id
        while pace.turn_in(here, Priority.ACKNOWLEDGEMENT) == 0:
            assert pace.try_spend(here, Priority.ACKNOWLEDGEMENT) == 0
        voice = Voice(hands_of(stage))
        where = replace(
            HERE, installation_id=here, repository_id=stage.repository.id, repository="acme/widgets"
        )
        effect = Comment("hello", replace(where, number=stage.issue.number), "Hello.")
        owed = Owed(1, effect, 1, 1, stage.clock())
        with pytest.raises(Later):
            await voice.comment(owed, effect)
        await voice.comment(replace(owed, urgent=True), effect)
        assert stage.replies() == ["Hello."]
