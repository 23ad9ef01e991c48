"""Bodies of deliveries, as small as they can be read."""

from __future__ import annotations

import json
from typing import Any

ADA = {"id": 1, "login": "ada", "type": "User"}


def comment_body(
    source: int,
    *,
    text: str = "/fix",
    installation: int = 5,
    repository: tuple[int, str] = (2, "octo/hello"),
    number: int = 4,
    title: str = "",
) -> bytes:
    """Somebody wrote a comment."""
    person = {"id": 1, "login": "ada", "type": "User"}
    payload: dict[str, Any] = {
        "action": "created",
        "issue": {
            "id": 70,
            "number": number,
            "title": title,
            "user": person,
            "state": "open",
            "html_url": "https://github.test/i",
        },
        "comment": {
            "id": source,
            "body": text,
            "user": person,
            "html_url": "https://github.test/c/5",
            "created_at": "2026-03-01T12:00:00Z",
        },
        **_around(installation, repository),
    }
    return json.dumps(payload).encode()


def review_body(
    source: int = 5,
    *,
    text: str | None = "Nearly.",
    state: str = "commented",
    number: int = 4,
    reviewer: dict[str, Any] | None = None,
    author: dict[str, Any] | None = ADA,
    head: dict[str, Any] | None = None,
    pull_state: str = "open",
) -> bytes:
    """Somebody submitted a review of a pull request by `author`."""
    around = _around(5, (2, "octo/hello"))
    payload: dict[str, Any] = {
        "action": "submitted",
        "review": {
            "id": source,
            "body": text,
            "state": state,
            "user": reviewer or ADA,
            "html_url": "https://github.test/r/5",
            "submitted_at": "2026-03-01T12:00:00Z",
        },
        "pull_request": {
            "id": 71,
            "number": number,
            "title": "",
            "user": author,
            "state": pull_state,
            "html_url": "https://github.test/p",
            "head": head or {"ref": "topic", "repo": {"id": 2}},
        },
        **around,
        "sender": reviewer or ADA,
    }
    return json.dumps(payload).encode()


def closed_body(number: int = 4) -> bytes:
    """An issue was closed."""
    payload = {"action": "closed", "issue": {"number": number}, **_around(5, (2, "octo/hello"))}
    return json.dumps(payload).encode()


def _around(installation: int, repository: tuple[int, str]) -> dict[str, Any]:
    number, name = repository
    return {
        "repository": {
            "id": number,
            "full_name": name,
            "private": False,
            "default_branch": "main",
        },
        "sender": {"id": 1, "login": "ada", "type": "User"},
        "installation": {"id": installation},
    }
