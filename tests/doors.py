"""Every route of the router, and what it answers to whom: a row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

JSON, FORM, TEXT = "application/json", "application/x-www-form-urlencoded", "text/plain"
PACK = "application/x-git-receive-pack-request"
PUSH = "service=git-receive-pack"
TASK = "/api/tasks/{task_id}"


@dataclass(frozen=True)
class Bad:
    """What is wrong with a request of somebody who may ask, and what they are answered.

    Attributes:
        ids: What stands in the address in the place of every id.
        query: What stands behind the question mark.
        body: The body, as it is; None for the one that is right.
        fields: What a form says instead.
        headers: Headers instead of those that are right.
    """

    status: int
    ids: str | None = None
    query: str = ""
    body: bytes | None = None
    media: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict[str, str])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Door:
    """A route.

    Attributes:
        stranger: The status for somebody who is not signed in. 303 leads to the sign-in.
        outsider: The status for somebody who is, and asks about what belongs to somebody else. 200
            and 202 where everybody has something of their own, or everything is for everybody.
        bad: None only where there is nothing to say, and so nothing to say wrong.
        body: What is right to send: JSON, or the fields of a form.
        query: What is right behind the question mark.
        by: Whose credentials open it.
    """

    method: str
    path: str
    stranger: int
    outsider: int
    bad: tuple[Bad, ...] = ()
    body: Mapping[str, Any] | None = None
    query: str = ""
    media: str = ""
    """What it is sent as, where that is neither JSON nor a form."""
    by: Literal["person", "worker", "github"] = "person"


NO_ID = Bad(400, ids="no-id")
LIMIT = Bad(422, query="limit=many")
CURSOR = Bad(400, query="cursor=!")
SCOPE = Bad(400, query="scope=everybody")
NO_CONTRACT = Bad(400, headers={"Bellhop-Contract": "x"})
NO_JSON = (
    Bad(400, body=b"{"),
    Bad(415, body=b"{}", media=TEXT),
    Bad(422, body=b'{"noSuchField": 1}'),
    Bad(413, body=b" " * (2**20 + 1)),
)
NO_FORM = (
    Bad(400, body=b"\xff", media=FORM),
    Bad(403, body=b"", media=FORM),
    Bad(415, body=b"{}", media=JSON),
    Bad(413, body=b"a=" + b" " * 2**20, media=FORM),
)
"""Without the token of the session it is no form of ours."""
NAMELESS = Bad(404, ids="no-id")

COMMENT = {"action": "edited"}
"""What GitHub delivers, and nothing is done about."""
KEY = {"name": "a script's"}
FLY = {"app": "workers"}
WANTED = {"repoUrl": "{web}/alice/own", "prompt": "Mend it."}

API = (
    Door(
        *("POST", "/api/webhooks/github", 401, 401),
        (
            Bad(400, body=b"{"),
            Bad(400, body=b"[]"),
            Bad(415, body=b"{}", media=TEXT),
            Bad(400, headers={"X-GitHub-Event": "NO EVENT"}),
            Bad(400, headers={"X-GitHub-Delivery": ""}),
        ),
        COMMENT,
        by="github",
    ),
    Door(
        *("GET", "/api/callbacks/task", 401, 401),
        (Bad(400, headers={"Bellhop-Instance": "!"}), NO_CONTRACT),
        by="worker",
    ),
    Door("POST", "/api/callbacks/progress", 401, 401, NO_JSON, {}, by="worker"),
    Door("POST", "/api/callbacks/token", 401, 401, (NO_CONTRACT,), {}, by="worker"),
    Door(
        *("POST", "/api/callbacks/complete", 401, 401, NO_JSON),
        {"taskId": "{task_id}", "status": "failed"},
        by="worker",
    ),
    Door(
        *("GET", "/api/git/{task_id}/info/refs", 401, 401),
        (Bad(403, ids="no-id", query=PUSH), Bad(403, query="service=git-upload-pack")),
        query=PUSH,
        by="worker",
    ),
    Door(
        *("POST", "/api/git/{task_id}/git-receive-pack", 401, 401),
        (Bad(403, ids="no-id"), Bad(400, body=b"no pkt-line"), Bad(415, media=TEXT)),
        media=PACK,
        by="worker",
    ),
    Door("POST", "/api/git/{task_id}/git-upload-pack", 403, 403, (Bad(403, ids="no-id"),)),
    Door("GET", "/api/tasks/events", 401, 200, (Bad(400, query="after=now"),)),
    Door("GET", f"{TASK}/events", 401, 404, (NO_ID, Bad(400, query="after=now"))),
    Door("POST", "/api/tasks", 401, 422, NO_JSON, WANTED),
    Door("GET", "/api/tasks", 401, 200, (LIMIT, CURSOR, Bad(400, query="q=status:nonsense"))),
    Door("DELETE", "/api/tasks", 401, 200, (Bad(422),), query="action=failed"),
    Door("GET", "/api/tasks/history", 401, 200, (LIMIT, CURSOR)),
    Door("GET", TASK, 401, 404, (NO_ID,)),
    Door("DELETE", TASK, 401, 404, (NO_ID,)),
    Door("GET", f"{TASK}/status", 401, 404, (NO_ID,)),
    Door("POST", f"{TASK}/messages", 401, 404, (NO_ID, *NO_JSON), {"text": "Go on."}),
    Door("POST", f"{TASK}/retry", 401, 404, (NO_ID,)),
    Door("POST", f"{TASK}/stop", 401, 404, (NO_ID,)),
    Door("POST", f"{TASK}/extend", 401, 404, (NO_ID, *NO_JSON), {"seconds": 600}),
    Door(
        "GET",
        "/api/deliveries",
        401,
        200,
        (LIMIT, CURSOR, Bad(422, query="direction=up"), Bad(400, query="task=no-id")),
    ),
    Door("POST", "/api/deliveries/{delivery_id}/replay", 401, 404, (Bad(400, ids="no_id"),)),
    Door("GET", "/api/keys", 401, 200),
    Door("POST", "/api/keys", 401, 201, NO_JSON, KEY),
    Door("DELETE", "/api/keys/{key_id}", 401, 404, (NO_ID,)),
    Door("GET", "/api/webhook-secrets", 401, 200),
    Door("POST", "/api/webhook-secrets", 401, 201),
    Door("DELETE", "/api/webhook-secrets/{secret_id}", 401, 404, (NO_ID,)),
    Door("GET", "/api/auth/github", 303, 303, (Bad(400, query="next=//evil.test"),)),
    Door("GET", "/api/auth/github/callback", 400, 400, (Bad(400, query="code=a&state=b"),)),
    Door(
        *("GET", "/api/auth/github/installed", 401, 404, (Bad(404, query="installation_id=x"),)),
        query="installation_id={installation_id}&setup_action=install",
    ),
    Door("GET", "/api/auth/diagnostics", 200, 200, (Bad(200, query="probe=%FF"),)),
    Door("POST", "/api/auth/logout", 401, 200, NO_FORM[:2]),
    Door("GET", "/api/sessions", 401, 200),
    Door("DELETE", "/api/sessions/{session_id}", 401, 404, (NO_ID,)),
    Door("GET", "/api/config", 401, 404, (SCOPE,), query="scope=installation:{installation_id}"),
    Door(
        *("PUT", "/api/config", 401, 404, (SCOPE, *NO_JSON), {"timeLimit": 600}),
        query="scope=installation:{installation_id}",
    ),
    Door(
        *("PUT", "/api/config/credentials", 401, 404, (SCOPE, *NO_JSON), {"anthropic": None}),
        query="scope=installation:{installation_id}",
    ),
    Door(
        *("GET", "/api/config/provider-credentials", 401, 404),
        (Bad(422), Bad(422, query="provider=nobody"), Bad(400, query="provider=xai&scope=all")),
        query="provider=xai&scope=installation:{installation_id}",
    ),
    Door(
        *("PUT", "/api/config/provider-credentials", 401, 404, (SCOPE, *NO_JSON)),
        {"provider": "xai", "secret": None},
        query="scope=installation:{installation_id}",
    ),
    Door(
        *("PUT", "/api/config/fly", 401, 404, (SCOPE, *NO_JSON), FLY),
        query="scope=installation:{installation_id}",
    ),
    Door("GET", "/api/config/providers", 401, 200),
    Door(
        *("POST", "/api/config/validate/{provider}", 401, 404),
        (NAMELESS, SCOPE, *NO_JSON),
        {},
        query="scope=installation:{installation_id}",
    ),
    Door("GET", "/api/github/summary", 401, 200),
    Door("GET", "/api/github/profile", 401, 200),
    Door("GET", "/api/github/orgs", 401, 200),
    Door("GET", "/api/github/installations", 401, 200),
    Door("GET", "/api/github/repositories", 401, 200, (LIMIT,)),
    Door("GET", "/api/github/issues/{owner}/{repo}", 401, 404, (Bad(400, ids="%20"), LIMIT)),
    Door("GET", "/api/github/issues/{owner}/{repo}/{number}", 401, 404, (NO_ID,)),
    Door("GET", "/api/startup/check", 401, 403),
    Door("GET", "/api/rate-limit", 401, 403),
    Door("GET", "/metrics", 401, 403),
    Door("GET", "/api/openapi.json", 200, 200),
    Door("GET", "/healthz", 200, 200),
    Door("GET", "/readyz", 200, 200),
)


def scoped(
    method: str,
    path: str,
    own: int,
    bad: tuple[Bad, ...] = (),
    body: Mapping[str, Any] | None = None,
    *,
    first: str = "/settings",
) -> tuple[Door, Door]:
    """A page of somebody's own, which is theirs to have, and of an installation, which is not."""
    installation = "/settings/installations/{installation_id}"
    return (
        Door(method, f"{first}{path}", 303, own, bad, body),
        Door(method, f"{installation}{path}", 303, 404, (NAMELESS, *bad), body),
    )


