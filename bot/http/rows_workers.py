"""What workers call."""

from __future__ import annotations

from bot.http.openapi_parts import Answer, Content, Route
from bot.http.rows_common import BAD_BODY, STORAGE
from bot.http.worker_bodies import (
    Accepted,
    Assignment,
    Completion,
    GitHubToken,
    Orders,
    Progress,
)

_WORKER = ("workerToken",)
_UNAUTHORIZED: dict[int, str] = {401: "The token is missing, or of an older attempt or launch."}
_BAD: dict[int, str] = {
    400: "The body is no JSON document, or Bellhop does not speak this Bellhop-Contract."
}
_ENDED: dict[int, str] = {409: "The attempt has ended: end now."}

ROUTES = (
    Route(
        "GET",
        "/api/callbacks/task",
        "claimTask",
        "Workers",
        "Claim the attempt and read everything that the worker is told.",
        {200: Answer("The assignment.", Content(Assignment))},
        {
            400: "Bellhop-Instance is malformed, or Bellhop does not speak this Bellhop-Contract.",
            409: "Another worker has the attempt, or it has ended: end now.",
        }
        | _UNAUTHORIZED
        | STORAGE,
        parameters=("instance", "contract"),
        security=_WORKER,
    ),
    Route(
        "POST",
        "/api/callbacks/progress",
        "reportProgress",
        "Workers",
        "Report progress and log lines; this is the heartbeat.",
        {200: Answer("Whether to stop, and by when to be done.", Content(Orders))},
        BAD_BODY | _BAD | _UNAUTHORIZED | _ENDED | STORAGE,
        Content(Progress),
        parameters=("contract",),
        security=_WORKER,
    ),
    Route(
        "POST",
        "/api/callbacks/token",
        "freshToken",
        "Workers",
        "Get a fresh GitHub token, read-only and of the one repository.",
        {200: Answer("The token.", Content(GitHubToken))},
        {400: "Bellhop does not speak this Bellhop-Contract."} | _UNAUTHORIZED | _ENDED | STORAGE,
        parameters=("contract",),
        security=_WORKER,
    ),
    Route(
        "POST",
        "/api/callbacks/complete",
        "completeTask",
        "Workers",
        "Report how the attempt ended; saying the same again changes nothing.",
        {200: Answer("The task's status now.", Content(Accepted))},
        BAD_BODY
        | _BAD
        | _UNAUTHORIZED
        | {409: "The attempt has ended, or another outcome was reported first."}
        | STORAGE,
        Content(Completion),
        parameters=("contract",),
        security=_WORKER,
    ),
)
