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
