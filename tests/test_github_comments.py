from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any

import pytest

from bot.github.comments import marked, say_once
from bot.github.errors import Limited, Refused, Unavailable
from bot.github.values import SaidComment
from handlers.comment_form import MAX_COMMENT, find_marker, marker
from simulator import Fault
from tests.github_support import Town, simulated

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.model import Issue

KEY = "task-1-final"
COMMENT = r"/repos/acme/widgets/issues/1/comments$"


def sign(key: str) -> str:
    return hmac.new(b"secret", key.encode(), hashlib.sha256).hexdigest()


def an_issue(town: Town) -> Issue:
    town.sim.add_user("alice")
    return town.sim.open_issue(town.widgets, author="alice", title="Broken", body="Very.")


async def say(town: Town, *, look_first: bool = False, **more: Any) -> SaidComment:
    return await say_once(
        town.github,
        town.repo,
        1,
        KEY,
        more.pop("body", "Done."),
        sign=sign,
        look_first=look_first,
        since=town.start,
        app_id=town.app_id,
        **more,
    )


async def test_it_is_said_with_a_hidden_last_line(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        issue = an_issue(town)
        said = await say(town)
        (comment,) = issue.comments
    assert said.id == comment.id
    assert said.url.endswith(f"#issuecomment-{comment.id}")
    assert comment.body == f"Done.\n\n{marker(KEY, sign(KEY))}"
    assert comment.user.login == "bellhop[bot]"


async def test_what_a_former_key_signed_is_found(tmp_path: Path) -> None:
    def signed_now(key: str) -> str:
        return f"now-{key}"

    async with simulated(tmp_path) as town:
        issue = an_issue(town)
        first = await say(town)
        again = await say_once(
            town.github,
            town.repo,
            1,
            KEY,
            "Done.",
            sign=signed_now,
            look_first=True,
            since=town.start,
            app_id=town.app_id,
            signed_before=lambda key: (signed_now(f"older-{key}"), sign(key)),
        )
        assert again.id == first.id
        assert len(issue.comments) == 1


def test_a_long_text_is_cut_and_keeps_its_marker() -> None:
    body = marked("word " * 40_000, KEY, sign)
    assert len(body) <= MAX_COMMENT
    assert find_marker(body) == (KEY, sign(KEY))


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="status", status=500),
        Fault(kind="status", status=502, body="<html>", headers={"content-type": "text/html"}),
        Fault(kind="rate_limited", status=403, retry_after=30),
        Fault(kind="rate_limited", status=429, retry_after=30),
        Fault(kind="rate_limited", status=403, reset_after=90),
        Fault(kind="cut_before"),
        Fault(kind="cut_after"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}-{fault.retry_after}",
)
@pytest.mark.parametrize("times", [1, 2])
async def test_whatever_goes_wrong_there_is_one_comment_in_the_end(
    tmp_path: Path, fault: Fault, times: int
) -> None:
    async with simulated(tmp_path) as town:
        issue = an_issue(town)
        town.sim.faults.add(
            Fault(
                method="POST",
                path=COMMENT,
                kind=fault.kind,
                status=fault.status,
                body=fault.body,
                headers=fault.headers,
                retry_after=fault.retry_after,
                reset_after=fault.reset_after,
                times=times,
            )
        )
        said = None
        tries = 0
        while said is None:
            tries += 1
            try:
                said = await say(town, look_first=tries > 1)
            except (Unavailable, Limited) as error:
                town.clock.now += error.retry_after or 10
        assert [comment.id for comment in issue.comments] == [said.id]
        assert tries == (1 if fault.kind == "cut_after" else times + 1)


