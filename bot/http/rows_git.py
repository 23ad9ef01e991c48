"""What git calls when a worker pushes."""

from __future__ import annotations

from bot.http.openapi_parts import Answer, Content, Route

_BYTES = {"type": "string", "format": "binary"}
_GIT_SECURITY = ("workerToken", "workerPassword")
_GIT_REFUSALS = {
    401: "The worker's token is missing.",
    403: "The token is not of this task, or nothing may be pushed for it.",
    409: "The attempt has ended.",
}


def _git_answer(kind: str) -> Content:
    return Content(media=(f"application/x-git-receive-pack-{kind}",), schema=_BYTES)


ROUTES = (
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
