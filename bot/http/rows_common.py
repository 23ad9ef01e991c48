"""What the rows of several groups share: who may call, parameters, refusals in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.http.contract import taken
from bot.http.openapi_parts import Parameter, header, path, query, text_like

SECURITY: Mapping[str, Any] = {
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
    "apiKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, `bh_…`: it does what its owner may do, within its scopes.",
    },
    "metricsToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "`BELLHOP_METRICS_TOKEN`, which opens nothing else.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-bellhop",
        "description": "The cookie of somebody who signed in with GitHub on the web page.",
    },
}

PARAMETERS: Mapping[str, Parameter] = {
    "task": path("task_id", "The task's id.", {"type": "string", "format": "uuid"}),
    "service": query(
        "service",
        "Pushing is the only thing that works here.",
        {"const": "git-receive-pack"},
        required=True,
    ),
    "event": header(
        "X-GitHub-Event", "The event's name.", text_like("^[a-z][a-z_]{0,63}$"), required=True
    ),
    "delivery": header(
        "X-GitHub-Delivery",
        "The delivery's id.",
        text_like("^[0-9A-Za-z-]{1,64}$"),
        required=True,
    ),
    "contract": header(
        "Bellhop-Contract",
        "The version of the contract that the worker speaks: this one or the one before; 1 if "
        "left out.",
        {"type": "string", "enum": [str(version) for version in taken()]},
    ),
    "instance": header(
        "Bellhop-Instance",
        "A name that the worker makes up for itself; the first to ask has the attempt.",
        text_like("^[A-Za-z0-9_-]{8,64}$"),
        required=True,
    ),
}

PEOPLE = ("apiKey", "session")
"""The security of routes that people use, by a key or on the page."""

STORAGE: dict[int, str] = {503: "The database cannot store anything; nothing was changed."}
LOOK_UP: dict[int, str] = {
    503: "GitHub does not say who may do what, or the database fails. `Retry-After` says when to "
    "try again."
}
BAD_BODY: dict[int, str] = {
    400: "The body is no JSON document.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    422: "Fields are missing, unknown or out of range; `errors` tells which.",
}
ASKED_BY_PEOPLE: dict[int, str] = {
    401: "There is no valid API key or session.",
    403: "The key lacks the scope, or its owner may not do this.",
    429: "Too many requests, or too many tasks that wait; `Retry-After` says when to try again.",
}
"""The refusals that every route for people has."""
