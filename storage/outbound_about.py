"""Where the task of a message is, by which is known who may be told of it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from handlers.values import Person
from storage.lists import Place

OF_TASK = """(
    SELECT json_array(repository_id, installation_id, doc ->> '$.where.repository',
                      doc ->> '$.owner.login')
    FROM tasks WHERE tasks.id = outbound.task_id
)"""
"""What a message's task says of itself: null where it was removed."""
KNOWN = f"coalesce({OF_TASK}, about)"
"""The same, or else what was kept with the message."""


@dataclass(frozen=True, slots=True)
class About:
    """The repository that a message tells of, and the owner of its task."""

    place: Place
    owner: Person


def read_about(text: str | None, owner_id: int) -> About | None:
    """What is known; None where a task was gone before its message was kept."""
    if text is None:
        return None
    repository, installation, name, login = json.loads(text)
    return About(Place(repository, installation, name), Person(owner_id, login))