async def test_a_write_that_took_place_unseen_is_found_after_a_while(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        issue = an_issue(town)
        town.sim.faults.add(Fault(method="POST", path=COMMENT, kind="cut_after"))
        said = await say(town, settle=3.5)
        assert [comment.id for comment in issue.comments] == [said.id]
        assert town.clock.slept == [3.5]


async def test_an_answer_that_comes_too_late_is_found_too(tmp_path: Path) -> None:
    async with simulated(tmp_path, timeout=0.3) as town:
        issue = an_issue(town)
        slow = Fault(method="POST", path=COMMENT, kind="slow", seconds=30)
        town.sim.faults.add(slow)
        with pytest.raises(Unavailable) as caught:
            await say(town)
        assert caught.value.maybe_done
        town.sim.faults.release()
        said = await say(town, look_first=True)
        assert said.id in [comment.id for comment in issue.comments]
        again = await say(town, look_first=True)
        assert [comment.id for comment in issue.comments] == [again.id]


async def test_when_looking_fails_the_doubt_remains(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        an_issue(town)
        town.sim.faults.add(Fault(method="POST", path=COMMENT, kind="cut_after"))
        town.sim.faults.add(Fault(method="GET", path=COMMENT, status=500, times=None))
        with pytest.raises(Unavailable) as caught:
            await say(town)
        assert caught.value.maybe_done


async def test_where_nobody_listens_there_is_nothing_to_look_for(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        an_issue(town)
        await town.github.repository(town.repo)
        await town.sim.aclose()
        with pytest.raises(Unavailable) as caught:
            await say(town, settle=77)
        assert not caught.value.maybe_done
        assert 77 not in town.clock.slept


async def test_a_first_try_does_not_look_and_a_second_does_not_write(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        issue = an_issue(town)
        path = "/repos/acme/widgets/issues/1/comments"
        first = await say(town)
        assert town.asked("GET", path) == 0
        assert await say(town, look_first=True) == first
        assert town.asked("POST", path) == 1
        assert len(issue.comments) == 1


async def test_of_two_the_oldest_stays(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        issue = an_issue(town)
        first = await say(town)
        await say(town)
        await say(town)
        assert await say(town, look_first=True) == first
        assert [comment.id for comment in issue.comments] == [first.id]


async def test_one_that_cannot_be_deleted_hinders_nothing(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        an_issue(town)
        first = await say(town)
        await say(town)
        town.sim.faults.add(Fault(method="DELETE", path="/repos/", status=403))
        assert await say(town, look_first=True) == first


@pytest.mark.parametrize(
    "body",
    [
        f"Done.\n\n{marker('task-2-final', sign('task-2-final'))}",
        f"Done.\n\n{marker(KEY, sign('task-2-final'))}",
        f"Done.\n\n{marker(KEY, 'é')}",
        f"{marker(KEY, sign(KEY))}\n\nand more",
        "Done.",
    ],
)
async def test_a_marker_that_is_not_this_one_counts_for_nothing(tmp_path: Path, body: str) -> None:
    async with simulated(tmp_path) as town:
        issue = an_issue(town)
        town.sim.comment(issue, author=town.sim.bot, body=body)
        said = await say(town, look_first=True)
        assert [comment.id for comment in issue.comments][1:] == [said.id]


async def test_our_marker_in_somebody_elses_comment_counts_for_nothing(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        issue = an_issue(town)
        town.sim.comment(issue, author="alice", body=f"Ha.\n\n{marker(KEY, sign(KEY))}")
        said = await say(town, look_first=True, bot_id=town.sim.app.bot_user_id)
        assert [comment.id for comment in issue.comments][1:] == [said.id]


async def test_the_bots_account_proves_a_comment_ours_where_the_app_is_not_told(
    tmp_path: Path,
) -> None:
    async with simulated(tmp_path) as town:
        an_issue(town)
        first = await say(town)
        bot = await town.github.bot_user("bellhop")
        found = await say_once(
            town.github,
            town.repo,
            1,
            KEY,
            "Done.",
            sign=sign,
            look_first=True,
            since=town.start,
            app_id=0,
            bot_id=bot.id,
        )
        assert found == first


async def test_it_is_found_among_many(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        issue = an_issue(town)
        for number in range(150):
            town.sim.comment(issue, author="alice", body=str(number))
        said = await say(town)
        assert await say(town, look_first=True) == said


async def test_a_refusal_is_final(tmp_path: Path) -> None:
    async with simulated(tmp_path) as town:
        with pytest.raises(Refused, match="404"):
            await say(town)
