"""What a program is told of an attempt's end."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from handlers.task import Status
from handlers.values import ErrorCode, TaskError, Usage
from handlers.webhook_body import MOST_WORDS, webhook_body
from tests.makers import HERE, MINUTE, NOON, RULES, task_in

TOKYO = timezone(timedelta(hours=9))


def told(**changes: Any) -> dict[str, Any]:
    return json.loads(webhook_body(task_in(**changes), RULES))


def test_a_completed_task_is_told_whole() -> None:
    body = told(
        status=Status.COMPLETED,
        summary="Oiled the hinge. 🚪",
        usage=Usage(12, 3, 0.25),
        metadata={"ticket": "7"},
        completed_at=(NOON + MINUTE).astimezone(TOKYO),
    )
    assert body == snapshot(
        {
            "type": "task.completed",
            "timestamp": "2026-03-01T12:01:00.000Z",
            "data": {
                "taskId": "0197a000-0000-7000-8000-000000000001",
                "name": "brave-otter-4f2",
                "attempt": 1,
                "status": "completed",
                "command": "fix",
                "repository": "acme/door",
                "repoUrl": "https://github.com/acme/door",
                "issueNumber": 7,
                "branch": "bellhop/brave-otter-4f2",
                "prUrl": "https://github.test/acme/door/pull/9",
                "summary": "Oiled the hinge. 🚪",
                "error": None,
                "usage": {"inputTokens": 12, "outputTokens": 3, "costUsd": 0.25},
                "metadata": {"ticket": "7"},
                "startedAt": "2026-03-01T12:00:00.000Z",
                "completedAt": "2026-03-01T12:01:00.000Z",
            },
        }
    )


def test_a_failed_task_without_an_issue_says_why() -> None:
    error = TaskError(ErrorCode.TIMEOUT, "too long", "It took …", "Ask for less.", retryable=False)
    where = replace(HERE, number=None)
    body = told(status=Status.FAILED, error=error, where=where, completed_at=None)
    assert (body["type"], body["timestamp"]) == ("task.failed", "2026-03-01T12:00:00.000Z")
    assert body["data"]["error"] == snapshot(
        {
            "code": "timeout",
            "title": "too long",
            "detail": "It took …",
            "remedy": "Ask for less.",
            "retryable": False,
        }
    )
    data = body["data"]
    nothing = ("issueNumber", "prUrl", "summary", "startedAt", "completedAt")
    assert [data[name] for name in nothing] == [None] * 5


def test_the_text_is_compact_and_its_letters_stand_as_they_are() -> None:
    text = webhook_body(task_in(Status.CANCELLED, summary="é"), RULES)
    assert text.startswith('{"type":"task.cancelled","timestamp":"')
    assert '"summary":"é"' in text


def test_long_words_are_cut_and_end_with_an_ellipsis() -> None:
    assert told(summary="x" * MOST_WORDS)["data"]["summary"] == "x" * MOST_WORDS
    assert told(summary="x" * 9999)["data"]["summary"] == "x" * MOST_WORDS + "…"
    assert told(summary="é" * 9999)["data"]["summary"] == "é" * (MOST_WORDS // 2) + "…"


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet=st.sampled_from('x"\\\n\x01é漢🚪'), min_size=1, max_size=9))
@example("\x01")
@example("")
def test_a_message_stays_below_twenty_kilobytes(text: str) -> None:
    words = text * 10_000
    error = TaskError(ErrorCode.WORKER_FAILED, "t" * 500, words, "r" * 500)
    body = webhook_body(task_in(Status.FAILED, summary=words, error=error), RULES)
    assert len(body.encode()) < 20_000


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED, Status.CANCELLED])
def test_the_type_says_how_it_ended(status: Status) -> None:
    assert told(status=status)["type"] == f"task.{status.value}"
