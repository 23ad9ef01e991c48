from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.deliveries import (
    AppRemoved,
    CommentWritten,
    ConsentRevoked,
    IssueGone,
    IssueLabeled,
    IssueOpened,
    PullRequestClosed,
    RepositoryGone,
    RepositoryRenamed,
    TextWritten,
    Unreadable,
    label_source,
    read_delivery,
)

PERSON = {"id": 1, "login": "monalisa", "type": "User", "site_admin": False}
ROBOT = {"id": 2, "login": "robot[bot]", "type": "Bot"}
REPOSITORY = {
    "id": 3,
    "full_name": "octo/hello.world-1",
    "private": True,
    "default_branch": "main",
    "archived": False,
}
ISSUE: dict[str, Any] = {
    "id": 44,
    "number": 4,
    "title": "A title",
    "body": None,
    "user": PERSON,
    "state": "open",
    "html_url": "https://github.com/octo/hello.world-1/issues/4",
    "created_at": "2026-05-15T15:20:21Z",
    "performed_via_github_app": None,
}
COMMENT: dict[str, Any] = {
    "id": 55,
    "body": "/fix it",
    "user": PERSON,
    "html_url": "https://github.com/octo/hello.world-1/issues/4#issuecomment-55",
    "created_at": "2026-05-15T15:20:21Z",
    "performed_via_github_app": None,
}
COMMON: dict[str, Any] = {
    "repository": REPOSITORY,
    "sender": PERSON,
    "installation": {"id": 5, "node_id": "x"},
}


def encode(payload: dict[str, Any]) -> bytes:
    return json.dumps(payload, separators=(",", ":")).encode()


def commented(**comment: Any) -> dict[str, Any]:
    return {"action": "created", "issue": ISSUE, "comment": {**COMMENT, **comment}, **COMMON}


def read(event: str, payload: dict[str, Any]) -> Any:
    return read_delivery(event, encode(payload))


def test_a_comment() -> None:
    written = read("issue_comment", commented())
    assert isinstance(written, CommentWritten)
    assert isinstance(written, TextWritten)
    assert written.kind == "comment"
    assert written.source_id == 55
    assert written.installation_id == 5
    assert written.text == "/fix it"
    assert written.url.endswith("#issuecomment-55")
    assert written.written_at == datetime(2026, 5, 15, 15, 20, 21, tzinfo=UTC)
    assert written.author == written.sender
    assert (written.author.id, written.author.login) == (1, "monalisa")
    assert not written.author.is_bot
    assert written.app_id is None
    assert not written.transferred
    assert written.repository.full_name == "octo/hello.world-1"
    assert written.repository.private
    assert written.subject.number == 4
    assert written.subject.body == ""
    assert not written.subject.is_pull_request


def test_a_comment_on_a_pull_request_by_a_bot_through_an_app() -> None:
    payload = commented(user=ROBOT, performed_via_github_app={"id": 99, "slug": "robot"})
    payload["issue"] = {**ISSUE, "pull_request": {"url": "u"}, "user": None}
    written = read("issue_comment", payload)
    assert written.author.is_bot
    assert written.app_id == 99
    assert written.subject.is_pull_request
    assert written.subject.author is None


@pytest.mark.parametrize(
    ("changes", "transferred"),
    [
        (None, False),
        ({"changes": {}}, False),
        ({"changes": {"old_issue": {"id": 1}, "old_repository": {"id": 2}}}, True),
        ({"changes": {"old_repository": {"id": 2}}}, True),
        ({"changes": {"old_issue": None}}, False),
    ],
)
def test_a_new_issue(changes: dict[str, Any] | None, transferred: bool) -> None:
    payload = {"action": "opened", "issue": {**ISSUE, "body": "/ask\0 why"}, **COMMON}
    written = read("issues", payload | (changes or {}))
    assert isinstance(written, IssueOpened)
    assert (written.kind, written.source_id) == ("issue", 44)
    assert written.text == written.subject.body == "/ask\ufffd why"
    assert written.transferred is transferred


@pytest.mark.parametrize("action", ["closed", "deleted", "transferred"])
def test_an_issue_that_is_gone(action: str) -> None:
    gone = read("issues", {"action": action, "issue": ISSUE, **COMMON})
    assert isinstance(gone, IssueGone)
    assert (gone.number, gone.reason) == (4, action)


def test_a_pull_request_that_is_closed() -> None:
    pull = {"number": 6, "merged": True, "head": {"ref": "bellhop/brave-otter-4f2"}}
    closed = read("pull_request", {"action": "closed", "pull_request": pull, **COMMON})
    assert isinstance(closed, PullRequestClosed)
    assert (closed.number, closed.merged, closed.branch) == (6, True, "bellhop/brave-otter-4f2")


@pytest.mark.parametrize("action", ["archived", "deleted", "transferred"])
def test_a_repository_that_is_gone(action: str) -> None:
    gone = read("repository", {"action": action, **COMMON})
    assert isinstance(gone, RepositoryGone)
    assert gone.reason == action


def test_a_repository_that_is_renamed() -> None:
    changes = {"repository": {"name": {"from": "hello"}}}
    renamed = read("repository", {"action": "renamed", "changes": changes, **COMMON})
    assert isinstance(renamed, RepositoryRenamed)
    assert (renamed.old_name, renamed.repository.full_name) == ("hello", "octo/hello.world-1")


