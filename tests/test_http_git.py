"""What `git push` prints, and what moved, for everything a worker may try."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import pytest
from inline_snapshot import snapshot

from bot.http.git import bearer
from bot.http.git_desk import PushRefusal
from bot.http.git_push import STOPPED
from bot.http.pktline import FLUSH, encode
from tests.http_git_parts import BRANCH, REF, TASK, TOKEN, Scene, git, raw_push, scene, wrapped

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ZERO = "0" * 40


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path) as set_up:
        yield set_up


async def test_the_first_push_creates_the_branch(gate: Scene) -> None:
    new = gate.head()
    done = await gate.push()
    assert (done.code, done.lines) == snapshot(
        (0, [" * [new branch]      HEAD -> bellhop/7-brave-otter"])
    )
    assert gate.refs() == {**gate.at_first, REF: new}
    assert gate.desk.head == new
    assert gate.desk.notes == [("begun", new), ("pushed", new)]


async def test_a_new_branch_brings_only_what_the_repository_lacks(gate: Scene) -> None:
    done = await gate.push("--progress", f"HEAD:{REF}")
    assert "Writing objects: 100% (3/3)" in done.text


async def test_the_next_push_moves_the_branch_and_leaves_nothing_else(gate: Scene) -> None:
    await gate.push()
    new = gate.commit("good evening")
    done = await gate.push()
    assert (done.code, done.lines) == snapshot(
        (0, ["   bee9b03..e786156  HEAD -> bellhop/7-brave-otter"])
    )
    assert gate.refs() == {**gate.at_first, REF: new}
    assert gate.desk.notes[2:] == [("begun", new), ("pushed", new)]


async def test_the_versioned_path_is_the_same_gate(gate: Scene) -> None:
    done = await gate.push(url=f"{gate.gate}/api/v1/git/{TASK}")
    assert done.code == 0
    assert REF in gate.refs()


async def test_the_token_may_be_the_password(gate: Scene) -> None:
    done = await gate.push(token=None, url=gate.url.replace("://", f"://worker:{TOKEN}@"))
    assert done.code == 0


@pytest.mark.parametrize(
    ("refspecs", "printed"),
    [
        pytest.param(
            ["HEAD:refs/heads/other"],
            snapshot(
                [
                    " ! [remote rejected] HEAD -> other (this task may push only to its own",
                    "branch, bellhop/7-brave-otter)",
                ]
            ),
            id="another branch",
        ),
        pytest.param(
            ["HEAD:refs/heads/main"],
            snapshot(
                [
                    " ! [remote rejected] HEAD -> main (this task may push only to its own",
                    "branch, bellhop/7-brave-otter)",
                ]
            ),
            id="the default branch",
        ),
        pytest.param(
            ["HEAD:refs/tags/v1"],
            snapshot(
                [
                    " ! [remote rejected] HEAD -> v1 (this task may push only to its own",
                    "branch, bellhop/7-brave-otter)",
                ]
            ),
            id="a tag",
        ),
        pytest.param(
            ["HEAD:refs/bellhop/0192-brave-otter"],
            snapshot(
                [
                    " ! [remote rejected] HEAD -> refs/bellhop/0192-brave-otter (this task",
                    "may push only to its own branch, bellhop/7-brave-otter)",
                ]
            ),
            id="a staging ref",
        ),
        pytest.param(
            [f"HEAD:{REF}", "HEAD:refs/heads/other"],
            snapshot(
                [
                    " ! [remote rejected] HEAD -> bellhop/7-brave-otter (one branch at a",
                    "time; push only bellhop/7-brave-otter)",
                    " ! [remote rejected] HEAD -> other (one branch at a time; push only",
                    "bellhop/7-brave-otter)",
                ]
            ),
            id="two refs",
        ),
        pytest.param(
            [":refs/heads/main"],
            snapshot(
                [
                    " ! [remote rejected] main (this task may push only to its own branch,",
                    "bellhop/7-brave-otter)",
                ]
            ),
            id="a delete",
        ),
        pytest.param(
            ["--atomic", f"HEAD:{REF}"],
            snapshot(
                [
                    "fatal: the receiving end does not support --atomic push",
                    "fatal: the remote end hung up unexpectedly",
                ]
            ),
            id="atomic",
        ),
        pytest.param(
            ["-o", "ci.skip", f"HEAD:{REF}"],
            snapshot(
                [
                    "fatal: the receiving end does not support push options",
                    "fatal: the remote end hung up unexpectedly",
                ]
            ),
            id="a push option",
        ),
        pytest.param(
            ["--signed", f"HEAD:{REF}"],
            snapshot(
                [
                    "fatal: the receiving end does not support --signed push",
                    "fatal: the remote end hung up unexpectedly",
                ]
            ),
            id="a signed push",
        ),
    ],
)
async def test_nothing_else_may_be_pushed(
    gate: Scene, refspecs: list[str], printed: list[str]
) -> None:
    done = await gate.push(*refspecs)
    assert done.lines == printed
    assert done.code != 0
    assert gate.refs() == gate.at_first
    assert gate.desk.notes == []
    assert gate.origin.pushes == 0


async def test_a_forced_push_is_refused_by_githubs_own_check(gate: Scene) -> None:
    await gate.push()
    before = gate.refs()
    gate.commit("rewritten", "--amend")
    done = await gate.push("--force", f"HEAD:{REF}")
    assert (done.code, done.lines) == snapshot(
        (
            1,
            [
                " ! [remote rejected] HEAD -> bellhop/7-brave-otter (Update is not a fast",
                "forward)",
            ],
        )
    )
    assert gate.refs() == before
    assert gate.desk.notes[-1][0] == "failed"


async def test_a_push_that_starts_from_an_unknown_head_is_refused(gate: Scene) -> None:
    await gate.push()
    gate.desk.head = git(gate.bare, "rev-parse", "main")
    gate.commit("good evening")
    before = gate.refs()
    done = await gate.push()
    assert done.lines == snapshot(
        [
            " ! [remote rejected] HEAD -> bellhop/7-brave-otter (the branch is known",
            "at 0ed34a7900, the push starts from bee9b03eb4; fetch from GitHub,",
            "rebase and push again)",
        ]
    )
    assert gate.refs() == before


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Negotiate abc", "Basic !", "Basic d29ya2Vy", "Basic é"]
)
async def test_a_push_without_a_token_is_asked_for_one(gate: Scene, header: str) -> None:
    async with (
        aiohttp.ClientSession(headers={"Authorization": header}) as session,
        session.get(f"{gate.url}/info/refs?service=git-receive-pack") as answer,
    ):
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="Bellhop"'


async def test_git_does_not_wait_for_somebody_to_type_a_password(gate: Scene) -> None:
    done = await gate.push(token=None)
    assert done.lines == snapshot(
        ["fatal: could not read Username for 'GATE': terminal prompts disabled"]
    )


async def test_a_wrong_token_is_told_so(gate: Scene) -> None:
    done = await gate.push(token="of-an-older-attempt")
    assert (done.code, done.lines) == snapshot(
        (
            128,
            [
                "remote: This token is not for this task.",
                "fatal: unable to access 'GATE/api/git/0192-brave-otter/': The requested",
                "URL returned error: 403",
            ],
        )
    )


async def test_the_token_of_another_task_is_told_so(gate: Scene) -> None:
    done = await gate.push(url=f"{gate.gate}/api/git/another")
    assert done.lines == snapshot(
        [
            "remote: This token is not for this task.",
            "fatal: unable to access 'GATE/api/git/another/': The requested URL",
            "returned error: 403",
        ]
    )


async def test_a_task_that_may_not_push_at_all_is_told_so(gate: Scene) -> None:
    gate.desk.refusals[TOKEN] = PushRefusal(403, "Nothing may be pushed for /ask.")
    done = await gate.push()
    assert done.lines == snapshot(
        [
            "remote: Nothing may be pushed for /ask.",
            "fatal: unable to access 'GATE/api/git/0192-brave-otter/': The requested",
            "URL returned error: 403",
        ]
    )


async def test_a_stop_that_comes_before_the_pack_leaves_is_told_in_gits_words(gate: Scene) -> None:
    gate.desk.stopped = True
    done = await gate.push()
    assert (done.code, done.lines) == snapshot(
        (
            1,
            [
                " ! [remote rejected] HEAD -> bellhop/7-brave-otter (the task has ended",
                "or was stopped; nothing was pushed)",
            ],
        )
    )
    assert gate.refs() == gate.at_first
    assert gate.origin.pushes == 0


async def test_a_stop_that_comes_while_an_update_goes_up_leaves_the_branch(gate: Scene) -> None:
    await gate.push()
    before, new = gate.refs(), gate.commit("good evening")
    arrived, go_on = gate.hold_upstream()
    push = await gate.start("push", gate.url, f"HEAD:{REF}")
    await arrived.wait()
    gate.desk.stopped = True
    go_on.set()
    done = await gate.printed(push)
    assert (done.code, done.lines) == snapshot(
        (
            1,
            [
                " ! [remote rejected] HEAD -> bellhop/7-brave-otter (the task has ended",
                "or was stopped; nothing was pushed)",
            ],
        )
    )
    assert gate.refs() == before
    assert gate.desk.notes[-1] == ("failed", new, STOPPED)
    assert gate.desk.pending is None


async def test_a_task_that_ended_after_the_first_request_is_told_in_a_report(gate: Scene) -> None:
    gate.desk.refusals[TOKEN] = PushRefusal(409, "the task has ended")
    assert await raw_push(gate, [f"{ZERO} {gate.head()} {REF}"]) == (
        200,
        b"000eunpack ok\n"
        + encode(b"ng refs/heads/bellhop/7-brave-otter the task has ended\n")
        + FLUSH,
    )


async def test_nothing_of_a_stranger_is_read(gate: Scene) -> None:
    status, text = await raw_push(gate, [], token="stranger")
    assert (status, text) == (403, b"This token is not for this task.\n")


async def test_a_delete_that_no_git_would_send_is_refused_too(gate: Scene) -> None:
    await gate.push()
    before = gate.refs()
    _, report = await raw_push(gate, [f"{gate.desk.head} {ZERO} {REF}"])
    assert wrapped(report.decode()) == snapshot(
        [
            "000eunpack ok",
            "0063ng refs/heads/bellhop/7-brave-otter this task may not delete its",
            "branch; push a commit instead",
            "0000",
        ]
    )
    assert gate.refs() == before


async def test_a_capability_that_was_not_offered_is_refused(gate: Scene) -> None:
    _, report = await raw_push(
        gate, [f"{ZERO} {gate.head()} {REF}"], capabilities="report-status atomic"
    )
    assert wrapped(report.decode()) == snapshot(
        [
            "000eunpack ok",
            "0064ng refs/heads/bellhop/7-brave-otter Bellhop does not take pushes",
            "with 'atomic'; push without it",
            "0000",
        ]
    )


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        pytest.param(FLUSH, 200, snapshot(b""), id="git asks whether it may begin"),
        pytest.param(
            b"",
            400,
            snapshot(b"Bellhop cannot read this push: the push ended before its commands did.\n"),
            id="nothing",
        ),
        pytest.param(
            b"zzzz",
            400,
            snapshot(b"Bellhop cannot read this push: 'zzzz' does not begin a pkt-line.\n"),
            id="no pkt-line",
        ),
        pytest.param(
            encode(b"push-cert\0report-status") + FLUSH,
            400,
            snapshot(b"Bellhop cannot read this push: 'push-cert' is no update of a ref.\n"),
            id="signed",
        ),
        pytest.param(
            encode(f"{ZERO} {'1' * 40} {REF}\0quiet".encode()) + FLUSH,
            400,
            snapshot(b"Push with a git that reads report-status.\n"),
            id="a git that reads no report",
        ),
        pytest.param(
            encode(f"{ZERO} {'1' * 40} {REF}\0report-status".encode())
            + encode(f"{ZERO} {'1' * 40} {REF}".encode()) * 6_000,
            400,
            snapshot(
                b"Bellhop cannot read this push: too many refs; push the task's branch alone.\n"
            ),
            id="commands without end",
        ),
        pytest.param(
            encode(f"{ZERO} {'1' * 40} {REF}\0report-status agent={'a' * 65_000}".encode()) + FLUSH,
            400,
            snapshot(b"Bellhop cannot read this push: more than 1000 bytes of capabilities.\n"),
            id="capabilities without end",
        ),
        pytest.param(
            encode(b"") * 140_000,
            400,
            snapshot(
                b"Bellhop cannot read this push: too many refs; push the task's branch alone.\n"
            ),
            id="empty lines without end",
        ),
    ],
)
async def test_what_is_no_push_gets_a_sentence(
    gate: Scene, body: bytes, status: int, text: bytes
) -> None:
    async with (
        gate.client() as session,
        session.post(f"{gate.url}/git-receive-pack", data=body) as answer,
    ):
        assert (answer.status, await answer.read()) == (status, text)
    assert gate.desk.notes == []


async def test_another_content_type_is_refused(gate: Scene) -> None:
    async with (
        gate.client() as session,
        session.post(
            f"{gate.url}/git-receive-pack", headers={"Content-Type": "text/plain"}
        ) as answer,
    ):
        assert (answer.status, await answer.text()) == snapshot(
            (415, "Send application/x-git-receive-pack-request.\n")
        )


async def test_fetching_is_refused(gate: Scene) -> None:
    done = await gate.printed(await gate.start("fetch", gate.url))
    assert done.lines == snapshot(
        [
            "remote: Bellhop only takes pushes; fetch from GitHub directly.",
            "fatal: unable to access 'GATE/api/git/0192-brave-otter/': The requested",
            "URL returned error: 403",
        ]
    )
    async with gate.client() as session, session.post(f"{gate.url}/git-upload-pack") as answer:
        assert answer.status == 403


async def test_a_shallow_clone_may_push(gate: Scene) -> None:
    shallow = gate.work.parent / "shallow"
    git(gate.work.parent, "clone", "-q", "--depth", "1", f"file://{gate.bare}", "shallow")
    (shallow / "more.txt").write_text("more\n")
    git(shallow, "add", ".")
    git(shallow, "commit", "-q", "-m", "more")
    gate.work = shallow
    done = await gate.push()
    assert done.code == 0
    assert gate.refs()[REF] == gate.head()


async def test_an_empty_repository_takes_its_first_branch(gate: Scene) -> None:
    git(gate.bare, "update-ref", "-d", "refs/heads/main")
    done = await gate.push()
    assert done.code == 0
    assert gate.refs() == {REF: gate.head()}


async def test_a_git_without_bands_gets_a_plain_report(gate: Scene) -> None:
    line = f"{ZERO} {gate.head()} {REF}"
    status, report = await raw_push(gate, [line], pack=gate.pack())
    assert (status, report) == (
        200,
        b"000eunpack ok\n" + encode(f"ok refs/heads/{BRANCH}\n".encode()) + FLUSH,
    )


async def test_a_second_push_waits_for_the_first(gate: Scene) -> None:
    arrived, go_on = gate.hold_upstream()
    first = await gate.start("push", gate.url, f"HEAD:{REF}")
    await arrived.wait()
    done = await gate.push()
    go_on.set()
    assert done.lines == snapshot(
        [
            " ! [remote rejected] HEAD -> bellhop/7-brave-otter (another push of this",
            "task is under way; push again when it has ended)",
        ]
    )
    assert await first.wait() == 0
    assert gate.desk.notes == [("begun", gate.head()), ("pushed", gate.head())]


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("Basic d29ya2VyOmFiYw==", "abc"),
        ("Basic d29ya2VyOmE6Yg==", "a:b"),
        ("Basic d29ya2VyOg==", None),
        ("Basic /w==", None),
        ("Basic é", None),
        ("Basic \udce9", None),
        ("Bearer ", None),
        ("Digest abc", None),
        ("", None),
    ],
)
def test_a_token_is_read_from_either_scheme(header: str, token: str | None) -> None:
    assert bearer(header) == token
