"""Bodies of deliveries, as small as they can be read."""

from __future__ import annotations

import json
from typing import Any


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
