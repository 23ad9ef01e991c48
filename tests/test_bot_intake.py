"""What GitHub refuses about a command, and for how long it is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.story import staged, until
from tests.test_story_refusals import ALICE

PERMISSION = r"/repos/acme/widgets/collaborators/alice/permission$"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\xff", "is not a text in UTF-8"),
        (b"#" * (1024 * 1024 + 1), "is larger than 1 MB"),
    ],
)
async def test_settings_that_are_no_text_are_told(tmp_path: Path, content: bytes, why: str) -> None:
    async with staged(tmp_path) as stage:
        stage.repository.commit("main", {".github/bellhop.yml": content}, "Configure", ALICE)
        stage.comments("alice", "/fix it")
        await stage.quiet()
        assert f"The file cannot be read: .github/bellhop.yml {why}." in stage.reply()


@pytest.mark.parametrize(("status", "kept"), [(401, True), (403, False), (451, False)])
async def test_only_a_lost_access_is_final(tmp_path: Path, status: int, *, kept: bool) -> None:
    async with staged(tmp_path) as stage:
        stage.fault("GET", PERMISSION, "status", times=10_000, status=status)
        stage.comments("alice", "/fix it")
        await stage.sim.settled()

        async def nothing_waits() -> bool:
            return not await stage.bot.store.inbox.waiting(1)

        if kept:
            assert not await nothing_waits()
            stage.time_passes(hours=1, minutes=1)
        await until(nothing_waits, "a decision")
        await stage.quiet()
        assert bool(stage.replies()) is kept


REVIEWS = r"/repos/acme/widgets/pulls/\d+/reviews/\d+/comments$"


@pytest.mark.parametrize(("status", "kept"), [(500, True), (403, False)])
async def test_a_review_is_let_go_without_a_word(
    tmp_path: Path, status: int, *, kept: bool
) -> None:
    async with staged(tmp_path) as stage:
        stage.comments("alice", "/fix it")
        await stage.ended()
        (pull,) = stage.repository.pulls
        stage.fault("GET", REVIEWS, "status", times=10_000, status=status)
        stage.sim.review(pull, author="alice", body="Nearly.", state="changes_requested")
        await stage.sim.settled()

        async def nothing_waits() -> bool:
            return not await stage.bot.store.inbox.waiting(1)

        if kept:
            assert not await nothing_waits()
            stage.time_passes(hours=1, minutes=1)
        await until(nothing_waits, "a decision")
        await stage.quiet()
        assert (await stage.task()).attempt == 1
        assert stage.replies(pull) == []


async def test_a_branch_of_a_fitting_name_is_not_a_tasks(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.repository.commit("bellhop/mine", {"a.txt": "a\n"}, "Mine", ALICE)
        pull = stage.sim.open_pull(stage.repository, author="alice", head="bellhop/mine")
        stage.sim.review(pull, author="bob", body="No.", state="changes_requested")
        text = "Not a command:\n\n```\n/fix it\n/ask why\n```\n"
        stage.sim.review(pull, author="bob", body=text, state="changes_requested")
        stage.sim.review(pull, author="bob", body=text, state="approved")
        await stage.quiet()
        assert await stage.bot.store.inbox.waiting(1) == []
        assert stage.replies(pull) == []
        assert await stage.tasks(pull) == ()
