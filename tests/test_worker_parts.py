"""The worker's parts, each by itself."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.agent_config import is_agent_config
from worker.client import Client, Refused, Unreachable
from worker.contract import ContractError, read_assignment, read_time
from worker.git import GitFailed
from worker.limits import rest_asked_for
from worker.masking import Masker
from worker.orders import Interrupted, Order, Orders
from worker.outcome import agent_failed, interrupted
from worker.reporter import BACKLOG, Reporter
from worker.result import Tail, read_result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ASSIGNMENT: dict[str, Any] = {
    "contractVersion": 1,
    "taskId": "t",
    "name": "n",
    "attempt": 1,
    "command": "fix",
    "prompt": "p",
    "context": "",
    "cloneUrl": "https://github.com/o/r.git",
    "baseBranch": "main",
    "headBranch": "bellhop/n",
    "headSha": "a" * 40,
    "configFrom": None,
    "pushUrl": "https://bellhop.example.org/api/git/t",
    "githubToken": {"token": "g", "expiresAt": "2026-01-01T00:00:00Z"},
    "commitAuthor": {"name": "b", "email": "e"},
    "coAuthors": [{"name": "c", "email": "f"}],
    "agent": "command",
    "agentCommand": "true",
    "model": None,
    "credentials": {"KEY": "value"},
    "deadline": "2026-01-01T01:00:00+01:00",
    "unheardOf": True,
}


def test_an_assignment_is_read() -> None:
    assignment = read_assignment(ASSIGNMENT, "t")
    assert assignment.deadline == assignment.github_token.expires == 1767225600.0
    assert [str(person) for person in assignment.co_authors] == ["c <f>"]
    assert assignment.credentials == {"KEY": "value"}
    assert not assignment.skip_ci, "a Bellhop of before the field does not say it"
    assert read_assignment(ASSIGNMENT | {"skipCi": True}, "t").skip_ci


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"contractVersion": 2}, "version 2"),
        ({"contractVersion": True}, "`contractVersion` is not a whole number"),
        ({"taskId": "other"}, "another task's"),
        ({"prompt": None}, "`prompt` is not a text"),
        ({"agentCommand": 5}, "`agentCommand` is not a text"),
        ({"attempt": "1"}, "`attempt` is not a whole number"),
        ({"coAuthors": {}}, "`coAuthors` is not a list"),
        ({"skipCi": "yes"}, "`skipCi` is neither true nor false"),
        ({"commitAuthor": "b"}, "`commitAuthor` is not an object"),
        ({"credentials": {"KEY": 1}}, "`KEY` is not a text"),
        ({"githubToken": {"token": "g", "expiresAt": "soon"}}, "`expiresAt` is not an RFC 3339"),
        ({"deadline": "2026-01-01T00:00:00"}, "no offset"),
        ({"cloneUrl": "ext::sh -c id"}, "`cloneUrl` is not a plain http"),
        ({"cloneUrl": "/etc"}, "`cloneUrl` is not a plain http"),
        ({"pushUrl": "https://user:pass@example.org/x"}, "`pushUrl` is not a plain http"),
        ({"pushUrl": None}, "no `pushUrl`"),
        ({"baseBranch": "--upload-pack=id"}, "not the name of a branch"),
        ({"headBranch": "a:b"}, "not the name of a branch"),
        ({"configFrom": ""}, "not the name of a branch"),
        ({"headSha": "HEAD"}, "not the full id of a commit"),
        ({"maxCost": "5"}, "`maxCost` is not a number"),
        ({"maxCost": True}, "`maxCost` is not a number"),
    ],
)
def test_an_assignment_that_is_not_as_it_should_be_is_refused(
    change: dict[str, Any], words: str
) -> None:
    with pytest.raises(ContractError, match=words):
        read_assignment(ASSIGNMENT | change, "t")


def test_what_is_no_assignment_at_all_is_refused() -> None:
    with pytest.raises(ContractError, match="not an object"):
        read_assignment([], "t")
    with pytest.raises(ContractError, match="not an RFC 3339"):
        read_time(None, "deadline")


PIECES = st.text("abcXYZ0123 ._-\n", max_size=20)


@given(PIECES, st.text("abcdef012345", min_size=6, max_size=20), PIECES)
def test_no_known_secret_is_left(before: str, secret: str, after: str) -> None:
    masker = Masker()
    masker.add(secret)
    assert secret not in masker.mask(before + secret + after)


@pytest.mark.parametrize(
    ("secrets", "text", "masked"),
    [
        (["short"], "short", "short"),
        (["abcdef", "abcdefghi"], "abcdefghi!", "***!"),
        (["first line\nsecond"], "first line", "***"),
        ([" padded "], "padded", "***"),
        ([], f"ghs_{'a' * 36}", "***"),
        ([], f"x ghp_{'a.-_' * 30} y", "x *** y"),
        ([], f"github_pat_{'a' * 20}", "***"),
        ([], "ghs_short", "ghs_short"),
        (["a.c+(e"], "a.c+(e abc+(e", "*** abc+(e"),
    ],
)
def test_masking(secrets: list[str], text: str, masked: str) -> None:
    masker = Masker()
    masker.add(*secrets)
    assert masker.mask(text) == masked


@given(st.integers(0, 60), st.integers(1, 49))
def test_half_a_secret_at_the_end_of_a_cut_text_is_not_shown(before: int, shown: int) -> None:
    secret = "".join(chr(ord("a") + number % 26) for number in range(50))
    masker = Masker()
    masker.add(secret)
    left = masker.mask_beginning("." * before + secret[:shown])
    assert set(left) <= {"."}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("CLAUDE.md", True),
        ("docs/deep/claude.MD", True),
        ("a/AGENTS.md", True),
        (".claude", True),
        (".claude/settings.json", True),
        ("sub/.codex/config.toml", True),
        (".aider.conf.yml", True),
        (".mcp.json", True),
        ("opencode.json", True),
        (".github/copilot-instructions.md", True),
        (".github/instructions/x.md", True),
        (".env", True),
        ("apps/web/.env", False),
        (".github/workflows/ci.yml", False),
        ("claude.py", False),
        ("docs/about-agents.md", False),
        ("src/aider.py", False),
    ],
)
def test_what_agents_obey(path: str, expected: bool) -> None:
    assert is_agent_config(path) is expected


def read(tmp_path: Path, text: str | None, prompt: str = "do it") -> tuple[Any, list[str]]:
    path, warnings = tmp_path / "result.json", list[str]()
    if text is not None:
        path.write_text(text)
    return read_result(path, prompt, "the output", warnings.append), warnings


@pytest.mark.parametrize("text", [None, "{}", '{"title": "  ", "summary": ""}'])
def test_without_a_result_prompt_and_output_speak(tmp_path: Path, text: str | None) -> None:
    result, warnings = read(tmp_path, text, "\n  # Do it  \nnow")
    assert (result.title, result.summary, result.body, result.usage) == (
        "# Do it",
        "the output",
        None,
        None,
    )
    assert warnings == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{not json", "not JSON"),
        ("\udcff", "not JSON"),
        ("[1]", "no JSON object"),
        ('{"title": 5}', "`title`"),
        ('{"usage": 5}', "`usage`"),
        ('{"usage": {"costUsd": -1}}', "`usage`"),
        ('{"usage": {"costUsd": Infinity}}', "`usage`"),
        ('{"usage": {"inputTokens": 1.5}}', "`usage`"),
        ('{"usage": {"inputTokens": true}}', "`usage`"),
    ],
)
def test_a_bad_result_is_a_warning_and_ignored(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "result.json").write_bytes(text.encode(errors="surrogateescape"))
    result, warnings = read(tmp_path, None)
    assert (result.title, result.summary, result.usage) == ("do it", "the output", None)
    assert len(warnings) == 1
    assert words in warnings[0]


def test_a_result_that_blocks_or_is_too_long_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "result.json").mkdir()
    assert read(tmp_path, None)[0].title == "do it"
    (tmp_path / "result.json").rmdir()
    result, _ = read(tmp_path, json.dumps({"title": "t" * 999, "body": "b" * 99_999}))
    assert len(result.title) == 250
    assert result.title.endswith("t…")
    assert len(result.body) == 60_000
    assert read(tmp_path, "{}", "w" * 100)[0].title == "w" * 71 + "…"
    assert read(tmp_path, "{}", " \n")[0].title == "Changes by an agent"


@given(st.lists(st.text(max_size=30), max_size=20))
def test_a_tail_is_the_end_of_what_was_said(lines: list[str]) -> None:
    tail = Tail(40)
    for line in lines:
        tail.add(line)
    assert len(str(tail)) <= 40
    assert "\n".join(line[:40] for line in lines).strip().endswith(str(tail))


@pytest.mark.parametrize(
    ("words", "away"),
    [
        ("fatal: unable to access 'x': Failed to connect to 127.0.0.1 port 1", True),
        ("fatal: unable to access 'x': The requested URL returned error: 503", True),
        ("fatal: the remote end hung up unexpectedly", True),
        ("fatal: unable to access 'x': transfer closed with outstanding read data remaining", True),
        ("error: RPC failed; curl 55 Send failure: Broken pipe", True),
        ("error: RPC failed; curl 92 HTTP/2 stream 5 was not closed cleanly", True),
        ("error: RPC failed; curl 56 GnuTLS recv error (-110)", True),
        ("fatal: unable to access 'x': The requested URL returned error: 403", False),
        ("remote: You have exceeded a secondary rate limit.", True),
        (" ! [remote rejected] HEAD -> x (no)", False),
    ],
)
def test_away_is_not_the_same_as_no(words: str, away: bool) -> None:
    assert GitFailed(words).away is away


TRACE = """\
12:00:00.1 http.c:845              => Send header: Authorization: Basic <redacted>
12:00:00.2 http.c:845              <= Recv header: HTTP/1.1 {first}
12:00:00.2 http.c:845              <= Recv header: Retry-After: 7
12:00:00.3 http.c:845              <= Recv header: HTTP/2 {last}
12:00:00.3 http.c:845              <= Recv header: Server: x
12:00:00.3 http.c:845              <= Recv header: {header}
12:00:00.3 http.c:845              <= Recv header:
"""


@pytest.mark.parametrize(
    ("last", "header", "rest"),
    [
        ("403 Forbidden", "retry-after: 60", 60.0),
        ("429", "Retry-After: 1", 1.0),
        ("403", "x-ratelimit-remaining: 0", None),
        ("403", "x-ratelimit-remaining: 0\n<= Recv header: x-ratelimit-reset: 1030", 30.0),
        ("403", "x-ratelimit-remaining: 0\n<= Recv header: x-ratelimit-reset: 10", 0.0),
        ("403", "x-ratelimit-remaining: 9\n<= Recv header: x-ratelimit-reset: 1030", None),
        ("403", "retry-after: soon", None),
        ("200", "retry-after: 60", None),
    ],
)
def test_the_last_answer_says_how_long_to_rest(last: str, header: str, rest: float | None) -> None:
    trace = TRACE.format(first="403", last=last, header=header)
    assert rest_asked_for(trace, 1_000.0) == rest


def test_no_answer_asks_for_no_rest() -> None:
    assert rest_asked_for("nothing was traced", 1_000.0) is None


def test_the_first_order_holds_unless_the_attempt_is_lost() -> None:
    orders = Orders()
    orders.check()
    orders.pause(0.01)
    orders.give(Order.CANCEL)
    orders.give(Order.TIME_OUT)
    assert orders.given is Order.CANCEL
    orders.give(Order.VANISH)
    assert orders.given is Order.VANISH
    with pytest.raises(Interrupted, match="not this worker's"):
        orders.pause(60)


def test_the_deadline_is_an_order() -> None:
    orders = Orders()
    orders.deadline = time.time() + 60
    assert orders.given is None
    orders.deadline = time.time() - 1
    assert orders.given is Order.TIME_OUT


def test_an_agent_that_died_of_a_signal_is_told_as_that() -> None:
    body = agent_failed("signal 9", "").body("t", str)
    assert body["error"]["detail"] == "The agent ended with signal 9 and said nothing."
    assert interrupted(Order.CANCEL).body("t", str) == {"taskId": "t", "status": "cancelled"}


class Scripted(BaseHTTPRequestHandler):
    """Answers from the server's list, and remembers what it was sent."""

    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(json.loads(body))
        status, answer = self.server.answers.pop(0) if self.server.answers else (200, b"{}")
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None: ...


