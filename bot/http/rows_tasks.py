"""What people and programs ask of tasks."""

from __future__ import annotations

from bot.http.cursors import END, PLACE
from bot.http.openapi_parts import Answer, Content, Parameter, Route, header, query, text_like
from bot.http.rows_common import ASKED_BY_PEOPLE, BAD_BODY, LOOK_UP, PEOPLE
from bot.http.task_bodies import DeletedTasks, MessageTaken, TaskBody, TaskStatus, WholeTask
from bot.http.task_lists import History, TaskList
from bot.http.task_queries import MOST, MOST_DAYS, USUAL, USUAL_DAYS
from bot.http.task_requests import ENDINGS, Extension, NewMessage, NewTask
from handlers.search import LONGEST
from handlers.task import Status

REPOSITORY = query(
    "repository", "Only tasks of this repository, `owner/name`.", text_like(r"^[\w.-]+/[\w.-]+$")
)

_TAG = "Tasks"
_BAD_ID = {400: "The task's id in the address is no UUID."}
_ABSENT = {404: "There is no task of this id, or you may not see it."}
_TOO_EARLY_OR_LATE = {409: "The task is in no state in which this can be done; nothing changed."}
_ONE = ASKED_BY_PEOPLE | _BAD_ID | _ABSENT | LOOK_UP
_WITH_BODY = BAD_BODY | {400: "The body is no JSON document, or the id in the address is no UUID."}

_KEY = header(
    "Idempotency-Key",
    "Makes the request safe to repeat: for 24 hours the same key with the same body is answered "
    "as the first time and makes nothing new.",
    text_like("^[ -~]{1,255}$"),
)
_IF_NONE_MATCH = header(
    "If-None-Match",
    "The ETags that you have, or `*`: 304 if one of them is current.",
    {"type": "string"},
)
_ACTION: Parameter = {
    "name": "action",
    "in": "query",
    "required": True,
    "description": "What to remove: tasks that ended so, separated by commas.",
    "schema": {
        "type": "array",
        "items": {"type": "string", "enum": list(ENDINGS)},
        "minItems": 1,
    },
    "style": "form",
    "explode": False,
}

_LIMIT = query(
    "limit",
    f"Tasks of a page, {USUAL} if left out.",
    {"type": "integer", "minimum": 1, "maximum": MOST},
)
_STATUS: Parameter = {
    "name": "status",
    "in": "query",
    "required": False,
    "description": "Only tasks in one of these statuses.",
    "schema": {
        "type": "array",
        "items": {"type": "string", "enum": [one.value for one in Status]},
        "minItems": 1,
    },
    "style": "form",
    "explode": False,
}
_Q = query(
    "q",
    "A search: `repo:o/r`, `status:failed`, `owner:me` (what is meant if left out), "
    '`owner:anyone`, `owner:LOGIN`, `agent:claude`, words, and "phrases".',
    {"type": "string", "maxLength": LONGEST},
)
_DAYS = query(
    "days",
    f"Of how many days the totals are told, {USUAL_DAYS} if left out.",
    {"type": "integer", "minimum": 1, "maximum": MOST_DAYS},
)
_NARROWED = (_LIMIT, _STATUS, REPOSITORY, _Q)
_NEXT = {"Link": "The address of the next page, where there is one."}
_LISTED = (
    ASKED_BY_PEOPLE
    | {
        400: "The cursor or `q` cannot be read; the answer names the word.",
        422: "A parameter is out of range; `errors` tells which.",
    }
    | LOOK_UP
)


def _cursor(form: str) -> Parameter:
    return query(
        "cursor", "Where the page begins: `nextCursor` of the page before.", text_like(form)
    )


