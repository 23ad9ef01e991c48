"""Every route, as a table: what it takes, what it answers, and who may call it."""

from __future__ import annotations

from typing import Any

from bot.http.openapi_parts import Answer, Content, Delivered, Health, Route
from bot.http.worker_bodies import (
    Accepted,
    Assignment,
    Completion,
    GitHubToken,
    Orders,
    Progress,
)

SECURITY: dict[str, Any] = {
    "githubSignature": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Hub-Signature-256",
        "description": "`sha256=` and the HMAC of the raw body with the webhook's secret, in hex.",
    },
    "workerToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "A worker's own token, good for one launch of one attempt.",
    },
    "workerPassword": {
        "type": "http",
        "scheme": "basic",
        "description": "The same token as the password, with any user name, for git.",
    },
}


def _header(name: str, description: str, pattern: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": pattern}
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": description,
        "schema": schema,
    }


PARAMETERS: dict[str, dict[str, Any]] = {
    "task": {
        "name": "task_id",
        "in": "path",
        "required": True,
        "description": "The task whose branch is pushed to.",
        "schema": {"type": "string"},
    },
    "service": {
        "name": "service",
        "in": "query",
        "required": True,
        "description": "Pushing is the only thing that works here.",
        "schema": {"const": "git-receive-pack"},
    },
    "event": _header("X-GitHub-Event", "The event's name.", "^[a-z][a-z_]{0,63}$"),
    "delivery": _header("X-GitHub-Delivery", "The delivery's id.", "^[0-9A-Za-z-]{1,64}$"),
    "instance": _header(
        "Bellhop-Instance",
        "A name that the worker makes up for itself; the first to ask has the attempt.",
        "^[A-Za-z0-9_-]{8,64}$",
    ),
}

_WORKER = ("workerToken",)
_UNAUTHORIZED = {401: "The token is missing, or of an older attempt or launch."}
_ENDED = {409: "The attempt has ended: end now."}
_STORAGE = {503: "The database cannot store anything; nothing was changed."}
_BAD_BODY = {
    400: "The body is no JSON document.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    422: "Fields are missing, unknown or out of range; `errors` tells which.",
}

_WEBHOOKS = (
    Route(
        "POST",
        "/api/webhooks/github",
        "receiveDelivery",
        "GitHub",
        "Take one delivery of GitHub's.",
        {
            200: Answer("It asks for nothing, or is known already.", Content(Delivered)),
            202: Answer("It is stored, and what it asks for is decided.", Content(Delivered)),
        },
        {
            400: "The headers or the body are not GitHub's; nothing was stored.",
            401: "The signature is missing or wrong.",
            413: "The body is larger than GitHub sends.",
            415: "The body is neither JSON nor a form.",
            503: "No secret is configured, or the database cannot store anything.",
        },
        Content(
            media=("application/json", "application/x-www-form-urlencoded"),
            schema={"type": "object"},
        ),
        ("event", "delivery"),
        ("githubSignature",),
    ),
)

_CALLBACKS = (
    Route(
        "GET",
        "/api/callbacks/task",
        "claimTask",
        "Workers",
        "Claim the attempt and read everything that the worker is told.",
        {200: Answer("The assignment.", Content(Assignment))},
        {
            400: "The header Bellhop-Instance is missing or malformed.",
            409: "Another worker has the attempt, or it has ended: end now.",
        }
        | _UNAUTHORIZED
        | _STORAGE,
        parameters=("instance",),
        security=_WORKER,
    ),
    Route(
        "POST",
        "/api/callbacks/progress",
        "reportProgress",
        "Workers",
        "Report progress and log lines; this is the heartbeat.",
        {200: Answer("Whether to stop, and by when to be done.", Content(Orders))},
        _BAD_BODY | _UNAUTHORIZED | _ENDED | _STORAGE,
        Content(Progress),
        security=_WORKER,
    ),
    Route(
        "POST",
        "/api/callbacks/token",
        "freshToken",
        "Workers",
        "Get a fresh GitHub token, read-only and of the one repository.",
        {200: Answer("The token.", Content(GitHubToken))},
        _UNAUTHORIZED | _ENDED | _STORAGE,
        security=_WORKER,
    ),
    Route(
        "POST",
        "/api/callbacks/complete",
        "completeTask",
        "Workers",
        "Report how the attempt ended; saying the same again changes nothing.",
        {200: Answer("The task's status now.", Content(Accepted))},
        _BAD_BODY
        | _UNAUTHORIZED
        | {409: "The attempt has ended, or another outcome was reported first."}
        | _STORAGE,
        Content(Completion),
        security=_WORKER,
    ),
)

_BYTES = {"type": "string", "format": "binary"}
_GIT_SECURITY = ("workerToken", "workerPassword")
_GIT_REFUSALS = {
    401: "The worker's token is missing.",
    403: "The token is not of this task, or nothing may be pushed for it.",
    409: "The attempt has ended.",
}


def _git_answer(kind: str) -> Content:
    return Content(media=(f"application/x-git-receive-pack-{kind}",), schema=_BYTES)


_GIT = (
    Route(
        "GET",
        "/api/git/{task_id}/info/refs",
        "listRefs",
        "Git",
        "Begin a push: the head of the task's branch, in git's own format.",
        {200: Answer("The refs.", _git_answer("advertisement"))},
        _GIT_REFUSALS | {502: "GitHub did not answer as it should."},
        parameters=("task", "service"),
        security=_GIT_SECURITY,
        plain=True,
    ),
    Route(
        "POST",
        "/api/git/{task_id}/git-receive-pack",
        "push",
        "Git",
        "Push to the task's branch: one fast-forward update and nothing else.",
        {200: Answer("Git's report, of a refusal too.", _git_answer("result"))},
        _GIT_REFUSALS
        | {
            400: "The push cannot be read.",
            415: "The content type is not git's.",
        },
        _git_answer("request"),
        ("task",),
        _GIT_SECURITY,
        plain=True,
    ),
    Route(
        "POST",
        "/api/git/{task_id}/git-upload-pack",
        "fetch",
        "Git",
        "Refused: fetch from GitHub.",
        {},
        {403: "Only pushes are taken here."},
        parameters=("task",),
        plain=True,
    ),
)

_OPERATIONS = (
    Route(
        "GET",
        "/api/openapi.json",
        "describe",
        "Operations",
        "This document.",
        {200: Answer("OpenAPI 3.1.", Content(schema={"type": "object"}))},
    ),
    Route(
        "GET",
        "/docs",
        "reference",
        "Operations",
        "This document as a page.",
        {200: Answer("HTML.", Content(media=("text/html",), schema={"type": "string"}))},
    ),
    Route(
        "GET",
        "/healthz",
        "alive",
        "Operations",
        "Whether the process answers.",
        {200: Answer("It does.", Content(Health))},
    ),
    Route(
        "GET",
        "/readyz",
        "ready",
        "Operations",
        "Whether the work goes on.",
        {200: Answer("It does.", Content(Health))},
        {503: "Bellhop is starting, or GitHub does not say which App this is."},
    ),
)

ROUTES: tuple[Route, ...] = _WEBHOOKS + _CALLBACKS + _GIT + _OPERATIONS
"""Every route, without its twin below `/api/v1`."""