class Server(HTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Scripted)
        self.answers: list[tuple[int, bytes]] = []
        self.bodies: list[dict[str, Any]] = []


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def client(server: Server, patience: float = 0.1) -> Client:
    return Client(f"http://127.0.0.1:{server.server_port}/", "token", patience)


@pytest.mark.parametrize("answer", [b"<html>", b"[]"])
def test_an_answer_that_is_no_json_object_is_refused(server: Server, answer: bytes) -> None:
    server.answers = [(200, answer)]
    with pytest.raises(ContractError, match="was not"):
        client(server).call("POST", "progress", {})


@pytest.mark.parametrize("status", [400, 401, 404, 409, 422])
def test_a_client_error_is_final(server: Server, status: int) -> None:
    server.answers = [(status, b"why")]
    with pytest.raises(Refused, match=f"{status}: why") as caught:
        client(server).call("POST", "progress", {})
    assert caught.value.lost is (status in {401, 409})
    assert len(server.bodies) == 1


def test_waits_grow_until_patience_ends(server: Server) -> None:
    server.answers = [(500, b"")] * 20
    waits: list[float] = []
    with pytest.raises(Unreachable, match="HTTP 500"):
        client(server, 12).call("POST", "progress", {}, pause=waits.append)
    assert all(0.5 * 2**n * 0.5 <= wait <= 0.5 * 2**n for n, wait in enumerate(waits))
    assert len(waits) >= 5


