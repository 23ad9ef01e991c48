"""Which deliveries of GitHub's log were missed, and in which order they were written."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from handlers.deliveries import listens_to, read_delivery
from handlers.missed import LAST, Attempt, LogReader, Missed, place_of
from tests.makers import NOON, SECOND
from tests.payloads import closed_body, comment_body

LOST = "failed to connect"


def attempt(number: int, guid: str = "g", status: str = LOST, **changes: Any) -> Attempt:
    values: dict[str, Any] = {
        "id": number,
        "guid": guid,
        "sent_at": NOON + number * SECOND,
        "status": status,
        "event": "issue_comment",
        "action": "created",
        "installation_id": 7,
    }
    return Attempt(**values | changes)


def missed(*attempts: Attempt) -> tuple[Missed, ...]:
    reader = LogReader()
    for one in attempts:  # a page each
        reader.add([one])
    return reader.missed()


@pytest.mark.parametrize("status", [LOST, "timed out", "Invalid HTTP Response: 503", "", "ok"])
def test_whatever_is_not_ok_has_failed(status: str) -> None:
    assert missed(attempt(1, status=status)) == (Missed("g", 1, "issue_comment", NOON + SECOND),)


@pytest.mark.parametrize("numbers", [(3, 1, 2), (1, 2, 3), (2, 3, 1)])
def test_attempts_of_one_delivery_are_one(numbers: tuple[int, ...]) -> None:
    found = missed(*(attempt(number) for number in numbers))
    assert found == (Missed("g", 3, "issue_comment", NOON + SECOND),), "first sent, last attempt"


def test_the_last_attempt_is_known_by_its_time() -> None:
    early = attempt(9, sent_at=NOON)
    assert [one.attempt_id for one in missed(attempt(2), early)] == [2]


@pytest.mark.parametrize("arrived", [1, 2, 3])
def test_one_attempt_that_arrived_is_enough(arrived: int) -> None:
    some = [attempt(n, status="OK" if n == arrived else LOST) for n in (3, 2, 1)]
    assert [one.guid for one in missed(*some, attempt(4, "other"))] == ["other"]


def test_they_are_told_in_the_order_in_which_they_were_sent() -> None:
    found = missed(attempt(3, "c"), attempt(1, "a"), attempt(2, "b"))
    assert [one.guid for one in found] == ["a", "b", "c"]


def test_what_was_tried_before_was_found_before() -> None:
    reader = LogReader()
    reader.add([attempt(3, "tried again"), attempt(2, "at that time")])
    reader.add([attempt(1, "before"), attempt(1, "tried again")])
    found = reader.missed(NOON + 2 * SECOND)
    assert [one.guid for one in found] == ["tried again", "at that time"]


@pytest.mark.parametrize(
    ("event", "action", "installation", "listens"),
    [
        ("issue_comment", "created", 7, True),
        ("issue_comment", "edited", 7, False),
        ("issue_comment", "created", None, False),
        ("issue_comment", None, 7, False),
        ("installation", "suspend", 7, True),
        ("github_app_authorization", "revoked", None, True),
        ("ping", None, None, False),
        ("push", None, 7, False),
    ],
)
def test_only_what_bellhop_listens_to_is_worth_it(
    event: str, action: str | None, installation: int | None, *, listens: bool
) -> None:
    assert listens_to(event, action, installation) is listens
    one = attempt(1, event=event, action=action, installation_id=installation)
    assert bool(missed(one)) is listens


def test_a_text_stands_where_it_was_written_and_other_things_where_they_were_sent() -> None:
    written = read_delivery("issue_comment", comment_body(55))
    closed = read_delivery("issues", closed_body())
    assert written is not None
    assert closed is not None
    sent = NOON + timedelta(hours=1)
    assert place_of(written, sent) == (NOON, 55)
    assert place_of(closed, sent) == (sent, LAST)


def test_who_closes_with_a_comment_has_said_it_before() -> None:
    comment = read_delivery("issue_comment", comment_body(55))
    closed = read_delivery("issues", closed_body())
    assert comment is not None
    assert closed is not None
    assert place_of(comment, NOON) < place_of(closed, NOON)
