"""The facade against the offline GitHub, which checks tokens, permissions and headers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.github.errors import Limited, Refused, Unavailable
from bot.github.pace import Priority
from bot.github.values import OnComment, OnIssue
from handlers.commands import Role
from simulator import Fault
from tests.github_support import Town, simulated

if TYPE_CHECKING:
    from pathlib import Path


async def test_who_we_are(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        app = await town.github.app()
        assert (app.id, app.slug) == (town.app_id, "bellhop")
        bot = await town.github.bot_user(app.slug, town.repo)
        assert (bot.id, bot.login) == (town.sim.app.bot_user_id, "bellhop[bot]")


async def test_our_jwt_is_good_whenever_it_is_made(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        for _ in range(3):
            await town.github.app()
            town.clock.now += 3600


@pytest.mark.parametrize(
    ("role", "base", "expected"),
    [
        ("admin", None, Role.ADMIN),
        ("maintain", None, Role.MAINTAIN),
        ("write", None, Role.WRITE),
        ("triage", None, Role.TRIAGE),
        ("read", None, Role.READ),
        ("community-manager", "triage", Role.TRIAGE),
    ],
)
async def test_roles(tmp_path: Path, role: str, base: str | None, expected: Role) -> None:
    async with simulated(tmp_path) as town:
        town.sim.add_user("alice")
        town.widgets.set_role("alice", role, base)
        assert await town.github.role(town.repo, "alice") is expected
        alice = town.sim.add_user("alice").id
        assert await town.github.role(town.repo, "alice", alice) is expected
        assert await town.github.role(town.repo, "alice", alice + 1) is Role.NONE
        town.widgets.set_role("alice", "none")
        assert await town.github.role(town.repo, "alice") <= Role.READ


async def test_where_the_app_is_installed(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        minted = len(town.sim.tokens.all())
        assert await town.github.locate("Acme/Widgets") == replace(
            town.repo, full_name="Acme/Widgets"
        )
        assert (await town.github.repository(town.repo)).full_name == "acme/widgets"
        assert len(town.sim.tokens.all()) == minted + 1, "the token that told the id is used"
        town.sim.add_repository("acme/elsewhere", {"a": "b"})
        assert await town.github.locate("acme/elsewhere") is None
        assert await town.github.locate("acme/nowhere") is None
        installation = town.sim.installation_of(town.widgets)
        assert installation is not None
        town.sim.suspend(installation)
        assert await town.github.locate("acme/widgets") is None
        town.sim.uninstall(installation)
        assert await town.github.locate("acme/widgets") is None


async def test_a_locating_that_fails_is_no_answer(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        for path, status in (("/repos/acme/widgets/installation", 401), ("/app/inst", 500)):
            town.sim.faults.add(Fault(path=path, status=status, times=9))
            with pytest.raises((Refused, Unavailable)):
                await town.github.locate("acme/widgets")
            town.sim.faults.clear()


async def test_what_an_issue_says(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        town.sim.add_user("alice")
        issue = town.sim.open_issue(town.widgets, author="alice", title="It squeaks", body="Oil.")
        found = await town.github.issue(town.repo, issue.number)
        assert found is not None
        assert found.author is not None
        assert (found.id, found.title, found.body) == (issue.id, "It squeaks", "Oil.")
        assert (found.author.login, found.author.type) == ("alice", "User")
        assert found.url.endswith(f"/acme/widgets/issues/{issue.number}")


async def test_a_file_costs_nothing_while_it_does_not_change(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        ask = town.github.file
        assert await ask(town.repo, ".github/bellhop.yml") is None
        first = town.widgets.commit("main", {".github/bellhop.yml": "agent: codex\n"})
        assert await ask(town.repo, ".github/bellhop.yml") == "agent: codex\n"
        assert await ask(town.repo, ".github/bellhop.yml") == "agent: codex\n"
        assert town.sim.requests[-1].status == 304
        town.widgets.commit("main", {".github/bellhop.yml": "agent: aider\n"})
        assert await ask(town.repo, ".github/bellhop.yml") == "agent: aider\n"
        assert await ask(town.repo, ".github/bellhop.yml", first) == "agent: codex\n"
        assert await ask(town.repo, ".github") is None


async def test_branches_refs_and_pulls(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        town.sim.add_user("alice")
        sha = town.widgets.commit("bellhop/x#1", {"a.txt": "a"})
        town.sim.protect_branch(town.widgets, "main")
        branch = await town.github.branch(town.repo, "bellhop/x#1")
        assert branch is not None
        assert (branch.sha, branch.protected) == (sha, False)
        main = await town.github.branch(town.repo, "main")
        assert main is not None
        assert main.protected
        assert await town.github.branch(town.repo, "bellhop/x") is None
        assert await town.github.ref_sha(town.repo, "heads/bellhop/x#1") == sha
        made = await town.github.create_pull(
            town.repo, title="t", head="bellhop/x#1", base="main", body="b"
        )
        town.widgets.set_role("alice", "write")
        await town.github.request_review(town.repo, made.number, "alice")
        assert [user.login for user in town.widgets.pulls[0].requested_reviewers] == ["alice"]
        assert await town.github.pull(town.repo, made.number) == made
        assert await town.github.pulls_by_head(town.repo, "acme", "bellhop/x#1") == [made]
        newer = town.widgets.commit("other", {"b.txt": "b"})
        with pytest.raises(Refused, match="422"):
            await town.github.update_ref(town.repo, "heads/bellhop/x#1", newer)
        await town.github.update_ref(town.repo, "heads/bellhop/x#1", newer, force=True)
        assert await town.github.ref_sha(town.repo, "heads/bellhop/x#1") == newer
        await town.github.delete_ref(town.repo, "heads/bellhop/x#1")
        await town.github.delete_ref(town.repo, "heads/bellhop/x#1")
        assert "bellhop/x#1" not in town.widgets.branches()


async def test_comments_and_reactions(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        town.sim.add_user("alice")
        issue = town.sim.open_issue(town.widgets, author="alice", title="Broken", body="Very.")
        asked = town.sim.comment(issue, author="alice", body="/fix")
        for _ in range(2):
            await town.github.react(town.repo, OnComment(asked.id), "eyes")
            await town.github.react(town.repo, OnIssue(issue.number), "rocket")
        assert [reaction.content for reaction in asked.reactions] == ["eyes"]
        assert [reaction.content for reaction in issue.reactions] == ["rocket"]
        said = await town.github.comment(town.repo, 1, "Working.", priority=Priority.FINAL)
        town.clock.now += 5
        await town.github.edit_comment(town.repo, said.id, "Done.")
        first, second = await town.github.comments(town.repo, 1)
        assert (first.id, first.author_login, first.app_id) == (asked.id, "alice", None)
        assert (second.id, second.body, second.url) == (said.id, "Done.", said.url)
        assert (second.is_bot, second.app_id) == (True, town.app_id)
        assert second.updated_at > second.created_at
        facts = await town.github.issue(town.repo, 1)
        assert facts is not None
        assert (facts.state, facts.comments) == ("open", 2)
        await town.github.delete_comment(town.repo, said.id)
        await town.github.delete_comment(town.repo, said.id)
        assert issue.comments == [asked]


async def test_the_newest_of_many_comments(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        town.sim.add_user("alice")
        issue = town.sim.open_issue(town.widgets, author="alice", title="Broken", body="Very.")
        for number in range(230):
            town.sim.comment(issue, author="alice", body=str(number))
        bodies = [comment.body for comment in await town.github.comments(town.repo, 1, limit=110)]
        assert bodies == [str(number) for number in range(120, 230)]
        assert len(await town.github.comments(town.repo, 1)) == 230


async def test_a_token_that_died_early_is_replaced(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        await town.github.repository(town.repo)
        for token in town.sim.tokens.all():
            town.sim.expire(token.value)
        assert (await town.github.repository(town.repo)).id == town.repo.repository_id
        assert len(town.sim.tokens.all()) == 2


async def test_a_token_is_renewed_before_its_hour_is_over(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        for minutes, tokens in ((0, 1), (54, 1), (2, 2), (50, 2), (6, 3)):
            town.clock.now += minutes * 60
            await town.github.repository(town.repo)
            assert len(town.sim.tokens.all()) == tokens
        assert 401 not in {seen.status for seen in town.sim.requests}


async def test_a_workers_token_reads_one_repository_until_it_is_revoked(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        ids = town.repo.installation_id, town.repo.repository_id
        made = await town.github.tokens.mint_worker_token(*ids)
        (kept,) = town.sim.tokens.all()
        assert kept.permissions == {"contents": "read", "metadata": "read"}
        assert kept.repositories == (town.widgets,)
        await town.github.tokens.revoke(made.token)
        assert kept.revoked
        await town.github.tokens.revoke(made.token)


async def test_what_an_installation_lost_is_refused(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        town.widgets.private = True
        installation = town.sim.installation_of(town.widgets)
        assert installation is not None
        await town.github.repository(town.repo)
        town.sim.remove_repository(installation, town.widgets)
        with pytest.raises(Refused):
            await town.github.repository(town.repo)
        town.github.forget_installation(installation.id)
        with pytest.raises(Refused, match="422"):
            await town.github.repository(town.repo)
        town.sim.uninstall(installation)
        with pytest.raises(Refused, match="404"):
            await town.github.repository(town.repo)


async def test_a_renamed_repository_is_still_reached(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        town.sim.add_user("alice")
        issue = town.sim.open_issue(town.widgets, author="alice", title="Broken", body="Very.")
        town.sim.rename_repository(town.widgets, "gears")
        assert (await town.github.repository(town.repo)).full_name == "acme/gears"
        await town.github.comment(town.repo, 1, "Here.", priority=Priority.FINAL)
        assert [comment.body for comment in issue.comments] == ["Here."]


async def test_who_took_over_an_old_name_is_not_reached(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        town.sim.rename_repository(town.widgets, "gears")
        other = town.sim.add_repository("acme/widgets", {"secret.txt": "x"}, private=True)
        town.sim.install(other)
        with pytest.raises(Refused):
            await town.github.repository(town.repo)


def fault(town: Town, kind: str, times: int | None = 1, **more: int) -> None:
    town.sim.faults.add(
        Fault(method="GET", path="/repos/acme/widgets$", kind=kind, times=times, **more)
    )


async def test_a_question_outlasts_short_trouble(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        fault(town, "status", status=502)
        fault(town, "cut_before")
        fault(town, "rate_limited", status=429, retry_after=1)
        assert (await town.github.repository(town.repo)).id == town.repo.repository_id


async def test_lasting_trouble_is_told(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        fault(town, "rate_limited", status=403, reset_after=90)
        with pytest.raises(Limited) as caught:
            await town.github.repository(town.repo)
        assert 89 <= caught.value.retry_after <= 91
        town.clock.now += 91
        fault(town, "status", times=None, status=500)
        with pytest.raises(Unavailable):
            await town.github.repository(town.repo)