def test_what_comes_faster_than_it_can_go_is_left_out_and_said_so(server: Server) -> None:
    reporter = Reporter(client(server), Orders(), Masker(), 60)
    for number in range(BACKLOG + 5):
        reporter.log("info", str(number))
    reporter.start()
    reporter.close(60)
    lines = [line["message"] for body in server.bodies for line in body["logs"]]
    assert lines[:-1] == [str(number) for number in range(BACKLOG)]
    assert lines[-1].startswith("5 lines were left out")


def test_a_report_that_is_sent_again_keeps_its_number(server: Server) -> None:
    server.answers = [(200, b"{}"), (503, b""), (200, b"{}")]
    reporter = Reporter(client(server, 10), Orders(), Masker(), 60)
    for number in range(150):
        reporter.log("info", str(number))
    reporter.start()
    reporter.close(60)
    assert [body["report"] for body in server.bodies] == [1, 2, 2]
    assert server.bodies[1] == server.bodies[2]


def test_what_a_refused_report_acknowledged_is_acknowledged_again(server: Server) -> None:
    told = json.dumps({"messages": [{"id": "m1", "text": "more"}]}).encode()
    server.answers = [(200, told), (200, told)]
    reporter = Reporter(client(server), Orders(), Masker(), 60)
    assert reporter.follow_ups() == (), "it has not begun"
    reporter.start()
    messages = reporter.follow_ups()
    assert [one.id for one in messages] == ["m1"]
    reporter.acknowledge(messages)
    server.answers = [(422, b"not like that"), (200, told), (200, b"{}")]
    for _ in range(3):
        assert reporter.follow_ups() == (), "each is given out once"
    reporter.close(60)
    acknowledged = [body.get("acknowledged") for body in server.bodies]
    assert acknowledged[-3:] == [["m1"], None, ["m1"]]
