"""What becomes of a push when GitHub, the connection or Bellhop itself gives up in the middle."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from inline_snapshot import snapshot

from bot.http.git_body import GateLimits
from bot.http.pktline import FLUSH, encode
from tests.http_git_parts import (
    BRANCH,
    REF,
    STAGING,
    UPSTREAM_TOKEN,
    Scene,
    git,
    raw_push,
    scene,
    until,
    wrapped,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ZERO = "0" * 40


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Scene]:
    async with scene(tmp_path) as set_up:
        yield set_up


def hook(gate: Scene, name: str, script: str) -> None:
    path = gate.bare / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def answer_pushes(gate: Scene, status: int, text: str = "", *, after: bool = False) -> None:
    """Let the upstream answer pushes so, before or after git has taken them."""

    async def fault(request: web.Request) -> web.StreamResponse | None:
        if request.method != "POST":
            return None
        if after:
            git(gate.bare, "fetch", "-q", str(gate.work), f"HEAD:{REF}")
        await request.read()
        return web.Response(status=status, text=text)

    gate.origin.fault = fault


async def test_an_earlier_push_that_nobody_heard_of_is_found_done(gate: Scene) -> None:
    await gate.push()
    gate.desk.head, gate.desk.pending = None, gate.head()
    done = await gate.push()
    assert (done.code, done.lines) == snapshot((0, ["Everything up-to-date"]))
    assert (gate.desk.head, gate.desk.pending) == (gate.head(), None)


async def test_work_goes_on_from_a_push_that_nobody_heard_of(gate: Scene) -> None:
    await gate.push()
    gate.desk.head, gate.desk.pending = None, gate.head()
    new = gate.commit("good evening")
    done = await gate.push()
    assert done.code == 0
    assert gate.refs() == {**gate.at_first, REF: new}
    assert gate.desk.head == new


@pytest.mark.parametrize("known", [True, False])
async def test_the_second_request_alone_finds_it_too(gate: Scene, known: bool) -> None:
    await gate.push()
    old = gate.head()
    gate.desk.head, gate.desk.pending = None, old if known else "5" * 40
    new = gate.commit("good evening")
    _, report = await raw_push(gate, [f"{old} {new} {REF}"], pack=gate.pack())
    assert (b"ng refs/heads" in report) != known
    assert gate.refs()[REF] == (new if known else old)


async def test_a_leftover_staging_ref_is_removed_first(gate: Scene) -> None:
    await gate.push()
    git(gate.bare, "update-ref", STAGING, "main")
    new = gate.commit("good evening")
    done = await gate.push()
    assert done.code == 0
    assert gate.refs() == {**gate.at_first, REF: new}


async def test_a_staging_ref_that_stays_does_not_hinder_the_push(gate: Scene) -> None:
    await gate.push()
    gate.desk.api_down = {"drop"}
    new = gate.commit("good evening")
    assert (await gate.push()).code == 0
    assert gate.refs() == {**gate.at_first, REF: new, STAGING: new}
    newest = gate.commit("good night")
    done = await gate.push()
    assert "GitHub could not be asked; push again in a minute" in done.text
    gate.desk.api_down = set()
    assert (await gate.push()).code == 0
    assert gate.refs() == {**gate.at_first, REF: newest}


async def test_githubs_own_refusal_is_passed_on(gate: Scene) -> None:
    hook(gate, "update", "echo 'GH013: no secrets here' >&2; exit 1")
    done = await gate.push()
    assert (done.code, done.lines) == snapshot(
        (
            1,
            [
                "remote: GH013: no secrets here",
                "remote: error: hook declined to update refs/heads/bellhop/7-brave-otter",
                " ! [remote rejected] HEAD -> bellhop/7-brave-otter (hook declined)",
            ],
        )
    )
    assert gate.refs() == gate.at_first
    assert gate.desk.notes[-1] == ("failed", gate.head(), "hook declined")


async def test_a_refused_update_leaves_everything_as_it_was(gate: Scene) -> None:
    await gate.push()
    before = gate.refs()
    hook(gate, "pre-receive", "exit 1")
    gate.commit("good evening")
    done = await gate.push()
    assert (done.code, done.lines) == snapshot(
        (1, [" ! [remote rejected] HEAD -> bellhop/7-brave-otter (pre-receive hook", "declined)"])
    )
    assert gate.refs() == before
    assert gate.desk.head == before[REF]


async def test_a_pack_that_github_cannot_read_is_refused(gate: Scene) -> None:
    broken = gate.pack()[:-20] + bytes(20)
    _, report = await raw_push(gate, [f"{ZERO} {gate.head()} {REF}"], pack=broken)
    assert wrapped(report.decode()) == snapshot(
        [
            "000eunpack ok",
            "0057ng refs/heads/bellhop/7-brave-otter unpacking failed: unpack-objects",
            "abnormal exit",
            "0000",
        ]
    )
    assert gate.refs() == gate.at_first


async def test_github_out_of_reach_is_told_at_once(gate: Scene) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        gate.desk.upstream = f"http://127.0.0.1:{closed.getsockname()[1]}/widgets.git"
        done = await gate.push()
        report = (await raw_push(gate, [f"{ZERO} {gate.head()} {REF}"], pack=gate.pack()))[1]
    assert done.lines == snapshot(
        [
            "remote: GitHub could not be reached (ClientConnectorError); push again",
            "in a minute",
            "fatal: unable to access 'GATE/api/git/0192-brave-otter/': The requested",
            "URL returned error: 502",
        ]
    )
    assert wrapped(report.decode()) == snapshot(
        [
            "000eunpack ok",
            "006dng refs/heads/bellhop/7-brave-otter GitHub gave no answer to the",
            "push (ClientConnectorError); push again",
            "0000",
        ]
    )
    assert [note[0] for note in gate.desk.notes] == ["begun", "failed"]


async def test_no_token_from_github_is_told_in_both_requests(gate: Scene) -> None:
    gate.desk.api_down = {"token"}
    done = await gate.push()
    _, report = await raw_push(gate, [f"{ZERO} {gate.head()} {REF}"])
    assert done.lines == snapshot(
        [
            "remote: GitHub could not be asked; push again in a minute",
            "fatal: unable to access 'GATE/api/git/0192-brave-otter/': The requested",
            "URL returned error: 502",
        ]
    )
    assert wrapped(report.decode()) == snapshot(
        [
            "000eunpack ok",
            "005ang refs/heads/bellhop/7-brave-otter GitHub could not be asked; push",
            "again in a minute",
            "0000",
        ]
    )
    assert gate.desk.notes == []


@pytest.mark.parametrize(
    ("status", "text", "printed"),
    [
        (
            403,
            f"Write access to {UPSTREAM_TOKEN} not granted.",
            snapshot(
                [
                    "remote: GitHub did not take Bellhop's push (HTTP 403: Write access to",
                    "*** not granted.); ask Bellhop's operator whether the App may write to",
                    "this repository",
                    "fatal: unable to access 'GATE/api/git/0192-brave-otter/': The requested",
                    "URL returned error: 502",
                ]
            ),
        ),
        (
            301,
            "",
            snapshot(
                [
                    "remote: GitHub did not take Bellhop's push (HTTP 301); ask Bellhop's",
                    "operator whether the App may write to this repository",
                    "fatal: unable to access 'GATE/api/git/0192-brave-otter/': The requested",
                    "URL returned error: 502",
                ]
            ),
        ),
        (
            502,
            "<html>",
            snapshot(
                [
                    "remote: GitHub failed (HTTP 502); push again in a minute",
                    "fatal: unable to access 'GATE/api/git/0192-brave-otter/': The requested",
                    "URL returned error: 502",
                ]
            ),
        ),
    ],
)
async def test_what_github_answers_to_the_first_request_is_told(
    gate: Scene, status: int, text: str, printed: list[str]
) -> None:
    async def fault(request: web.Request) -> web.StreamResponse:
        return web.Response(
            status=status,
            text=text,
            content_type="text/html" if text.startswith("<") else "text/plain",
            headers={"Location": str(request.url)},
        )

    gate.origin.fault = fault
    done = await gate.push()
    assert done.lines == printed
    assert done.code == 128


@pytest.mark.parametrize(
    ("status", "printed"),
    [
        (
            401,
            snapshot(
                [
                    " ! [remote rejected] HEAD -> bellhop/7-brave-otter (GitHub did not take",
                    "Bellhop's push (HTTP 401: Not now.); ask Bellhop's operator whether the",
                    "App may write to this repository)",
                ]
            ),
        ),
        (
            403,
            snapshot(
                [
                    " ! [remote rejected] HEAD -> bellhop/7-brave-otter (GitHub did not take",
                    "Bellhop's push (HTTP 403: Not now.); ask Bellhop's operator whether the",
                    "App may write to this repository)",
                ]
            ),
        ),
        (
            429,
            snapshot(
                [
                    " ! [remote rejected] HEAD -> bellhop/7-brave-otter (GitHub's limit asks",
                    "to wait for 60 s (HTTP 429: Not now.); push again)",
                ]
            ),
        ),
        (
            500,
            snapshot(
                [
                    " ! [remote rejected] HEAD -> bellhop/7-brave-otter (GitHub failed (HTTP",
                    "500: Not now.); push again in a minute)",
                ]
            ),
        ),
    ],
)
async def test_what_github_answers_to_the_push_is_told(
    gate: Scene, status: int, printed: list[str]
) -> None:
    answer_pushes(gate, status, "Not now.")
    done = await gate.push()
    assert done.lines == printed
    assert gate.refs() == gate.at_first
    assert gate.desk.pending == (gate.head() if status == 500 else None)
    assert UPSTREAM_TOKEN not in done.text


async def test_an_update_without_a_verdict_has_certainly_not_moved_the_branch(gate: Scene) -> None:
    await gate.push()
    old, new = gate.head(), gate.commit("good evening")
    answer_pushes(gate, 502)
    gate.desk.api_down = {"head"}
    assert (await gate.push()).code == 1
    assert gate.desk.notes[-1][:2] == ("failed", new)
    assert (gate.desk.head, gate.desk.pending) == (old, None)
    assert gate.refs() == {**gate.at_first, REF: old}


async def test_a_push_that_github_took_before_it_failed_counts(gate: Scene) -> None:
    answer_pushes(gate, 502, after=True)
    done = await gate.push()
    assert done.code == 0
    assert gate.desk.head == gate.refs()[REF] == gate.head()


async def test_what_nobody_can_find_out_stays_pending(gate: Scene) -> None:
    answer_pushes(gate, 502)
    gate.desk.api_down = {"head"}
    done = await gate.push()
    assert done.lines == snapshot(
        [
            " ! [remote rejected] HEAD -> bellhop/7-brave-otter (GitHub failed (HTTP",
            "502); push again in a minute)",
        ]
    )
    assert gate.desk.pending == gate.head()


@pytest.mark.parametrize(
    ("body", "printed"),
    [
        pytest.param(
            b"",
            snapshot(
                [
                    " ! [remote rejected] HEAD -> bellhop/7-brave-otter (GitHub's answer to",
                    "the push was cut off; push again)",
                ]
            ),
            id="nothing",
        ),
        pytest.param(
            b"<html>",
            snapshot(
                [
                    " ! [remote rejected] HEAD -> bellhop/7-brave-otter (GitHub gave no",
                    "answer to the push ('<htm' does not begin a pkt-line); push again)",
                ]
            ),
            id="no git",
        ),
        pytest.param(
            encode(b"\1" + encode(b"unpack ok\n")),
            snapshot(
                [
                    " ! [remote rejected] HEAD -> bellhop/7-brave-otter (GitHub's answer to",
                    "the push was cut off; push again)",
                ]
            ),
            id="half a report",
        ),
        pytest.param(
            encode(b"\3quota exceeded\n"),
            snapshot(
                [
                    " ! [remote rejected] HEAD -> bellhop/7-brave-otter (GitHub gave no",
                    "answer to the push (GitHub ended the push: quota exceeded); push again)",
                ]
            ),
            id="an error",
        ),
        pytest.param(
            encode(b"\1" + encode(b"unpack ok\n") + FLUSH) + FLUSH,
            snapshot(
                [
                    " ! [remote rejected] HEAD -> bellhop/7-brave-otter (GitHub gave no",
                    "answer to the push (the report does not name the ref); push again)",
                ]
            ),
            id="no verdict",
        ),
    ],
)
async def test_an_answer_that_is_no_verdict_is_none(
    gate: Scene, body: bytes, printed: list[str]
) -> None:
    answer_pushes(gate, 200, body.decode())
    done = await gate.push()
    assert done.lines == printed
    assert gate.desk.pending == gate.head()


@pytest.mark.parametrize(
    ("down", "moved"), [pytest.param("move", False), pytest.param("moved", True)]
)
async def test_an_answer_lost_while_the_branch_moves_is_looked_up(
    gate: Scene, down: str, moved: bool
) -> None:
    await gate.push()
    old, new = gate.head(), gate.commit("good evening")
    gate.desk.api_down = {down}
    done = await gate.push()
    assert (done.code == 0) == moved
    assert gate.refs() == {**gate.at_first, REF: new if moved else old}
    assert (gate.desk.head, gate.desk.pending) == ((new, None) if moved else (old, new))


@pytest.mark.parametrize(
    ("body", "printed"),
    [
        pytest.param(
            b"<html>",
            snapshot(
                [
                    "remote: GitHub's list of refs makes no sense ('<htm' does not begin a",
                    "pkt-line); push again in a minute",
                    "fatal: unable to access 'GATE/api/git/0192-brave-otter/': The requested",
                    "URL returned error: 502",
                ]
            ),
            id="no git",
        ),
        pytest.param(
            encode(b"# service=git-upload-pack\n") + FLUSH,
            snapshot(
                [
                    "remote: GitHub's list of refs makes no sense (this is no answer of a git",
                    "server); push again in a minute",
                    "fatal: unable to access 'GATE/api/git/0192-brave-otter/': The requested",
                    "URL returned error: 502",
                ]
            ),
            id="another",
        ),
        pytest.param(
            encode(b"# service=git-receive-pack\n") + FLUSH + encode(b"ERR Gone fishing.\n"),
            snapshot(
                [
                    "remote: GitHub's list of refs makes no sense (Gone fishing.); push again",
                    "in a minute",
                    "fatal: unable to access 'GATE/api/git/0192-brave-otter/': The requested",
                    "URL returned error: 502",
                ]
            ),
            id="an error",
        ),
        pytest.param(
            encode(b"# service=git-receive-pack\n") + FLUSH + encode(b"1" * 40 + b" refs/heads/a"),
            snapshot(
                [
                    "fatal: remote error: GitHub's list of refs makes no sense (it was cut",
                    "off); push again in a minute",
                ]
            ),
            id="cut off",
        ),
        pytest.param(
            b"",
            snapshot(
                [
                    "remote: GitHub's list of refs makes no sense (it was cut off); push",
                    "again in a minute",
                    "fatal: unable to access 'GATE/api/git/0192-brave-otter/': The requested",
                    "URL returned error: 502",
                ]
            ),
            id="nothing",
        ),
    ],
)
async def test_a_first_answer_that_is_no_list_of_refs_is_told(
    gate: Scene, body: bytes, printed: list[str]
) -> None:
    async def fault(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=body)

    gate.origin.fault = fault
    done = await gate.push()
    assert done.lines == printed
    assert done.code == 128


@pytest.mark.parametrize("answer_begun", [False, True])
async def test_a_worker_that_breaks_off_changes_nothing(gate: Scene, answer_begun: bool) -> None:
    arrived, go_on = gate.hold_upstream()
    reader, writer = await gate.connect(gate.pack()[:-10], announced=1_000_000)
    await arrived.wait()
    if answer_begun:
        go_on.set()
        await gate.origin.answering.wait()
    writer.close()
    await gate.desk.settled.wait()
    go_on.set()
    assert await reader.read() == b""
    assert gate.desk.notes == [("begun", gate.head())]
    await gate.origin.broken_off.wait()
    assert gate.refs() == gate.at_first


async def test_a_worker_that_leaves_after_the_pack_has_pushed_all_the_same(gate: Scene) -> None:
    here, go = gate.work.parent / "here", gate.work.parent / "go"
    hook(gate, "pre-receive", f"touch {here}; until test -e {go}; do sleep 0.01; done; echo hi >&2")
    pack = gate.pack()
    _, writer = await gate.connect(pack, announced=len(pack))
    await until(here.exists)
    writer.close()
    await writer.wait_closed()
    go.touch()
    await gate.desk.settled.wait()
    assert gate.desk.head == gate.refs()[REF] == gate.head()


async def test_a_worker_that_falls_silent_is_not_waited_for(tmp_path: Path) -> None:
    async with scene(tmp_path, GateLimits(silence=0.2)) as gate:

        async def half() -> AsyncIterator[bytes]:
            yield encode(f"{ZERO} {gate.head()} {REF}\0report-status".encode()) + FLUSH
            await asyncio.Event().wait()

        async with (
            gate.client() as session,
            session.post(f"{gate.url}/git-receive-pack", data=half()) as answer,
        ):
            report = await answer.read()
        assert wrapped(report.decode()) == snapshot(
            [
                "000eunpack ok",
                "005dng refs/heads/bellhop/7-brave-otter nothing of the pack came for 0.2",
                "seconds; push again",
                "0000",
            ]
        )
        assert gate.refs() == gate.at_first


@pytest.mark.parametrize("limits", [GateLimits(push_time=0.2), GateLimits(silence=0.2)])
async def test_a_github_that_falls_silent_is_not_waited_for(
    tmp_path: Path, limits: GateLimits
) -> None:
    async with scene(tmp_path, limits) as gate:
        _, go_on = gate.hold_upstream()
        done = await gate.push()
        go_on.set()
        assert f"{BRANCH} (GitHub gave no answer to the push" in " ".join(done.lines)
        assert gate.desk.pending == gate.head()
