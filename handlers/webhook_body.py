"""What a program is told of an attempt's end: `{type, timestamp, data}`.

The form is that of https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
"""

from __future__ import annotations

import json
from bisect import bisect
from datetime import UTC, datetime
from typing import Any

from handlers.decision import Rules
from handlers.task import Task
from handlers.values import TaskError, Usage

MOST_WORDS = 6_000
"""Bytes of a text of the worker's in JSON: a message of two is to stay below 20 kB."""


def webhook_body(task: Task, rules: Rules) -> str:
    """The exact text to sign and to send, JSON in camelCase."""
    return json.dumps(
        {
            "type": f"task.{task.status.value}",
            "timestamp": _time(task.completed_at or task.updated_at),
            "data": _data(task, rules),
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _data(task: Task, rules: Rules) -> dict[str, Any]:
    return {
        "taskId": task.id,
        "name": task.name,
        "attempt": task.attempt,
        "status": task.status.value,
        "command": task.wish.command,
        "repository": task.where.repository,
        "repoUrl": f"{rules.web_url}/{task.where.repository}",
        "issueNumber": task.where.number,
        "branch": task.branches.name,
        "prUrl": task.pull.url if task.pull else None,
        "summary": _cut(task.summary) if task.summary else None,
        "error": _error(task.error) if task.error else None,
        "usage": _usage(task.usage),
        "metadata": dict(task.metadata),
        "startedAt": _time(task.started_at) if task.started_at else None,
        "completedAt": _time(task.completed_at) if task.completed_at else None,
    }


def _error(error: TaskError) -> dict[str, Any]:
    return {
        "code": error.code.value,
        "title": error.title,
        "detail": _cut(error.detail),
        "remedy": error.remedy,
        "retryable": error.retryable,
    }


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "inputTokens": usage.input_tokens,
        "outputTokens": usage.output_tokens,
        "costUsd": usage.cost_usd,
    }


def _cut(text: str) -> str:
    """A text that ends with an ellipsis where it would be too long to send."""
    fits = bisect(range(len(text) + 1), MOST_WORDS, key=lambda n: _size(text[:n])) - 1
    return text if fits == len(text) else text[:fits] + "…"


def _size(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode()) - len('""')


def _time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
