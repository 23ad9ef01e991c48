"""What is told of an event: as JSON, and as a part of a stream."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Literal

from bot.http.bodies import Body
from storage.feed import Fed

EventType = Literal[
    "status", "progress", "info", "command", "success", "warning", "error", "message", "usage"
]


class EventBody(Body):
    """One thing that happened to a task; `id` grows over the whole installation."""

    own_names: ClassVar[frozenset[str]] = frozenset({"data"})

    id: int
    task_id: str
    attempt: int
    timestamp: datetime
    type: EventType
    message: str
    data: dict[str, Any]


class EventPage(Body):
    """Some events, oldest first.

    Go on with `after` = `next`; when that is the number you sent, there is nothing more for now.
    """

    events: list[EventBody]
    next: int


def event_body(fed: Fed) -> EventBody:
    """An event as it is told."""
    return EventBody.model_construct(
        id=fed.id,
        task_id=fed.task_id,
        attempt=fed.attempt,
        timestamp=fed.timestamp,
        type=fed.type,
        message=fed.message,
        data=fed.data,
    )


def event_bytes(fed: Fed) -> bytes:
    """An event as a stream sends it; JSON has no line breaks outside of its escapes.

    See https://html.spec.whatwg.org/multipage/server-sent-events.html.
    """
    data = event_body(fed).model_dump_json(by_alias=True)
    return f"id: {fed.id}\nevent: {fed.type}\ndata: {data}\n\n".encode()