REMOVE = "/providers/{provider}/remove"
PAGES = (
    Door("GET", "/", 200, 200, (Bad(400, query="cursor=!"),)),
    Door("GET", "/sign-in", 200, 303),
    Door("GET", "/docs", 200, 200),
    Door("GET", "/plots", 303, 200),
    Door("GET", "/installations", 303, 200),
    Door("GET", "/tasks/new", 303, 200),
    Door("POST", "/tasks/new", 303, 422, NO_FORM, {"repository": "alice/own", "prompt": "Mend."}),
    Door("GET", "/tasks/{task_id}", 303, 404, (NAMELESS,)),
    Door("POST", "/tasks/{task_id}/{act}", 303, 404, NO_FORM, {"text": "Go on."}),
    Door("GET", "/tasks/{task_id}/{act}", 303, 404, (NAMELESS,)),
    Door("GET", "/tasks/{task_id}/delete", 303, 404, (NAMELESS,)),
    Door("POST", "/tasks/{task_id}/delete", 303, 404, (NAMELESS, *NO_FORM), {}),
    Door("GET", "/deliveries", 303, 403, (CURSOR,)),
    Door("POST", "/deliveries/{delivery_id}/replay", 303, 403, NO_FORM, {}),
    Door("GET", "/settings", 303, 200),
    Door("GET", "/settings/keys", 303, 200),
    Door(
        *("POST", "/settings/keys", 303, 303),
        (*NO_FORM, Bad(422, fields={"name": ""}), Bad(422, fields={"lasts": "long"})),
        {"name": "a script's", "lasts": "30", "scopes": "tasks:read"},
    ),
    Door("GET", "/settings/keys/{key_id}/delete", 303, 404, (NO_ID,)),
    Door("POST", "/settings/keys/{key_id}/delete", 303, 404, (NO_ID, *NO_FORM), {}),
    Door("GET", "/settings/webhook-secrets", 303, 200),
    Door("POST", "/settings/webhook-secrets", 303, 303, NO_FORM, {}),
    Door("GET", "/settings/webhook-secrets/{secret_id}/delete", 303, 404, (NO_ID,)),
    Door("POST", "/settings/webhook-secrets/{secret_id}/delete", 303, 404, (NO_ID, *NO_FORM), {}),
    Door("GET", "/settings/sessions", 303, 200),
    Door("POST", "/settings/sessions/{session_id}/end", 303, 404, (NO_ID, *NO_FORM), {}),
    Door("POST", "/settings/sessions/others/end", 303, 303, NO_FORM, {}),
    *scoped("GET", "", 200, first="/settings/defaults"),
    *scoped(
        "POST",
        "",
        303,
        (*NO_FORM, Bad(422, fields={"timeLimit": "x"})),
        {},
        first="/settings/defaults",
    ),
    *scoped("GET", "/providers", 200),
    *scoped(
        "POST",
        "/providers/{provider}",
        303,
        (*NO_FORM, Bad(422, fields={"secret": "short"})),
        {"secret": "sk-good-0123456789-abcd"},
    ),
    *scoped("POST", "/providers/{provider}/test", 303, NO_FORM, {}),
    *scoped("GET", REMOVE, 200, (NAMELESS,)),
    *scoped("POST", REMOVE, 303, NO_FORM, {}),
    *scoped("GET", "/fly", 200),
    *scoped("POST", "/fly", 303, (*NO_FORM, Bad(422, fields={"app": "NO APP"})), FLY),
    *scoped("POST", "/fly/test", 409, NO_FORM, {}),
    *scoped("GET", "/fly/remove", 200),
    *scoped("POST", "/fly/remove", 303, NO_FORM, {}),
)
