from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.commands import candidates
from handlers.deliveries import CommentWritten, Unreadable, read_delivery
from handlers.glance import NOTHING, Glance, glance
from tests.payloads import comment_body


def compact(payload: dict[str, Any], *, ascii_only: bool = False) -> bytes:
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=ascii_only).encode(
        errors="surrogatepass"
    )


def commented(text: str = "/fix it") -> dict[str, Any]:
    return json.loads(comment_body(55, text=text))


def body(text: str = "/fix it") -> bytes:
    return compact(commented(text))


@pytest.mark.parametrize(
    "text",
    ["/fix it", "Thanks!\nI see it too, \u00e9./", 'a "b" \\ c\t/', "either/or \r\n", "@you"],
)
def test_a_comment_is_seen_at_a_glance(text: str) -> None:
    assert glance("issue_comment", body(text)) == Glance(55, text)


@pytest.mark.parametrize("text", ["", "Thanks!\nI see it too, \u00e9.", 'a "b" \\ c\t'])
def test_what_asks_for_nothing_is_seen_at_a_glance(text: str) -> None:
    assert glance("issue_comment", body(text)) is NOTHING


def test_the_comments_own_members_are_taken() -> None:
    payload = commented()
    payload["issue"] |= {"body": "/ask", "performed_via_github_app": {"id": 1, "body": "x"}}
    payload["comment"] = {"url": "u", "html_url": "h{/x}", **payload["comment"]}
    assert glance("issue_comment", compact(payload)) == Glance(55, "/fix it")


@pytest.mark.parametrize("where", ["inside", "behind"])
def test_a_text_that_may_be_another_s_is_left_to_those_who_read_it_all(where: str) -> None:
    payload = commented("/fix it")
    if where == "inside":
        payload["comment"]["performed_via_github_app"] = {"id": 1, "body": "Thanks!"}
    else:
        payload["issue"] |= {"body": "Thanks!"}
        issue, around = payload.pop("issue"), payload
        payload = {"action": "created", "comment": around.pop("comment"), "issue": issue, **around}
    assert glance("issue_comment", compact(payload)) is None


@pytest.mark.parametrize(
    ("event", "unusual"),
    [
        ("issues", body()),
        ("issue_comment", comment_body(55)),
        ("issue_comment", b""),
        ("issue_comment", body().replace(b"created", b"edited", 1)),
        ("issue_comment", body().replace(b'"comment":', b'"commend":')),
        ("issue_comment", body().replace(b'"repository":', b'"repositorx":')),
        ("issue_comment", body().replace(b'"installation":', b'"installatiox":')),
        ("issue_comment", body().replace(b'"body":"', b'"bodx":"')),
        ("issue_comment", body().replace(b'"id":55', b'"id":"55"')),
        ("issue_comment", body().replace(b'"id":55', b'"id":9999999999999999999')),
        ("issue_comment", body().replace(b'"comment":{', b'"comment":{"user":{"a":1},')),
        ("issue_comment", body().replace(b"/fix", b"\\u002ffix")),
        ("issue_comment", body().replace(b"/fix", b"\xff")),
        ("issue_comment", body().replace(b"/fix", b"\x00")),
        ("issue_comment", body().replace(b"/fix", b"\\q")),
        ("issue_comment", body("null \0")),
    ],
)
def test_what_is_unusual_is_left_to_those_who_read_it_all(event: str, unusual: bytes) -> None:
    assert glance(event, unusual) is None


def agrees(whole: bytes) -> None:
    """Whatever the glance says, reading says as well."""
    seen = glance("issue_comment", whole)
    try:
        value = read_delivery("issue_comment", whole)
    except Unreadable:
        value = None
    if seen is not None:
        assert isinstance(value, CommentWritten)
        asks = bool({"/", "@"} & set(value.text))
        assert seen == (Glance(value.source_id, value.text) if asks else NOTHING)


@given(
    st.text(alphabet=st.characters()),
    st.sampled_from(['"comment":{"body":"x"}', '"repository":{"id":1', "", '\\","body":"/fix ']),
    st.booleans(),
)
def test_a_glance_never_misreads(text: str, before: str, ascii_only: bool) -> None:
    payload = commented(before + text)
    payload["issue"] |= {"title": before + text, "body": before}
    payload["comment"] = {"url": before, **payload["comment"]}
    agrees(compact(payload, ascii_only=ascii_only))


@given(st.text(), st.sampled_from(["", "/fix ", "/deploy", "@my-app fix"]))
def test_what_asks_nothing_holds_no_candidate(text: str, command: str) -> None:
    whole = f"{text}\n{command}"
    if glance("issue_comment", body(whole)) is NOTHING:
        assert candidates(whole, "my-app", {"deploy"}) == ()


def recorded() -> list[Path]:
    folder = Path(os.environ.get("BELLHOP_PAYLOADS", "/absent"))
    return sorted((folder / "issue_comment").glob("*.json"))


def test_recorded_comments_are_seen_at_a_glance() -> None:
    if not recorded():
        assert os.environ.get("CI") != "true", "BELLHOP_PAYLOADS must name a folder of payloads"
        pytest.skip("BELLHOP_PAYLOADS names no folder of recorded payloads")
    for path in recorded():
        payload = json.loads(path.read_text()) | {"installation": {"id": 5}}
        whole = compact(payload)
        agrees(whole)
        assert (glance("issue_comment", whole) is not None) == (payload["action"] == "created")
