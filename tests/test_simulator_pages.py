"""The pages people look at, and the control API another process uses."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest

from simulator.__main__ import main
from simulator.markdown import render
from tests.simulator_support import Place, git, receiving, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

EVIL = '<script>alert(1)</script> <img src=x onerror="y"> [z](javascript:alert(2))'


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with running(tmp_path) as made:
        yield made


async def show(place: Place, path: str) -> str:
    answer = await place.call("GET", f"{place.sim.url}{path}")
    assert answer.status == 200
    assert "script" not in answer.headers["Content-Security-Policy"]
    return answer.raw.decode()


async def test_pages_list_what_there_is(place: Place) -> None:
    place.sim.open_issue(place.repo, author="alice", title="Broken <b>")
    place.repo.commit("topic", {"n.txt": "n\n"})
    place.sim.open_pull(place.repo, author="alice", head="topic", title="Mend")
    assert '<a href="/acme/widgets">acme/widgets</a>' in await show(place, "/")
    text = await show(place, "/acme/widgets")
    assert '<a href="/acme/widgets/issues/1">Broken &lt;b&gt;</a>' in text
    assert '<a href="/acme/widgets/pull/2">Mend</a>' in text
    empty = place.sim.add_repository("acme/empty")
    assert (await show(place, f"/{empty.full_name}")).count("None yet.") == 2


async def test_an_issue_shows_comments_reactions_and_what_closes_it(place: Place) -> None:
    issue = place.sim.open_issue(place.repo, author="alice", title="T", body="**bold**")
    comment = place.sim.comment(issue, author=place.sim.bot, body="- [ ] done")
    place.sim.react(comment, author="alice", content="rocket")
    place.repo.commit("topic", {"n.txt": "n\n"})
    place.sim.open_pull(place.repo, author="alice", head="topic", body="Closes #1")
    text = await show(place, "/acme/widgets/issues/1")
    assert "<strong>bold</strong>" in text
    assert f'<article id="issuecomment-{comment.id}">' in text
    assert "bellhop[bot]" in text
    assert "🚀 1" in text
    assert 'To be closed by</span> <a href="/acme/widgets/pull/2">#2</a>' in text
    assert '<option value="alice">alice (write)</option>' in text


async def test_what_people_write_is_never_run(place: Place) -> None:
    issue = place.sim.open_issue(place.repo, author="alice", title=EVIL, body=EVIL)
    place.sim.comment(issue, author="alice", body=EVIL)
    place.repo.commit("topic", {"evil.html": EVIL})
    place.sim.open_pull(place.repo, author="alice", head="topic", title=EVIL)
    for path in ("/acme/widgets", "/acme/widgets/issues/1", "/acme/widgets/pull/2"):
        text = await show(place, path)
        assert "<script" not in text
        assert "<img" not in text
        assert 'href="javascript' not in text


async def test_a_pull_request_shows_its_state_and_diff(place: Place) -> None:
    place.sim.open_issue(place.repo, author="alice", title="T")
    place.repo.commit("topic", {"README.md": "hello <you>\n"})
    pull = place.sim.open_pull(place.repo, author="alice", head="topic", body="Fixes #1")
    text = await show(place, "/acme/widgets/pull/2")
    assert '<span class="del">-hello</span>' in text
    assert '<span class="add">+hello &lt;you&gt;</span>' in text
    assert 'Closes</span> <a href="/acme/widgets/issues/1">#1</a>' in text
    assert '<span class="state open">Open</span>' in text
    place.sim.merge_pull(pull, "alice")
    assert '<span class="state closed">Merged</span>' in await show(place, "/acme/widgets/pull/2")


async def write(place: Place, form: dict[str, str], headers: dict[str, str]) -> tuple[int, str]:
    url = f"{place.sim.url}/acme/widgets/issues/1"
    options: Any = {"data": form, "headers": headers, "allow_redirects": False}
    async with place.session.post(url, **options) as answer:
        return answer.status, answer.headers.get("Location", "")


async def test_the_form_writes_a_comment(place: Place) -> None:
    issue = place.sim.open_issue(place.repo, author="alice", title="T")
    form = {"user": "alice", "body": "/fix\r\nplease"}
    status, location = await write(place, form, {"Sec-Fetch-Site": "same-origin"})
    (comment,) = issue.comments
    assert (comment.user.login, comment.body) == ("alice", "/fix\nplease")
    assert (status, location) == (303, f"/acme/widgets/issues/1#issuecomment-{comment.id}")
    assert (await write(place, form, {"Sec-Fetch-Site": "cross-site"}))[0] == 403
    assert (await write(place, {"user": "nobody", "body": "x"}, {}))[0] == 400
    assert (await write(place, {"user": "alice", "body": " "}, {}))[0] == 400
    assert len(issue.comments) == 1


async def test_pages_that_are_not_there(place: Place) -> None:
    gone = place.sim.open_issue(place.repo, author="alice", title="T")
    place.sim.delete_issue(gone)
    for path in ("/acme/none", "/acme/widgets/issues/1", "/acme/widgets/pull/9"):
        assert (await place.call("GET", f"{place.sim.url}{path}")).status == 404


# --- the control API


async def control(place: Place, method: str, name: str, body: Any = None) -> tuple[int, Any]:
    answer = await place.call(method, f"{place.sim.url}/_simulator/{name}", body=body)
    return answer.status, answer.json if answer.raw else None


async def test_control_comments_and_shows_the_state(place: Place) -> None:
    place.sim.open_issue(place.repo, author="alice", title="T")
    wanted = {"repository": "acme/widgets", "issue": 1, "author": "alice", "body": "/fix"}
    status, made = await control(place, "POST", "comments", wanted)
    assert (status, made["body"]) == (201, "/fix")
    for wrong in ({"issue": 9}, {"author": "nobody"}, {"repository": "x/y"}, {"body": 1}):
        assert (await control(place, "POST", "comments", {**wanted, **wrong}))[0] == 400
    place.sim.react(place.repo.issues[0].comments[0], author=place.sim.bot, content="eyes")
    place.repo.commit("topic", {"n.txt": "n\n"})
    place.sim.open_pull(place.repo, author="alice", head="topic", body="Closes #1")
    _, state = await control(place, "GET", "state")
    shown = state["repositories"]["acme/widgets"]
    assert shown["branches"] == ["main", "topic"]
    (comment,) = shown["issues"][0]["comments"]
    assert comment["reactions"] == [{"user": "bellhop[bot]", "content": "eyes"}]
    (pull,) = shown["pulls"]
    assert (pull["head"], pull["closes"], pull["merged"]) == ("acme:topic", [1], False)


async def test_control_sets_faults_and_the_webhook(place: Place) -> None:
    assert (await control(place, "POST", "faults", {"path": "/meta", "status": 502}))[0] == 201
    assert (await place.call("GET", "/meta")).status == 502
    assert (await control(place, "POST", "faults", {"sort": "bad"}))[0] == 400
    assert (await control(place, "POST", "faults", {"path": "["}))[0] == 400
    await control(place, "POST", "faults", {"path": "/meta"})
    assert (await control(place, "DELETE", "faults"))[0] == 204
    assert (await place.call("GET", "/meta")).status == 200
    assert (await control(place, "POST", "webhook-url", {"url": 1}))[0] == 400
    async with receiving() as receiver:
        assert (await control(place, "POST", "webhook-url", {"url": receiver.url}))[0] == 200
        place.sim.ping()
        await place.sim.settled()
        assert receiver.events == [("ping", None)]


async def test_control_sets_where_people_are_sent_back_to(place: Place) -> None:
    for wrong in (None, "http://here", [1]):
        assert (await control(place, "POST", "callback-urls", {"urls": wrong}))[0] == 400
    assert (await control(place, "POST", "callback-urls", {"urls": ["http://here"]}))[0] == 200
    assert place.sim.callback_urls == ["http://here"]


async def test_control_wants_json_objects(place: Place) -> None:
    for raw in (b"{", b"[]"):
        url = f"{place.sim.url}/_simulator/faults"
        async with place.session.post(url, data=raw) as answer:
            assert answer.status == 400
            assert "JSON" in (await answer.json())["message"]


# --- as a process


async def test_the_process_serves_until_told_to_end(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    folder = tmp_path / "work"
    async with receiving() as receiver:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "simulator",
            f"--folder={folder}",
            f"--webhook-url={receiver.url}",
            f"--webhook-secret-file={secret}",
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        facts = json.loads(await process.stdout.readline())
        assert (facts["webhookSecret"], facts["repository"]) == ("s3cret", "acme/widgets")
        assert facts["issueUrl"] == f"{facts['url']}/acme/widgets/issues/{facts['issueNumber']}"
        assert facts["privateKey"].startswith("-----BEGIN RSA PRIVATE KEY-----")
        await git("clone", "-q", facts["cloneUrl"], "clone", cwd=tmp_path)
        assert (tmp_path / "clone/widgets/paging.py").exists()
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
        assert receiver.events == [("installation", "created"), ("issues", "opened")]
    assert list(folder.iterdir()) == []


def test_a_taken_port_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code = main([f"--port={taken.getsockname()[1]}", f"--folder={tmp_path / 'x'}"])
    assert code == 1
    assert "Try another --port" in capsys.readouterr().err


def test_text_is_shown_as_people_see_it_on_github() -> None:
    """Comments of HTML are hidden, addresses are links, other HTML is shown and never run."""
    shown = render("Done: https://x.test/pull/2.\n\n<!-- bellhop:key:mac -->")
    assert shown.strip() == (
        '<p>Done: <a href="https://x.test/pull/2">https://x.test/pull/2</a>.</p>'
    )
    assert render("a <!-- b --> c <b>d</b>") == "<p>a  c &lt;b&gt;d&lt;/b&gt;</p>\n"
    assert "<script" not in render("<!-- x --><script>1</script>")
    assert "<script" not in render("<script>\nhttps://x.test/\n</script>")
    assert render("`https://x.test/`") == "<p><code>https://x.test/</code></p>\n"
    assert render("[one](https://x.test/ 'https://y.test')").count("<a ") == 1
    assert render('https://x.test/"onclick="y').count("onclick=&quot;") == 1
