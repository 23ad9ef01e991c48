"""What happens to tasks, as streams and as pages."""

from __future__ import annotations

from bot.http.event_bodies import EventPage
from bot.http.events import LARGEST_PAGE
from bot.http.openapi_parts import Answer, Content, Route, header, query, text_like
from bot.http.rows_common import ASKED_BY_PEOPLE, LOOK_UP, PEOPLE

_TAG = "Events"
_NUMBER = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
_PARAMETERS = (
    query("after", "Only events with a higher `id`.", _NUMBER),
    query(
        "limit",
        "How many events a page has at most; streams have no pages.",
        {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": 100},
    ),
    header(
        "Last-Event-ID",
        "The `id` of the last event that you have; it counts more than `after`.",
        text_like("^[0-9]{1,18}$"),
    ),
)
_EVENTS = Answer(
    "Server-Sent Events, unless `Accept` prefers application/json: each with its number as `id`, "
    "its type as `event`, and the event as JSON in `data`; a comment every 15 seconds keeps the "
    "connection. Or a page of the same events.",
    Content(EventPage, also=("text/event-stream",)),
)
_REFUSALS = ASKED_BY_PEOPLE | {
    400: "`after`, `limit`, Last-Event-ID or the task's id is malformed.",
    429: "Too many requests or open streams; `Retry-After` says when to try again.",
}

ROUTES = (
    Route(
        "GET",
        "/api/tasks/events",
        "followTasks",
        _TAG,
        "Follow what happens to all tasks that you may see.",
        {200: _EVENTS},
        _REFUSALS | LOOK_UP,
        parameters=_PARAMETERS,
        security=PEOPLE,
    ),
    Route(
        "GET",
        "/api/tasks/{task_id}/events",
        "followTask",
        _TAG,
        "Follow what happens to a task; after its end comes an event named `end`.",
        {
            200: _EVENTS,
            204: Answer("You have everything, the task has ended, and no new attempt has begun."),
        },
        _REFUSALS | {404: "There is no task of this id, or you may not see it."} | LOOK_UP,
        parameters=("task", *_PARAMETERS),
        security=PEOPLE,
    ),
)