@pytest.mark.parametrize(
    ("event", "payload", "ids", "reason"),
    [
        ("installation", {"action": "deleted", "repositories": []}, None, "deleted"),
        ("installation", {"action": "suspend"}, None, "suspended"),
        (
            "installation_repositories",
            {"action": "removed", "repositories_removed": [{"id": 3}, {"id": 4}]},
            (3, 4),
            "removed",
        ),
    ],
)
def test_an_app_that_is_removed(
    event: str, payload: dict[str, Any], ids: tuple[int, ...] | None, reason: str
) -> None:
    removed = read(event, {**payload, "installation": {"id": 5}})
    assert isinstance(removed, AppRemoved)
    assert (removed.installation_id, removed.repository_ids, removed.reason) == (5, ids, reason)


def test_a_label_on_an_issue() -> None:
    label = {"id": 7, "name": "Ring the bell", "color": "ededed"}
    issue = {**ISSUE, "labels": [label], "updated_at": "2026-05-16T15:20:21Z"}
    value = read("issues", {"action": "labeled", "issue": issue, "label": label, **COMMON})
    assert isinstance(value, IssueLabeled)
    assert (value.kind, value.label, value.subject.number) == ("label", "Ring the bell", 4)
    assert (value.sender.login, value.installation_id) == ("monalisa", 5)
    assert value.url == "https://github.com/octo/hello.world-1/issues/4"
    assert value.written_at == datetime(2026, 5, 16, 15, 20, 21, tzinfo=UTC)


@given(st.text())
def test_a_delivery_has_a_number_that_the_database_can_hold(delivery: str) -> None:
    assert 0 <= label_source(delivery) < 2**63
    assert label_source(delivery) == label_source(delivery)
    assert label_source(delivery) != label_source(f"{delivery}-")


def test_a_consent_is_taken_back_whatever_is_installed() -> None:
    revoked = read("github_app_authorization", {"action": "revoked", "sender": PERSON})
    assert isinstance(revoked, ConsentRevoked)
    assert (revoked.sender.id, revoked.sender.login) == (PERSON["id"], PERSON["login"])


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("push", commented()),
        ("ping", {"zen": "Keep it logically awesome."}),
        ("issue_comment", {**commented(), "action": "edited"}),
        ("issue_comment", {**commented(), "installation": None}),
        ("issue_comment", {k: v for k, v in commented().items() if k != "installation"}),
        ("issues", {"action": "unlabeled", "issue": "of no interest", **COMMON}),
        ("installation", {"action": "created", "installation": {"id": 5}}),
        ("github_app_authorization", {"action": "granted", "sender": PERSON}),
    ],
)
def test_what_is_of_no_interest(event: str, payload: dict[str, Any]) -> None:
    assert read(event, payload) is None


@pytest.mark.parametrize(
    ("event", "body", "message"),
    [
        ("issue_comment", b"", "Invalid JSON"),
        ("issue_comment", b"[]", "object"),
        ("issues", b'{"action": 1}', "action: Input should be a valid string"),
        ("issue_comment", encode(commented(id="55")), "comment.id: "),
        ("issue_comment", encode(commented(id=2**63)), "comment.id: "),
        ("issue_comment", encode(commented(id=True)), "comment.id: "),
        ("issue_comment", encode(commented(created_at="yesterday")), "comment.created_at: "),
        ("issue_comment", encode(commented(created_at="2026-05-15T15:20:21")), "timezone"),
        ("issue_comment", encode(commented(user=None)), "comment.user: "),
        ("issue_comment", encode(commented(body="\ud800")), "hex escape"),
        (
            "repository",
            encode({"action": "deleted", **COMMON, "repository": {**REPOSITORY, "full_name": "a"}}),
            "repository.full_name: ",
        ),
        (
            "installation_repositories",
            b'{"action":"removed","installation":{"id":5},"repositories_removed":{"a":1}}',
            "repositories_removed: ",
        ),
        (
            "installation_repositories",
            b'{"action":"removed","installation":{"id":5},"repositories_removed":["a",{}]}',
            "repositories_removed.0: ",
        ),
    ],
)
def test_what_is_unreadable(event: str, body: bytes, message: str) -> None:
    with pytest.raises(Unreadable, match=f"not a readable `{event}` event") as unreadable:
        read_delivery(event, body)
    assert message in str(unreadable.value)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_is_read(text: str) -> None:
    written = read("issue_comment", commented(body=text))
    assert written.text == text.replace("\0", "\ufffd")


@given(
    st.sampled_from(["issue_comment", "issues", "pull_request", "repository", "installation"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from([*COMMON, "action", "issue", "comment", "id", "user", "body"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=8,
    ),
    st.sampled_from(["created", "opened", "closed", "deleted", "renamed", "suspend"]),
)
def test_any_json_is_read_ignored_or_refused(event: str, part: Any, action: str) -> None:
    payload = commented() | {"action": action} | (part if isinstance(part, dict) else {"x": part})
    with suppress(Unreadable):
        read_delivery(event, json.dumps(payload).encode())


def recorded() -> list[Path]:
    return sorted(Path(os.environ.get("BELLHOP_PAYLOADS", "/absent")).glob("*/*.json"))


def test_recorded_payloads() -> None:
    if not recorded():
        assert os.environ.get("CI") != "true", "BELLHOP_PAYLOADS must name a folder of payloads"
        pytest.skip("BELLHOP_PAYLOADS names no folder of recorded payloads")
    kinds = set[str]()
    for path in recorded():
        payload = {"installation": {"id": 5}} | json.loads(path.read_text())
        value = read(path.parent.name, payload)
        kinds.add(type(value).__name__)
    assert {
        "CommentWritten",
        "IssueOpened",
        "IssueLabeled",
        "IssueGone",
        "AppRemoved",
        "NoneType",
    } <= kinds