ROUTES = (
    Route(
        "GET",
        "/api/tasks",
        "listTasks",
        _TAG,
        "List tasks, newest first: your own, unless `q` says otherwise.",
        {200: Answer("A page of them.", Content(TaskList), _NEXT)},
        _LISTED,
        parameters=(*_NARROWED, _cursor(PLACE)),
        security=PEOPLE,
    ),
    Route(
        "GET",
        "/api/tasks/history",
        "listHistory",
        _TAG,
        "List what has ended, the newest end first, with totals by day and times to pull requests.",
        {200: Answer("A page of it.", Content(History), _NEXT)},
        _LISTED,
        parameters=(*_NARROWED, _cursor(END), _DAYS),
        security=PEOPLE,
    ),
    Route(
        "POST",
        "/api/tasks",
        "createTask",
        _TAG,
        "Ask for a task; it waits for a place as one that was asked for in a comment.",
        {
            202: Answer(
                "The task, or the one that was made the first time.",
                Content(TaskBody),
                {"Location": "Where the task is."},
            )
        },
        ASKED_BY_PEOPLE
        | BAD_BODY
        | {
            400: "The body is no JSON document, or the Idempotency-Key is malformed.",
            409: "The repository is archived, or its `.github/bellhop.yml` cannot be used.",
            422: "Fields are wrong, `errors` tells which: missing, out of range, a repository that "
            "you cannot read or Bellhop is not installed on, a URL that may not be called. Or the "
            "Idempotency-Key was sent with another body.",
        }
        | {
            503: "GitHub does not say what must be known, the webhook's host cannot be looked up, "
            "or the database fails. `Retry-After` says when to try again."
        },
        Content(NewTask),
        (_KEY,),
        PEOPLE,
    ),
    Route(
        "GET",
        "/api/tasks/{task_id}",
        "readTask",
        _TAG,
        "Read a task with all its attempts.",
        {200: Answer("The task.", Content(WholeTask))},
        _ONE,
        parameters=("task",),
        security=PEOPLE,
    ),
    Route(
        "GET",
        "/api/tasks/{task_id}/status",
        "readStatus",
        _TAG,
        "Read the little of a task that changes; for those who ask again and again.",
        {
            200: Answer("What goes on now.", Content(TaskStatus), {"ETag": "Of this very answer."}),
            304: Answer("Nothing has changed.", headers={"ETag": "The one that you have."}),
        },
        _ONE,
        parameters=("task", _IF_NONE_MATCH),
        security=PEOPLE,
    ),
    Route(
        "POST",
        "/api/tasks/{task_id}/messages",
        "sendMessage",
        _TAG,
        "Say something more to the worker; where the task has ended, in a new attempt.",
        {202: Answer("The message is kept until it is heard.", Content(MessageTaken))},
        _ONE | _WITH_BODY | _TOO_EARLY_OR_LATE,
        Content(NewMessage),
        ("task",),
        PEOPLE,
    ),
    Route(
        "POST",
        "/api/tasks/{task_id}/retry",
        "retryTask",
        _TAG,
        "Try again what failed, was cancelled or is completed.",
        {202: Answer("The task, with a new attempt.", Content(TaskBody))},
        _ONE | _TOO_EARLY_OR_LATE,
        parameters=("task",),
        security=PEOPLE,
    ),
    Route(
        "POST",
        "/api/tasks/{task_id}/stop",
        "stopTask",
        _TAG,
        "Cancel a task; its worker is told, and removed after 30 seconds.",
        {202: Answer("The task; `stopping` until its worker is gone.", Content(TaskBody))},
        _ONE | _TOO_EARLY_OR_LATE,
        parameters=("task",),
        security=PEOPLE,
    ),
    Route(
        "POST",
        "/api/tasks/{task_id}/extend",
        "extendTask",
        _TAG,
        "Give a task more time, within what all allow who limit it.",
        {202: Answer("The task with its new limit.", Content(TaskBody))},
        _ONE | _WITH_BODY | _TOO_EARLY_OR_LATE,
        Content(Extension),
        ("task",),
        PEOPLE,
    ),
    Route(
        "DELETE",
        "/api/tasks/{task_id}",
        "deleteTask",
        _TAG,
        "Remove a task: its worker goes first, and what is owed is said.",
        {
            200: Answer("It is gone.", Content(DeletedTasks)),
            202: Answer(
                "It will be, once its worker is; it is not counted.", Content(DeletedTasks)
            ),
        },
        _ONE,
        parameters=("task",),
        security=PEOPLE,
    ),
    Route(
        "DELETE",
        "/api/tasks",
        "deleteTasks",
        _TAG,
        "Remove all of your own tasks that ended so.",
        {200: Answer("How many are gone.", Content(DeletedTasks))},
        ASKED_BY_PEOPLE
        | {422: "`action` is missing or names something else, or `repository` is no repository."}
        | LOOK_UP,
        parameters=(_ACTION, REPOSITORY),
        security=PEOPLE,
    ),
)
